package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// pairList holds few pairs of rows, each with the gradient to their distance: each pair at
// both of its rows.
type pairList[T loops.Float] struct {
	n    int // rows that RowReduce saw
	own  int // rows that the list is for
	raw  []pairOf[T]
	from []int // entries of row r are sorted[from[r]:from[r+1]]
	row  []pairOf[T]
}

// pairOf is a pair as one of its rows sees it.
type pairOf[T loops.Float] struct {
	anchor, other int
	g             T
	back          bool // the gradient is that of the other row's distance to this one
}

// newPairList is for pairs of one of n rows with another; the list goes through the pairs by
// those of the rows, or their partners, that the gradient goes to, of which there are own.
func newPairList[T loops.Float](n, own int) pairList[T] {
	return pairList[T]{n: n, own: own, from: make([]int, own+1)}
}

func (l *pairList[T]) clear() { l.raw = l.raw[:0] }

// add takes the pairs that RowReduce chose of each row, with their gradients dy: at the
// row, at its partner, or at both.
func (l *pairList[T]) add(partners, dy []T, atRow, atPartner bool) {
	for r := range l.n {
		at, g := partners[r], dy[r]
		if !(at >= 0) || g == 0 {
			continue
		}
		if atRow {
			l.raw = append(l.raw, pairOf[T]{r, int(at), g, false})
		}
		if atPartner {
			l.raw = append(l.raw, pairOf[T]{int(at), r, g, true})
		}
	}
}

// sort puts together what belongs to a row, in the order of adding.
func (l *pairList[T]) sort() {
	clear(l.from)
	for _, e := range l.raw {
		l.from[e.anchor+1]++
	}
	for r := range l.own {
		l.from[r+1] += l.from[r]
	}
	if cap(l.row) < len(l.raw) {
		l.row = make([]pairOf[T], 2*cap(l.raw))
	}
	l.row = l.row[:len(l.raw)]
	for _, e := range l.raw {
		l.row[l.from[e.anchor]] = e
		l.from[e.anchor]++
	}
	copy(l.from[1:], l.from[:l.own]) // each stands at its row's end, the next one's start
	l.from[0] = 0
}

func (l *pairList[T]) of(r int) []pairOf[T] { return l.row[l.from[r]:l.from[r+1]] }

// isSparse tells whether each part of the gradient is a pair a row.
func isSparse(s spec.PairGrad) bool {
	for _, p := range s.Parts {
		if p.Kind != spec.ReducePart || p.Reduce.Op == spec.RowLogSumExp {
			return false
		}
	}
	return true
}

// sparsePairGrad goes through the pairs that count, and no others.
func sparsePairGrad[T loops.Float](s spec.PairGrad) func(out []T, in [][]T) {
	list := newPairList[T](s.N, pairGradRows(s))
	var x, y, d, out []T
	sums := make([]float64, pairGradRows(s)*s.D)
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			sum := sums[r*s.D : (r+1)*s.D]
			clear(sum)
			for _, e := range list.of(r) {
				i, j := e.anchor, e.other
				if e.back {
					i, j = j, i
				}
				addGrad(s.Distance, sum, x[i*s.D:(i+1)*s.D], y[j*s.D:(j+1)*s.D], float64(d[i*s.M+j]), float64(e.g), e.back)
			}
			for k, v := range sum {
				out[r*s.D+k] = T(v)
			}
		}
	}
	return func(o []T, in [][]T) {
		var rest [][]T
		x, y, d, rest = pairInputs(s, in)
		out = o
		list.clear()
		for _, p := range s.Parts {
			n := p.Inputs()
			list.add(rest[n-2], rest[n-1], !s.ToY, s.ToY || s.Self)
			rest = rest[n:]
		}
		list.sort()
		loops.Parallel(pairGradRows(s), rowGrain(4*s.D), body)
		x, y, d, out = nil, nil, nil, nil
	}
}
