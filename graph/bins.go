package graph

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// RowBins puts the entries of each row of x (N, M) where mask is 1 into bins of one width between
// low and high: how many there are in each, and the sum over them of the part of the bin that lies
// below the entry, both (N, bins). What lies below low is at the lower edge of the first bin, what
// lies above high at the upper edge of the last. An entry counts as often as the mask says. The
// gradient flows through the parts alone, and not to entries that lie outside.
//
// Histograms with soft edges come of it: see SoftHistogram.
func RowBins(mask, x Expr, low, high float64, bins int) (numbers, parts Expr) {
	if err := sameShape(mask, x); err != nil {
		return Fail(err), Fail(err)
	}
	s := x.Shape()
	if err := checkBins(s.Dims(), low, high, bins); err != nil {
		return Fail(err), Fail(err)
	}
	what := spec.RowBins{Rows: s[0], Cols: s[1], Bins: bins, Low: low, High: high}
	var masks []Expr
	what.Mask, masks = mask.source()
	parts = apply(what, []int{s[0], bins}, func(in []Expr, _, g Expr, _ []bool) []Expr {
		grad := apply(spec.RowBinsGrad(what), s, nil, append(slices.Clone(in), g)...)
		return append([]Expr{grad}, make([]Expr, len(in)-1)...)
	}, append([]Expr{x}, masks...)...)
	return parts.output(1), parts
}

// TripletBins is RowBins of the differences D_ap − D_an of the triplets of each anchor: of all with
// pos[a,p] and neg[a,n] set that lie in the window w, from distances d and masks pos and neg, all
// (B, M). It takes time in proportion to the number of triplets, and O(B·M) memory.
func TripletBins(d, pos, neg Expr, w Window, low, high float64, bins int) (numbers, parts Expr) {
	if err := firstError(sameAs(pos, d), sameAs(neg, d)); err != nil {
		return Fail(err), Fail(err)
	}
	s := d.Shape()
	err := checkBins(s.Dims(), low, high, bins)
	switch {
	case err != nil:
	case math.IsNaN(w.Above) || math.IsNaN(w.AtMost):
		err = errors.Errorf("graph: bins of triplets of a window above %g, at most %g, want two numbers", w.Above, w.AtMost)
	case w != (Window{Above: w.Above, AtMost: w.AtMost}):
		err = errors.New("graph: bins of triplets of a window of other distances or sides, want one of differences of the distances")
	}
	if err != nil {
		return Fail(err), Fail(err)
	}
	what := spec.TripletBins{N: s[0], M: s[1], Bins: bins, Low: low, High: high, Above: w.Above, AtMost: w.AtMost}
	var positives, negatives []Expr
	what.Pos, positives = pos.source()
	what.Neg, negatives = neg.source()
	parts = apply(what, []int{s[0], bins}, func(in []Expr, _, g Expr, _ []bool) []Expr {
		grad := apply(spec.TripletBinsGrad(what), s, nil, append(slices.Clone(in), g)...)
		return append([]Expr{grad}, make([]Expr, len(in)-1)...)
	}, append(append([]Expr{d}, positives...), negatives...)...)
	return parts.output(1), parts
}

// SoftHistogram makes of numbers and parts (N, bins), those of RowBins or TripletBins, histograms
// (N, bins+1) over the edges of the bins: each entry is shared between the edges of its bin, the
// more to the nearer. A row adds up to its number of entries.
func SoftHistogram(numbers, parts Expr) Expr {
	if err := sameShape(numbers, parts); err != nil {
		return Fail(err)
	}
	s := numbers.Shape()
	if s.Dims() != 2 {
		return Fail(errors.Errorf("graph: a histogram of numbers of shape %v, want a matrix (N, bins)", s))
	}
	none := numbers.Constant(0, s[0], 1)
	return Concat(1, numbers.Detach().Sub(parts), none).Add(Concat(1, none, parts))
}

func checkBins(dims int, low, high float64, bins int) error {
	if width := high - low; dims != 2 || bins < 1 || !(width > 0) || math.IsInf(width, 1) {
		return errors.Errorf("graph: %d bins between %g and %g of a tensor of %d dimensions, want at least one, two numbers in order, and a matrix", bins, low, high, dims)
	}
	return nil
}
