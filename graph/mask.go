package graph

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// PairMasks makes of labels (B) the masks (B, B) of positive pairs, i ≠ j of one class,
// and of negative pairs, of two classes: 1 for a pair, 0 for none. Labels are whole numbers
// below 2²⁴ in float32, 2⁵³ in float64: others, which the type cannot tell apart, are an error
// when the graph runs.
//
// A mask of pairs, and what Within, At, RowFarthest and RowNearest choose of it, lies in memory
// only where a formula reads it as numbers: reductions of rows, Triplets and Where, and their
// gradients, make a row of it when they come to it, as the CPU's chains of ops entry by entry do.
func PairMasks(labels Expr) (pos, neg Expr) {
	labels, err := checkedLabels("labels", labels)
	if err != nil {
		return Fail(err), Fail(err)
	}
	n := labels.Shape()[0]
	return pairMasks(n, n, false, labels)
}

// PairMasksBetween makes of the labels (B) of rows and ref (M) of columns the masks (B, M) of
// positive pairs, of one class, and of negative pairs, of two. The rows of a reference set are
// others than those compared with them: no row is its own pair. See PairMasks.
func PairMasksBetween(labels, ref Expr) (pos, neg Expr) {
	labels, err := checkedLabels("labels", labels)
	if err == nil {
		ref, err = checkedLabels("labels of the reference set", ref)
	}
	if err != nil {
		return Fail(err), Fail(err)
	}
	return pairMasks(labels.Shape()[0], ref.Shape()[0], true, Concat(0, labels, ref))
}

func checkedLabels(what string, labels Expr) (Expr, error) {
	if err := labels.Err(); err != nil {
		return labels, err
	}
	s := labels.Shape()
	if s.Dims() != 1 {
		return labels, errors.Errorf("graph: %s have shape %v, want a vector (B)", what, s)
	}
	labels = apply(spec.Labels{N: s[0]}, s, nil, labels.Detach())
	return labels, labels.Err()
}

func pairMasks(rows, cols int, cross bool, labels Expr) (pos, neg Expr) {
	mask := func(p spec.Pairs) Expr {
		return pairMask(spec.PairMask{Rows: rows, Cols: cols, Mask: spec.Mask{Pairs: p, Cross: cross}}, labels)
	}
	return mask(spec.Positive), mask(spec.Negative)
}

// pairMask is a mask that lies in memory only where it is read as numbers: not where nothing reads
// it, nor where its readers make it row by row.
func pairMask(what spec.PairMask, in ...Expr) Expr {
	mask := apply(what, []int{what.Rows, what.Cols}, nil, in...)
	if o, ok := mask.at(); ok {
		o.absorbed = true
	}
	return mask
}

// SameLabel is the mask (N, M) of the labels a (N) and b (M) that are equal.
func SameLabel(a, b Expr) Expr {
	if err := firstError(a, b); err != nil {
		return Fail(err)
	}
	n, m := a.Shape().TotalSize(), b.Shape().TotalSize()
	return a.Detach().Reshape(n, 1).Equal(b.Detach().Reshape(1, m))
}

// Identity is the n×n identity matrix, of e's graph and type.
func Identity(e Expr, n int) Expr {
	index := Iota(e, n)
	return SameLabel(index, index)
}

// SumOver is the sum of x over the entries where mask is 1, a scalar.
func SumOver(mask, x Expr) Expr { return masked(mask, x).Sum() }

// MeanOver is the mean of x over the entries where mask is 1, a scalar; 0 if there are none.
func MeanOver(mask, x Expr) Expr {
	count := countOf(mask, Expr.Sum)
	return SumOver(mask, x).Div(count.Max(one(count)))
}

// RowCount is the number of entries of each row of mask (N, M) that are not 0, (N, 1).
func RowCount(mask Expr) Expr {
	if mask.Err() != nil {
		return mask
	}
	s := mask.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: count rows of a mask of shape %v, want a matrix", s))
	}
	what := spec.RowCount{Rows: s[0], Cols: s[1]}
	var in []Expr
	what.Mask, in = mask.source()
	return apply(what, []int{s[0], 1}, nil, in...)
}

// countOf is sum of a mask, without a mask in memory where there is none.
func countOf(mask Expr, sum func(Expr) Expr) Expr {
	if mask.Err() == nil {
		if o, ok := mask.at(); ok {
			if _, ok := o.spec.(spec.PairMask); ok {
				return sum(RowCount(mask))
			}
		}
	}
	return sum(mask.Detach())
}

// RowSum adds up each row of x (N, M) over the entries where mask is 1, to (N, 1).
func RowSum(mask, x Expr) Expr { return masked(mask, x).SumAxis(1) }

// RowTerms adds up, in each row of x (N, M) where mask is 1, the terms t with
// low < t < high, and counts them, both (N, 1). −Inf and +Inf are no bounds. A term that is
// NaN is added: the sum tells of it. No gradient flows through the counts.
func RowTerms(mask, x Expr, low, high float64) (sum, count Expr) {
	if err := sameShape(mask, x); err != nil {
		return Fail(err), Fail(err)
	}
	s := x.Shape()
	if s.Dims() != 2 || math.IsNaN(low) || math.IsNaN(high) {
		err := errors.Errorf("graph: terms between %g and %g of shape %v, want two numbers and a matrix", low, high, s)
		return Fail(err), Fail(err)
	}
	if math.IsInf(low, -1) { // what is no bound is NaN to the kernel
		low = math.NaN()
	}
	if math.IsInf(high, 1) {
		high = math.NaN()
	}
	if math.IsNaN(low) && math.IsNaN(high) {
		if base, k, c := x.unscaled(); base.n != x.n { // Σ (k·x + c) is k·Σ x and c as often as there are terms
			sum, count = RowTerms(mask, base, math.Inf(-1), math.Inf(1))
			return sum.Scale(k).Add(count.Scale(c)), count
		}
	}
	what := spec.RowTerms{Rows: s[0], Cols: s[1], Low: low, High: high}
	var masks []Expr
	what.Mask, masks = mask.source()
	h, ok := x.unhinged()
	if !ok && (math.IsNaN(low) || low == 0) && math.IsNaN(high) { // as shiftGrad needs
		h, ok = x.unsquared()
		what.Square = ok
	}
	if ok {
		x, what.Hinge, what.K, what.C, what.Shift = h.base, true, h.k, h.c, h.l
	}
	if what.Shift != 0 {
		masks = append(slices.Clone(masks), h.by)
	}
	sum = apply(what, []int{s[0], 1}, func(in []Expr, out, g Expr, need []bool) []Expr {
		grads := make([]Expr, len(in))
		grads[0] = apply(spec.RowTermsGrad(what), s, nil, append(slices.Clone(in), g)...)
		if last := len(in) - 1; what.Shift != 0 && need[last] {
			grads[last] = shiftGrad(what, in, out, g)
		}
		return grads
	}, append([]Expr{x}, masks...)...)
	return sum, sum.output(spec.TermCount)
}

// shiftGrad is the gradient to the number that is added to all hinges, given the sums of terms and the gradient to
// them: of hinges it is how many are above 0, of their squares twice their sum.
func shiftGrad(what spec.RowTerms, in []Expr, sum, g Expr) Expr {
	factor := what.Shift
	var each Expr // (N, 1)
	switch {
	case what.Square:
		each, factor = sum.output(spec.TermHinges), 2*factor
	case what.Low >= 0:
		each = sum.output(spec.TermCount)
	default:
		what.Low = 0
		each = apply(what, []int{what.Rows, 1}, nil, in...).output(spec.TermCount)
	}
	return g.Mul(each).Scale(factor).SumTo(in[len(in)-1].Shape())
}

// RowMean is the mean of each row of x (N, M) over the entries where mask is 1, (N, 1);
// 0 for a row with none.
func RowMean(mask, x Expr) Expr {
	count := countOf(mask, func(e Expr) Expr { return e.SumAxis(1) })
	return RowSum(mask, x).Div(count.Max(one(count)))
}

// RowMax is the largest entry of each row of x (N, M) where mask is 1, (N, 1); empty for
// a row with none. Among equal entries the first gets the gradient.
func RowMax(mask, x Expr, empty float64) Expr { return rowReduce(spec.RowMax, mask, x, empty) }

// RowMin is the smallest entry of each row of x (N, M) where mask is 1, (N, 1); empty for
// a row with none. Among equal entries the first gets the gradient.
func RowMin(mask, x Expr, empty float64) Expr { return rowReduce(spec.RowMin, mask, x, empty) }

// RowLogSumExp is ln Σ eˣ of each row of x (N, M) over the entries where mask is 1,
// (N, 1), without overflow; empty for a row with none.
func RowLogSumExp(mask, x Expr, empty float64) Expr {
	return rowReduce(spec.RowLogSumExp, mask, x, empty)
}

// RowMaxOf is RowMax, 0 for a row with no entry, with the mask (N, 1) of the rows that have
// one.
func RowMaxOf(mask, x Expr) (largest, some Expr) {
	return rowReduceOf(spec.RowMax, mask, x)
}

// RowMinOf is RowMin, 0 for a row with no entry, with the mask (N, 1) of the rows that have
// one.
func RowMinOf(mask, x Expr) (smallest, some Expr) {
	return rowReduceOf(spec.RowMin, mask, x)
}

// RowLogSumExpOf is RowLogSumExp, 0 for a row with no entry, with the mask (N, 1) of the rows
// that have one.
func RowLogSumExpOf(mask, x Expr) (sum, some Expr) {
	return rowReduceOf(spec.RowLogSumExp, mask, x)
}

func rowReduce(op spec.Reduction, mask, x Expr, empty float64) Expr {
	y, shift := reduceRows(op, mask, x, empty)
	if shift != 0 {
		y = y.Plus(shift)
	}
	return y
}

// rowReduceOf is a reduction with the mask of the rows that have an entry.
func rowReduceOf(op spec.Reduction, mask, x Expr) (y, some Expr) {
	y, _ = reduceRows(op, mask, x, 0)
	if op == spec.RowLogSumExp {
		some = y.output(spec.ReducedTotal).Is(0).Not()
	} else {
		some = y.output(spec.ReducedAt).Is(-1).Not()
	}
	return rowReduce(op, mask, x, 0), some
}

// reduceRows is what a RowReduce makes of each row, (N, 1), and what is to be added to that.
func reduceRows(op spec.Reduction, mask, x Expr, empty float64) (y Expr, shift float64) {
	if err := sameShape(mask, x); err != nil {
		return Fail(err), 0
	}
	s := x.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: row %s of shape %v, want a matrix", op, s)), 0
	}
	what := spec.RowReduce{Op: op, Rows: s[0], Cols: s[1], K: 1, Empty: empty}
	if op == spec.RowLogSumExp {
		x, what.K, shift = x.unscaled()
		what.Empty -= shift
	} else if whole, ok := mask.attaining(op, x); ok {
		mask = whole
	}
	return reduced(what, mask, x), shift
}

// reduced is what a RowReduce computes, (N, 1).
func reduced(what spec.RowReduce, mask, x Expr) Expr {
	var masks []Expr
	what.Mask, masks = mask.source()
	return apply(what, []int{what.Rows, 1}, func(in []Expr, out, g Expr, _ []bool) []Expr {
		from := slices.Clone(in)
		for i := range what.Outputs() {
			from = append(from, out.output(1+i))
		}
		grad := apply(spec.RowReduceGrad(what), in[0].Shape(), nil, append(from, g)...)
		return append([]Expr{grad}, make([]Expr, len(in)-1)...)
	}, append([]Expr{x}, masks...)...)
}

// Where is x where mask is 1 and other elsewhere, even where x is infinite or NaN.
func Where(mask, x Expr, other float64) Expr {
	if err := sameShape(mask, x); err != nil {
		return Fail(err)
	}
	what := spec.Where{Rows: 1, Cols: x.Shape().TotalSize(), Other: other}
	var masks []Expr
	if what.Mask, masks = mask.source(); !what.Mask.InMemory() {
		what.Rows, what.Cols = x.Shape()[0], x.Shape()[1]
	}
	return where(what, x, masks)
}

func where(what spec.Where, x Expr, masks []Expr) Expr {
	return apply(what, x.Shape(), func(in []Expr, _, g Expr, _ []bool) []Expr {
		zero := what
		zero.Other = 0
		return append([]Expr{where(zero, g, in[1:])}, make([]Expr, len(in)-1)...)
	}, append([]Expr{x}, masks...)...)
}

// masked is x where mask is 1 and 0 elsewhere, so that what is masked out never counts,
// not even as 0·∞.
func masked(mask, x Expr) Expr { return Where(mask, x, 0) }

func one(e Expr) Expr { return e.Constant(1) }

func sameShape(mask, x Expr) error {
	if err := firstError(mask, x); err != nil {
		return err
	}
	if !slices.Equal(mask.Shape(), x.Shape()) {
		return errors.Errorf("graph: mask has shape %v, want %v as the values", mask.Shape(), x.Shape())
	}
	return nil
}
