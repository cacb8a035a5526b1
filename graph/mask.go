package graph

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/device"
)

// PairMasks makes of labels (B) the masks (B, B) of positive pairs, i ≠ j of one class,
// and of negative pairs, of two classes: 1 for a pair, 0 for none. Labels are whole numbers
// below 2²⁴ in float32, 2⁵³ in float64: others, which the type cannot tell apart, are an error
// when the graph runs.
func PairMasks(labels Expr) (pos, neg Expr) {
	if labels.Err() != nil {
		return labels, labels
	}
	s := labels.Shape()
	if s.Dims() != 1 {
		err := errors.Errorf("graph: labels have shape %v, want a vector (B)", s)
		return Fail(err), Fail(err)
	}
	n := s[0]
	labels = apply(device.Labels{N: n}, s, nil, labels.Detach())
	pos = apply(device.PairMask{N: n, Pairs: device.Positive}, []int{n, n}, nil, labels)
	neg = apply(device.PairMask{N: n, Pairs: device.Negative}, []int{n, n}, nil, labels)
	return pos, neg
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
	index := apply(device.Iota{N: n}, []int{n}, nil, e.Detach())
	return SameLabel(index, index)
}

// SumOver is the sum of x over the entries where mask is 1, a scalar.
func SumOver(mask, x Expr) Expr { return masked(mask, x).Sum() }

// MeanOver is the mean of x over the entries where mask is 1, a scalar; 0 if there are none.
func MeanOver(mask, x Expr) Expr {
	return SumOver(mask, x).Div(mask.Detach().Sum().Max(one(mask)))
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
	spec := device.RowTerms{Rows: s[0], Cols: s[1], Low: low, High: high}
	spec.Pairs, mask = pairs(mask)
	if base, k, c, ok := x.unhinged(); ok {
		x, spec.Hinge, spec.K, spec.C = base, true, k, c
	}
	both := apply(spec, []int{s[0], 2}, func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.RowTermsGrad(spec), s, nil, in[0], in[1], g), {}}
	}, x, mask.Detach())
	return both.Slice(1, 0, 1), both.Detach().Slice(1, 1, 2)
}

// RowMean is the mean of each row of x (N, M) over the entries where mask is 1, (N, 1);
// 0 for a row with none.
func RowMean(mask, x Expr) Expr {
	return RowSum(mask, x).Div(mask.Detach().SumAxis(1).Max(one(mask)))
}

// RowMax is the largest entry of each row of x (N, M) where mask is 1, (N, 1); empty for
// a row with none. Among equal entries the first gets the gradient.
func RowMax(mask, x Expr, empty float64) Expr { return rowReduce(device.RowMax, mask, x, empty) }

// RowMin is the smallest entry of each row of x (N, M) where mask is 1, (N, 1); empty for
// a row with none. Among equal entries the first gets the gradient.
func RowMin(mask, x Expr, empty float64) Expr { return rowReduce(device.RowMin, mask, x, empty) }

// RowLogSumExp is ln Σ eˣ of each row of x (N, M) over the entries where mask is 1,
// (N, 1), without overflow; empty for a row with none.
func RowLogSumExp(mask, x Expr, empty float64) Expr {
	return rowReduce(device.RowLogSumExp, mask, x, empty)
}

// RowMaxOf is RowMax, 0 for a row with no entry, with the mask (N, 1) of the rows that have
// one.
func RowMaxOf(mask, x Expr) (largest, some Expr) {
	return rowReduceOf(device.RowMax, mask, x)
}

// RowMinOf is RowMin, 0 for a row with no entry, with the mask (N, 1) of the rows that have
// one.
func RowMinOf(mask, x Expr) (smallest, some Expr) {
	return rowReduceOf(device.RowMin, mask, x)
}

// RowLogSumExpOf is RowLogSumExp, 0 for a row with no entry, with the mask (N, 1) of the rows
// that have one.
func RowLogSumExpOf(mask, x Expr) (sum, some Expr) {
	return rowReduceOf(device.RowLogSumExp, mask, x)
}

func rowReduce(op device.Reduction, mask, x Expr, empty float64) Expr {
	all, shift := reduceRows(op, mask, x, empty)
	y := all.Slice(1, device.ReducedValue, device.ReducedValue+1)
	if shift != 0 {
		y = y.Plus(shift)
	}
	return y
}

// rowReduceOf is a reduction with the mask of the rows that have an entry.
func rowReduceOf(op device.Reduction, mask, x Expr) (y, some Expr) {
	all, _ := reduceRows(op, mask, x, 0)
	all = all.Detach()
	if op == device.RowLogSumExp {
		some = all.Slice(1, device.ReducedTotal, device.ReducedTotal+1).Is(0).Not()
	} else {
		some = all.Slice(1, device.ReducedAt, device.ReducedAt+1).Is(-1).Not()
	}
	return rowReduce(op, mask, x, 0), some
}

// reduceRows is what the device makes of each row, and what is to be added to the values.
func reduceRows(op device.Reduction, mask, x Expr, empty float64) (all Expr, shift float64) {
	if err := sameShape(mask, x); err != nil {
		return Fail(err), 0
	}
	s := x.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: row %s of shape %v, want a matrix", op, s)), 0
	}
	spec := device.RowReduce{Op: op, Rows: s[0], Cols: s[1], K: 1, Empty: empty}
	if op == device.RowLogSumExp {
		x, spec.K, shift = x.unscaled()
		spec.Empty -= shift
	}
	spec.Pairs, mask = pairs(mask)
	return reduced(spec, mask, x), shift
}

// reduced is what a RowReduce computes, (N, device.ReduceColumns).
func reduced(spec device.RowReduce, mask, x Expr) Expr {
	return apply(spec, []int{spec.Rows, device.ReduceColumns}, func(in []Expr, out, g Expr, _ []bool) []Expr {
		return []Expr{apply(device.RowReduceGrad(spec), in[0].Shape(), nil, in[0], in[1], out, g), {}}
	}, x, mask.Detach())
}

// Where is x where mask is 1 and other elsewhere, even where x is infinite or NaN.
func Where(mask, x Expr, other float64) Expr {
	if err := sameShape(mask, x); err != nil {
		return Fail(err)
	}
	spec := device.Where{N: x.Shape().TotalSize(), Other: other}
	return apply(spec, x.Shape(), func(in []Expr, _, g Expr, _ []bool) []Expr {
		return []Expr{Where(in[1], g, 0), {}}
	}, x, mask.Detach())
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
