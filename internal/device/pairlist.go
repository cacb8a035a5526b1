package device

import "medusa/internal/device/cpu"

// pairList holds few pairs of rows, each with the gradient to their distance: each pair at
// both of its rows.
type pairList[T cpu.Float] struct {
	n    int
	raw  []pairOf[T]
	from []int // entries of row r are sorted[from[r]:from[r+1]]
	row  []pairOf[T]
}

// pairOf is a pair as one of its rows sees it.
type pairOf[T cpu.Float] struct {
	anchor, other int
	g             T
	back          bool // the gradient is that of the other row's distance to this one
}

func newPairList[T cpu.Float](n int) pairList[T] { return pairList[T]{n: n, from: make([]int, n+1)} }

func (l *pairList[T]) clear() { l.raw = l.raw[:0] }

// add takes the pairs that RowReduce chose of each row, in y, with their gradients dy.
func (l *pairList[T]) add(y, dy []T) {
	for r := range l.n {
		at, g := y[r*ReduceColumns+ReducedAt], dy[r*ReduceColumns+ReducedValue]
		if !(at >= 0) || g == 0 {
			continue
		}
		l.raw = append(l.raw, pairOf[T]{r, int(at), g, false}, pairOf[T]{int(at), r, g, true})
	}
}

// sort puts together what belongs to a row, in the order of adding.
func (l *pairList[T]) sort() {
	clear(l.from)
	for _, e := range l.raw {
		l.from[e.anchor+1]++
	}
	for r := range l.n {
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
	copy(l.from[1:], l.from[:l.n]) // each stands at its row's end, the next one's start
	l.from[0] = 0
}

func (l *pairList[T]) of(r int) []pairOf[T] { return l.row[l.from[r]:l.from[r+1]] }

// sparse tells whether each part of the gradient is a pair a row.
func (s PairGrad) sparse() bool {
	for _, p := range s.Parts {
		if p.Kind != ReducePart || p.Reduce.Op == RowLogSumExp {
			return false
		}
	}
	return true
}

// sparsePairGrad goes through the pairs that count, and no others.
func sparsePairGrad[T cpu.Float](s PairGrad) func(out []T, in [][]T) {
	list := newPairList[T](s.N)
	var x, d, out []T
	sums := make([]float64, s.N*s.D)
	body := func(lo, hi int) {
		for r := lo; r < hi; r++ {
			sum := sums[r*s.D : (r+1)*s.D]
			clear(sum)
			for _, e := range list.of(r) {
				i, j := e.anchor, e.other
				if e.back {
					i, j = j, i
				}
				addDistanceGrad(s.Metric, sum, x[i*s.D:(i+1)*s.D], x[j*s.D:(j+1)*s.D], float64(d[i*s.N+j]), float64(e.g), e.back)
			}
			for k, v := range sum {
				out[r*s.D+k] = T(v)
			}
		}
	}
	return func(o []T, in [][]T) {
		x, d, out = in[0], in[1], o
		list.clear()
		for i := range s.Parts {
			list.add(in[2+3*i+1], in[2+3*i+2])
		}
		list.sort()
		cpu.Parallel(s.N, rowGrain(4*s.D), body)
		x, d, out = nil, nil, nil
	}
}
