package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"medusa/internal/spec"
)

// pairGrad is the gradient to the rows that the distances d of spec compare, to x or, with toY,
// to the second of rows; rows are x and, where that is another, y. g is the gradient to d: where
// it is a sum that Gorgonia would make of what several ops say, or stands for few numbers a row,
// the op makes it by itself, row by row; what are matrices in memory is one matrix before it.
func pairGrad(what spec.Distance, toY bool, rows []Expr, d, g Expr) Expr {
	terms, sums, own := addends(g.n)
	grad := spec.PairGrad{Distance: what, ToY: toY}
	in := append(slices.Clone(rows), d)
	absorbed := own
	var matrices []*gorgonia.Node
	for _, n := range terms {
		part, o := partOf(what, d, n)
		if part.Kind == spec.MatrixPart {
			matrices = append(matrices, n)
			continue
		}
		grad.Parts = append(grad.Parts, part)
		absorbed = append(absorbed, o)
		for _, n := range o.from[1:] {
			in = append(in, Data(n))
		}
	}
	if len(matrices) > 0 {
		whole := Data(matrices[0])
		for _, n := range matrices[1:] {
			whole = whole.Add(Data(n))
		}
		grad.Parts, in = append(grad.Parts, spec.Part{Kind: spec.MatrixPart}), append(in, whole)
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

// partOf is how a term n of the gradient to the distances d gets into PairGrad, and the op that need not be run if it
// is no matrix.
func partOf(what spec.Distance, d Expr, n *gorgonia.Node) (spec.Part, *op) {
	matrix := spec.Part{Kind: spec.MatrixPart}
	o, ok := n.Op().(*op)
	if !ok || o.from[0] != d.n {
		return matrix, nil
	}
	part := matrix
	switch s := o.spec.(type) {
	case spec.RowTermsGrad:
		part.Kind, part.Terms = spec.TermsPart, s
	case spec.RowReduceGrad:
		part.Kind, part.Reduce = spec.ReducePart, s
	case spec.TripletsGrad:
		// Of a batch with itself the matrix and its transpose, in memory, are quicker.
		if s.Swap || s.Rule != (spec.TripletRule{}) || what.Self && s.Pos.Symmetric() && s.Neg.Symmetric() {
			return matrix, nil
		}
		part.Kind, part.Triplets = spec.TripletsPart, s
		return part, o
	}
	if what.Self && !part.Symmetric() { // as there
		return matrix, nil
	}
	return part, o
}

// at is the op of this package whose node e is.
func (e Expr) at() (*op, bool) {
	if e.Err() != nil {
		return nil, false
	}
	o, ok := e.n.Op().(*op)
	return o, ok
}

// addends are the nodes whose sum n is, with the nodes of Gorgonia's and the ops of this package that add them up.
func addends(n *gorgonia.Node) (terms, sums []*gorgonia.Node, own []*op) {
	o, ours := n.Op().(*op)
	switch {
	case ours && o.addsGrads:
		own = []*op{o}
	case isSum(n):
		sums = []*gorgonia.Node{n}
	default:
		return []*gorgonia.Node{n}, nil, nil
	}
	for in := n.Graph().From(n.ID()); in.Next(); {
		t, s, o := addends(in.Node().(*gorgonia.Node))
		terms, sums, own = append(terms, t...), append(sums, s...), append(own, o...)
	}
	return terms, sums, own
}
