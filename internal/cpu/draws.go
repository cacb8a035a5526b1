package cpu

import (
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerChecked(drawnPartners[float32], drawnPartners[float64])
	registerChecked(levelled[float32], levelled[float64])
}

func drawnPartners[T loops.Float](s spec.DrawnPartners) func(out []T, in [][]T) error {
	var draw loops.Draw
	var weights, y []T
	mask := newMaskRows[T](s.Mask, s.Rows, s.Cols)
	rows := newEachRow(s.Rows, s.Cols, s.Cols, func(r int, scratch []T) {
		var sums [loops.ChoiceParts]float64
		own, dst := weights[r*s.Cols:(r+1)*s.Cols], y[r*s.Cols:(r+1)*s.Cols]
		summed := false
		for j, m := range mask.row(r, scratch) {
			dst[j] = -1
			if m == 0 {
				continue
			}
			if !summed {
				loops.ChoiceSums(own, &sums)
				summed = true
			}
			var word [1]uint32
			draw.Words(word[:], r*s.Cols+j)
			loops.ChooseBySums(dst[j:j+1], own, word[:], &sums)
		}
	})
	return func(out []T, in [][]T) error {
		draw, weights, y = drawOf(in[0], s.Stream), in[1], out
		if err := checkWeights(weights); err != nil {
			return err
		}
		mask.begin(in[2:])
		rows.run()
		return nil
	}
}

// checkWeights refuses what no draw can go by.
func checkWeights[T loops.Float](weights []T) error {
	for i, w := range weights {
		if !(w >= 0 && w-w == 0) {
			return errors.Errorf("weight %v at position %d, want a finite number of at least 0", w, i)
		}
	}
	return nil
}

func levelled[T loops.Float](s spec.Levelled) func(out []T, in [][]T) error {
	t := &levelTask[T]{s: s, mask: newMaskRows[T](s.Mask, s.Rows, s.Cols), scratch: make([]T, s.Cols),
		held: make([]int, s.Bins), passed: make([]int, s.Bins), ranks: make([]int, s.Bins*s.Each), words: make([]uint32, s.Each)}
	return func(out []T, in [][]T) error {
		t.x = in[1]
		t.mask.begin(in[2:])
		return t.run(out, drawOf(in[0], s.Stream))
	}
}

type levelTask[T loops.Float] struct {
	s        spec.Levelled
	x        []T
	mask     maskRows[T]
	scratch  []T
	low, top float64
	held     []int // entries of each bin
	passed   []int // those of them that were gone through
	ranks    []int // of each bin, which of its entries are drawn, in order
	words    []uint32
}

func (t *levelTask[T]) run(out []T, draw loops.Draw) error {
	clear(out)
	t.low, t.top = math.Inf(1), math.Inf(-1)
	odd := -1
	t.each(func(i int, v float64) {
		if v-v != 0 && odd < 0 {
			odd = i
		}
		t.low, t.top = min(t.low, v), max(t.top, v)
	})
	if odd >= 0 {
		return errors.Errorf("the number %v at position %d lies on no level between others, want finite ones", t.x[odd], odd)
	}
	clear(t.held)
	clear(t.passed)
	t.each(func(_ int, v float64) { t.held[t.bin(v)]++ })
	for b, n := range t.held {
		if n == 0 {
			continue
		}
		draw.Words(t.words, b*t.s.Each)
		own := t.ranks[b*t.s.Each : (b+1)*t.s.Each]
		for k, w := range t.words {
			own[k] = int(uint64(w) * uint64(n) >> 32)
		}
		slices.Sort(own)
	}
	t.each(func(i int, v float64) {
		b := t.bin(v)
		own := t.ranks[b*t.s.Each : (b+1)*t.s.Each]
		first, drawn := slices.BinarySearch(own, t.passed[b])
		for ; drawn && first < len(own) && own[first] == t.passed[b]; first++ {
			out[i]++
		}
		t.passed[b]++
	})
	return nil
}

// each goes through the entries that the mask holds, row by row.
func (t *levelTask[T]) each(visit func(i int, v float64)) {
	for r := range t.s.Rows {
		for j, m := range t.mask.row(r, t.scratch) {
			if i := r*t.s.Cols + j; m != 0 {
				visit(i, float64(t.x[i]))
			}
		}
	}
}

// edge is the lower edge of bin b.
func (t *levelTask[T]) edge(b int) float64 {
	return t.low + (t.top-t.low)*float64(b)/float64(t.s.Bins)
}

// bin is the bin that v lies in: the last one whose lower edge is not above it.
func (t *levelTask[T]) bin(v float64) int {
	last := t.s.Bins - 1
	if !(t.top > t.low) {
		return last
	}
	b := min(max(int((v-t.low)/(t.top-t.low)*float64(t.s.Bins)), 0), last)
	for b < last && v >= t.edge(b+1) {
		b++
	}
	for b > 0 && v < t.edge(b) {
		b--
	}
	return b
}
