package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"medusa/internal/device"
)

// pairGrad is the gradient to the rows that the distances d of spec compare, to x or, with toY,
// to the second of rows; rows are x and, where that is another, y. g is the gradient to d: where
// it is a sum that Gorgonia would make of what several ops say, or stands for few numbers a row,
// the op makes it by itself, row by row.
func pairGrad(spec device.Distance, toY bool, rows []Expr, d, g Expr) Expr {
	terms, sums := addends(g.n)
	grad := device.PairGrad{Distance: spec, ToY: toY}
	in := append(slices.Clone(rows), d)
	var absorbed []*op
	for _, n := range terms {
		part := device.Part{Kind: device.MatrixPart}
		o, ok := n.Op().(*op)
		if ok && o.from[0] == d.n {
			switch s := o.spec.(type) {
			case device.RowTermsGrad:
				part.Kind, part.Terms = device.TermsPart, s
			case device.RowReduceGrad:
				part.Kind, part.Reduce = device.ReducePart, s
			case device.TripletsGrad:
				// Of a batch with itself the matrix and its transpose, in memory, are quicker.
				if !s.Swap && s.Rule == (device.TripletRule{}) && !(spec.Self && s.Pos.Symmetric() && s.Neg.Symmetric()) {
					part.Kind, part.Triplets = device.TripletsPart, s
				}
			}
		}
		grad.Parts = append(grad.Parts, part)
		if part.Kind == device.MatrixPart {
			in = append(in, Data(n))
			continue
		}
		absorbed = append(absorbed, o)
		for _, n := range o.from[1:] {
			in = append(in, Data(n))
		}
	}
	to := rows[0]
	if toY {
		to = rows[1]
	}
	result := apply(grad, to.Shape(), nil, in...)
	if o, ok := result.at(); ok {
		o.sums = append(o.sums, sums...)
		for _, p := range absorbed {
			p.absorbed = true
		}
	}
	return result
}

// at is the op of this package whose node e is.
func (e Expr) at() (*op, bool) {
	if e.Err() != nil {
		return nil, false
	}
	o, ok := e.n.Op().(*op)
	return o, ok
}

// addends are the nodes whose sum n is, with the nodes of Gorgonia's that add them up.
func addends(n *gorgonia.Node) (terms, sums []*gorgonia.Node) {
	if !isSum(n) {
		return []*gorgonia.Node{n}, nil
	}
	for in := n.Graph().From(n.ID()); in.Next(); {
		t, s := addends(in.Node().(*gorgonia.Node))
		terms, sums = append(terms, t...), append(sums, s...)
	}
	return terms, append(sums, n)
}
