package miners

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/pairs"
)

// Packaged takes the batch as triplets that somebody else made: rows 0, 1 and 2 are an anchor, its
// positive and its negative, rows 3, 4 and 5 the next ones, and so on, whatever their labels. Of
// a reference set, positive and negative are rows 1 and 2 of it. See samplers.FixedTriplets.
type Packaged struct{}

func init() {
	Register("packaged", "each three rows of the batch are an anchor, a positive and a negative", Packaged{})
}

// Mine chooses one triplet of every third row.
func (Packaged) Mine(b pairs.Batch) pairs.Selection {
	if err := b.Check(); err != nil {
		return Fail(err)
	}
	n, columns := b.X.Shape()[0], b.X.Shape()[0]
	if b.HasReference() {
		columns = b.Ref.Shape()[0]
	}
	if n%3 != 0 || columns < n {
		return Fail(errors.Errorf("miners: packaged: %d rows, compared with %d, are no triplets: want three of each, and as many to compare with", n, columns))
	}
	pos := unlabelled(b)
	neg := pos
	if !b.Chosen.Whole() {
		c := compare(b, nil)
		pos, neg = c.Pos, c.Neg
	}
	return pairs.Selection{Pos: packaged(b, "positive", pos, n, 1), Neg: packaged(b, "negative", neg, n, 2), Single: true}
}

// packaged are of some pairs those of rows 3i with the columns 3i + further.
func packaged(b pairs.Batch, name string, of graph.Expr, n, further int) graph.Expr {
	columns := make([]float64, n)
	for i := range columns {
		columns[i] = -1
		if i%3 == 0 {
			columns[i] = float64(i + further)
		}
	}
	v, err := graph.Tensor(columns, b.X.Dtype(), n, 1)
	if err != nil {
		return graph.Fail(err)
	}
	index := gorgonia.NewMatrix(b.X.Graph(), b.X.Dtype(), gorgonia.WithName("miners.packaged."+name), gorgonia.WithShape(n, 1), gorgonia.WithValue(v))
	return graph.At(of, graph.Data(index))
}

// unlabelled are all pairs of two rows, as of one label.
func unlabelled(b pairs.Batch) graph.Expr {
	one := b.Labels.Constant(0, b.Labels.Shape()...)
	if !b.HasReference() {
		all, _ := graph.PairMasks(one)
		return all
	}
	all, _ := graph.PairMasksBetween(one, b.RefLabels.Constant(0, b.RefLabels.Shape()...))
	return all
}
