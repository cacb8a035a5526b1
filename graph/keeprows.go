package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// KeptRows is the gradient to a table of which a graph reads nothing but rows that it gathers, as of
// the last run of the graph: the rows named, and their gradients. That to all other rows is 0. Its cost
// is that of the rows named, however many the table has.
type KeptRows struct {
	indices, values *Kept
	rows, cols      int
}

// KeepRows makes the graph keep grad, the gradient of gorgonia.Grad to a node, by rows, where that is a
// table which the graph reads by Gather alone, in one place or in several; it may be reshaped before. Else
// it returns nil. The gradient as a whole is then made only if somebody else reads it, too (on Gorgonia's
// own machines it always is).
func KeepRows(grad *gorgonia.Node) (*KeptRows, error) {
	if err := Data(grad).Err(); err != nil {
		return nil, err
	}
	found := gatherGrads(grad)
	if found == nil {
		return nil, nil
	}
	indices, dy := joined(found.indices), joined(found.dy)
	table := found.table
	n := indices.Shape()[0]
	rows := apply(device.GatherRows{Rows: table.Rows, N: n}, tensor.Shape{n}, nil, indices)
	values := apply(device.GatherRowsGrad{Rows: table.Rows, Cols: table.Cols, N: n}, tensor.Shape{n, table.Cols}, nil, indices, dy)
	if err := firstError(rows, values); err != nil {
		return nil, errors.Wrap(err, "graph: keep rows")
	}
	k := &KeptRows{rows: table.Rows, cols: table.Cols}
	var err error
	if k.indices, err = Keep(rows.n); err != nil {
		return nil, err
	}
	if k.values, err = Keep(values.n); err != nil {
		return nil, err
	}
	if o, ok := values.at(); ok {
		found.replacedBy(o)
	}
	return k, nil
}

// joined is Concat of rows, which copies none where they stand together.
func joined(rows []Expr) Expr {
	if len(rows) == 1 {
		return rows[0]
	}
	return Concat(0, rows...)
}

// Indices are the numbers of the rows, (N); each row is named once, and −1 names none.
func (k *KeptRows) Indices() *Kept { return k.indices }

// Values are the gradients to the rows, (N, E); those to none are 0.
func (k *KeptRows) Values() *Kept { return k.values }

// Size is how many numbers the table has.
func (k *KeptRows) Size() int { return k.rows * k.cols }

// gatheredGrads is what a gradient to a table is the sum of.
type gatheredGrads struct {
	table       device.Gather
	indices, dy []Expr
	sums        []*gorgonia.Node // of Gorgonia's
	ops         []*op            // of this package: they make what is summed, and reshape and add it up
}

// gatherGrads is nil if grad is not made of gradients of Gather alone.
func gatherGrads(grad *gorgonia.Node) *gatheredGrads {
	f := &gatheredGrads{}
	for next := []*gorgonia.Node{grad}; len(next) > 0; {
		terms, sums, own := addends(next[0])
		next = next[1:]
		f.sums, f.ops = append(f.sums, sums...), append(f.ops, own...)
		for _, n := range terms {
			o, ours := n.Op().(*op)
			if !ours || !o.isAt(n) {
				return nil
			}
			f.ops = append(f.ops, o)
			switch spec := o.spec.(type) {
			case device.Copy: // of another shape
				next = append(next, o.from[0])
			case device.GatherGrad:
				if !f.add(device.Gather(spec), o) {
					return nil
				}
			default:
				return nil
			}
		}
	}
	return f
}

// add reports false of rows of another size.
func (f *gatheredGrads) add(spec device.Gather, o *op) bool {
	table := device.Gather{Rows: spec.Rows, Cols: spec.Cols}
	if len(f.dy) > 0 && f.table != table {
		return false
	}
	f.table = table
	f.indices, f.dy = append(f.indices, Data(o.from[0])), append(f.dy, Data(o.from[1]))
	return true
}

// replacedBy tells machines that o makes by itself what the gradient as a whole says.
func (f *gatheredGrads) replacedBy(o *op) {
	for _, p := range f.ops {
		p.absorbed = true
	}
	for _, n := range f.sums {
		if !slices.Contains(o.sums, n) {
			o.sums = append(o.sums, n)
		}
	}
}
