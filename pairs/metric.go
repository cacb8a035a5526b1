package pairs

import (
	"github.com/pkg/errors"

	"medusa/graph"
)

// Metric compares rows: those of x (N, E) with those of y (M, E), to a matrix (N, M) whose
// row i belongs to row i of x, the anchor. It
//   - is a distance, for which smaller is nearer, or a similarity, for which larger is,
//   - gives a finite number, with a finite gradient, also for equal rows and rows of zeros,
//   - is told that rows are compared with themselves by x == y, and may then do so faster.
type Metric interface {
	Between(x, y graph.Expr) graph.Expr
	Similarity() bool
}

var errNoMetric = errors.New("pairs: the metric is nil, want one such as pairs.LP{}")

// normalized divides the rows of x and of y by their Lp norm; rows compared with themselves
// stay the same expression.
func normalized(x, y graph.Expr, p float64) (_, _ graph.Expr) {
	nx := graph.NormalizeLp(x, p)
	if x == y {
		return nx, nx
	}
	return nx, graph.NormalizeLp(y, p)
}

// raised is d to a power.
func raised(d graph.Expr, power float64) graph.Expr {
	switch power {
	case 1:
		return d
	case 2:
		return d.Square()
	}
	return d.Power(power)
}

// checkNorm is an error for what is no p of an Lp norm, or no power of a comparison.
func checkNorm(name string, p, power float64) error {
	if !(p >= 1) {
		return errors.Errorf("pairs: %s: p is %g, want at least 1 (+Inf is allowed)", name, p)
	}
	if !(power > 0) || power > 1e3 {
		return errors.Errorf("pairs: %s: the power is %g, want above 0, at most 1000", name, power)
	}
	return nil
}
