package graph

import (
	"math"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/internal/spec"
)

// Within is the mask (N, M) of the entries with above[i] < d[i,j] ≤ atMost[i] where mask (N, M)
// is 1; above and atMost are (N, 1). A bound that is NaN is none, as are an above of −∞ and an
// atMost of ∞. A NaN in d is chosen, so that it is not passed over. Like PairMasks it takes no
// memory where it is read row by row. No gradient flows through it.
func Within(mask, d, above, atMost Expr) Expr {
	if err := sameShape(mask, d); err != nil {
		return Fail(err)
	}
	for _, bound := range []Expr{above, atMost} {
		if err := bound.Err(); err != nil {
			return Fail(err)
		}
		if s := d.Shape(); s.Dims() != 2 || bound.Shape().TotalSize() != s[0] {
			return Fail(errors.Errorf("graph: entries of shape %v within bounds of shape %v, want a matrix (N, M) and (N, 1)", s, bound.Shape()))
		}
	}
	return choose(mask, spec.Filter{Kind: spec.Within}, d, above, atMost)
}

// At is the mask (N, M) of the columns index[i, k] of each row i where mask (N, M) is 1; index
// is (N, K), and −1 in it is no column. Another number that is no column is an error when the
// graph runs. Like PairMasks it takes no memory where it is read row by row. No gradient flows
// through it.
func At(mask, index Expr) Expr {
	if err := firstError(mask, index); err != nil {
		return Fail(err)
	}
	s, k := mask.Shape(), index.Shape()
	if s.Dims() != 2 || k.Dims() != 2 || s[0] != k[0] {
		return Fail(errors.Errorf("graph: columns of a mask of shape %v by numbers of shape %v, want (N, M) and (N, K)", s, k))
	}
	index = apply(spec.Places{N: k.TotalSize(), Cols: s[1]}, k, nil, index.Detach())
	return choose(mask, spec.Filter{Kind: spec.Listed, K: k[1]}, index)
}

// choose is what a filter leaves of mask.
func choose(mask Expr, c spec.Filter, in ...Expr) Expr {
	s := mask.Shape()
	from, all := mask.source()
	what := spec.PairMask{Rows: s[0], Cols: s[1], Mask: from}
	what.Mask.Filters = append(append([]spec.Filter{}, from.Filters...), c)
	for _, e := range in {
		all = append(all, e.Detach())
	}
	return pairMask(what, all...)
}

// RowFarthest is the mask (N, M) of the largest entry of each row of x where mask is 1,
// the first among equal ones; a row with none stays empty. See At.
func RowFarthest(mask, x Expr) Expr { return rowChoice(spec.RowMax, mask, x) }

// RowNearest is the mask (N, M) of the smallest entry of each row of x where mask is 1,
// the first among equal ones; a row with none stays empty. See At.
func RowNearest(mask, x Expr) Expr { return rowChoice(spec.RowMin, mask, x) }

// rowChoice is where a row's reduction is attained.
func rowChoice(op spec.Reduction, mask, x Expr) Expr {
	y, _ := reduceRows(op, mask, x.Detach(), 0)
	if y.Err() != nil {
		return y
	}
	at := y.output(spec.ReducedAt) // in the mask, or −1
	return choose(mask, spec.Filter{Kind: spec.Listed, K: 1}, at)
}

// attaining is the mask of which e, RowFarthest or RowNearest of x, holds in each row the entry
// where a reduction of x is attained: the reduction over either is the same. What chose the entry
// need not run if nobody else reads it.
func (e Expr) attaining(reduction spec.Reduction, x Expr) (whole Expr, ok bool) {
	chosen, what, ok := madeOf[spec.PairMask](e.n)
	last := len(what.Mask.Filters) - 1
	if !ok || last < 0 || what.Mask.Filters[last].Kind != spec.Listed {
		return whole, false
	}
	at, further, ok := madeOf[spec.Further](chosen.from[len(chosen.from)-1])
	if !ok || further.Number != spec.ReducedAt {
		return whole, false
	}
	rows, reduce, ok := madeOf[spec.RowReduce](at.from[0])
	base, in := what.Mask, chosen.from[:len(chosen.from)-1]
	base.Filters = base.Filters[:last]
	same := ok && reduce.Op == reduction && reduce.K == 1 && rows.from[0] == x.n && slices.Equal(rows.from[1:], in) &&
		reduce.Mask.Pairs == base.Pairs && reduce.Mask.Cross == base.Cross && slices.Equal(reduce.Mask.Filters, base.Filters)
	if !same {
		return whole, false
	}
	for _, o := range []*op{chosen, at, rows} {
		o.absorbed = true
	}
	if base.InMemory() {
		return Data(in[0]), true
	}
	inputs := make([]Expr, len(in))
	for i, n := range in {
		inputs[i] = Data(n)
	}
	return apply(spec.PairMask{Rows: what.Rows, Cols: what.Cols, Mask: base}, e.Shape(), nil, inputs...), true
}

// madeOf is the op whose node n is, if its description is an S.
func madeOf[S any](n *gorgonia.Node) (o *op, what S, ok bool) {
	if o, ok = n.Op().(*op); ok {
		what, ok = o.spec.(S)
	}
	return o, what, ok
}

// RowNearestK is the mask (N, M) of the k smallest entries of each row of x where mask is
// 1, of all that equal the k-th, and of all in a row with no more than k. See Within.
func RowNearestK(mask, x Expr, k int) Expr {
	if err := sameShape(mask, x); err != nil {
		return Fail(err)
	}
	s := x.Shape()
	if s.Dims() != 2 || k < 1 {
		return Fail(errors.Errorf("graph: the %d smallest of each row of shape %v, want a matrix and at least 1", k, s))
	}
	x = x.Detach()
	what := spec.RowKth{Rows: s[0], Cols: s[1], K: k}
	var in []Expr
	what.Mask, in = mask.source()
	kth := apply(what, []int{s[0], 1}, nil, append([]Expr{x}, in...)...)
	return Within(mask, x, kth.Constant(math.Inf(-1), s[0], 1), kth)
}

// NearestShare is the mask (N, M) of a share of all entries of x where mask is 1, those that are
// smallest: ⌈share·n⌉ of n, and all that equal the last of them. share is above 0, at most 1. See
// Within.
func NearestShare(mask, x Expr, share float64) Expr {
	return shareOf(mask, x, share, spec.ShareBound{})
}

// FarthestShare is NearestShare of the largest entries.
func FarthestShare(mask, x Expr, share float64) Expr {
	return shareOf(mask, x, share, spec.ShareBound{Largest: true})
}

// NearestShareCounted is NearestShare of entries each of which lies there as often as counts, whole
// numbers of at least 0, say: n is the sum of these.
func NearestShareCounted(counts, x Expr, share float64) Expr {
	return shareOf(counts, x, share, spec.ShareBound{Counted: true})
}

// FarthestShareCounted is NearestShareCounted of the largest entries.
func FarthestShareCounted(counts, x Expr, share float64) Expr {
	return shareOf(counts, x, share, spec.ShareBound{Largest: true, Counted: true})
}

// shareOf is the mask of the share that spec says, whose sizes it fills in.
func shareOf(mask, x Expr, share float64, what spec.ShareBound) Expr {
	if err := sameShape(mask, x); err != nil {
		return Fail(err)
	}
	s := x.Shape()
	if s.Dims() != 2 || !(share > 0 && share <= 1) {
		return Fail(errors.Errorf("graph: a share of %g of shape %v, want above 0, at most 1, of a matrix", share, s))
	}
	x = x.Detach()
	what.Rows, what.Cols, what.Share = s[0], s[1], share
	var in []Expr
	what.Mask, in = mask.source()
	bound := apply(what, []int{s[0], 1}, nil, append([]Expr{x}, in...)...) // the same in each row
	if what.Largest {
		return Within(mask, x, bound, bound.Constant(math.Inf(1), s[0], 1))
	}
	return Within(mask, x, bound.Constant(math.Inf(-1), s[0], 1), bound)
}
