package pairs

import (
	"cmp"

	"medusa/graph"
)

// Product is a metric that may be a matrix of products of rows: then those of few rows cost no more
// than these, and need no comparison of all with all.
type Product interface {
	Metric
	// Factors are rows fx (N, F) and fy (M, F) with Between(x, y) = fx·fyᵀ; ok is false if there
	// are none, such as for a power.
	Factors(x, y graph.Expr) (fx, fy graph.Expr, ok bool)
}

var (
	_ Product = Dot{}
	_ Product = Cosine{}
)

// Factors are the rows, divided by their norms unless Raw.
func (m Dot) Factors(x, y graph.Expr) (fx, fy graph.Expr, ok bool) {
	p, power := cmp.Or(m.P, 2), cmp.Or(m.Power, 1)
	if checkNorm("dot", p, power) != nil || power != 1 {
		return x, y, false
	}
	if m.Raw {
		return x, y, true
	}
	x, y = normalized(x, y, p)
	return x, y, true
}

// Factors are the rows, divided by their norms.
func (m Cosine) Factors(x, y graph.Expr) (fx, fy graph.Expr, ok bool) {
	return Dot{Power: m.Power}.Factors(x, y)
}

// Factors are rows of which the matrix that Between makes is the product, of the rows of the batch and
// of what they are compared with, and whether there are any. A similarity that is a product enters as
// it is.
func (b Batch) Factors(m Metric) (x, y graph.Expr, ok bool) {
	p, ok := m.(Product)
	if !ok || !m.Similarity() || b.Check() != nil {
		return b.X, b.X, false
	}
	return p.Factors(b.X, b.reference())
}

// Positives is what the selection holds of each positive pair, (B, M), as Compare tells it, without a
// comparison where the choice needs none.
func (b Batch) Positives(m Metric) graph.Expr {
	if err := b.Check(); err != nil {
		return graph.Fail(err)
	}
	if b.Chosen.Whole() {
		pos, _ := b.labelled()
		return pos
	}
	return b.Compare(m).Pos
}
