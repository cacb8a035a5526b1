package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// views are two views of the same things, row by row: x and y (N, E), and the mask (N, 1) of the
// rows that are a pair of views. With a reference set it is the second view of every row of the
// batch, row i of row i, whatever the labels. Without one, the second view of a row is the next
// row of the batch with its label; the last row of a label is no first view. Rows are then those
// before the network normalises them, if it gives them.
type views struct {
	x, y, paired graph.Expr
	count        graph.Expr // number of pairs, a scalar
}

// viewsOf are the two views of a batch.
func viewsOf(b pairs.Batch, loss string) (v views, err error) {
	if err := b.Check(); err != nil {
		return v, err
	}
	if !b.Chosen.Whole() {
		return v, errors.Errorf("losses: %s has no pairs to choose from: leave the miner out", loss)
	}
	n := b.X.Shape()[0]
	if b.HasReference() {
		if m := b.Ref.Shape()[0]; m != n {
			return v, errors.Errorf("losses: %s compares row i of the batch with row i of the reference set, its second view, and that has %d rows, want %d", loss, m, n)
		}
		v = views{x: b.X, y: b.Ref, paired: b.X.Constant(1, n, 1)}
	} else {
		index := graph.Iota(b.Labels, n)
		later := index.Reshape(1, n).Greater(index.Reshape(n, 1)) // (B, B)
		mask := graph.SameLabel(b.Labels, b.Labels).Mul(later)
		next := graph.At(mask, graph.RowFirst(mask))
		x := b.X
		if b.Raw != (graph.Expr{}) {
			x = b.Raw
		}
		v = views{x: x, y: next.MatMul(x), paired: graph.RowCount(next)}
	}
	v.count = v.paired.Sum()
	return v, errors.Wrapf(v.y.Err(), "losses: %s", loss)
}

// enough is 1 if there are pairs to make a variance of, at least two, and else 0, a scalar.
func (v views) enough() graph.Expr { return v.count.Above(1.5) }

// perPair is the sum of x (N, 1) over the pairs over their number, 0 of none.
func (v views) perPair(x graph.Expr) graph.Expr {
	return graph.SumOver(v.paired, x).Div(v.count.Max(v.count.Constant(1)))
}

// centred are the rows of view (N, E), less the mean row of the pairs; 0 for other rows.
func (v views) centred(view graph.Expr) graph.Expr {
	rows := view.Mul(v.paired)
	mean := rows.SumAxis(0).Div(v.count.Max(v.count.Constant(1))) // (1, E)
	return rows.Sub(v.paired.Mul(mean))
}

// products are Σ over pairs of x_k·y_m of rows x and y (N, E), (E, E).
func products(x, y graph.Expr) graph.Expr { return x.T().MatMul(y) }

// offDiagonal is the sum of squares off the diagonal of a matrix (E, E), a scalar.
func offDiagonal(m graph.Expr) graph.Expr {
	return graph.Identity(m, m.Shape()[0]).Not().Mul(m.Square()).Sum()
}
