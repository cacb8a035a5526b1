package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// fewWeights are the entries of a row of g + gᵀ that are not 0, where there are few of them: a row is then the sum
// of as many rows as that, and no product with all.
type fewWeights struct {
	most           int
	places         []int32
	weights, flags []float32
	both, d, norms []float32
	none           []float32
}

// fewWeightsShare is the share of a row up to which its entries are few: adding a row takes about four times as
// long as an entry takes in a product.
const fewWeightsShare = 8

func newFewWeights(n int) fewWeights {
	most := n / fewWeightsShare
	row := func() []float32 { return make([]float32, most) }
	return fewWeights{most: most, places: make([]int32, most+8), weights: row(), flags: row(), both: row(), d: row(), norms: row(), none: row()}
}

// find lists the entries of a row that are not 0, and reports whether they are few.
func (f *fewWeights) find(both []float32) bool {
	count, few := loops.NonZero(f.places[:f.most+8], both, f.most)
	if few {
		f.places = f.places[:count]
	}
	return few
}

// fewRow sets row r of the gradient to the sum over the entries found of a row.
func (t *pullTask) fewRow(w *pullScratch, both []float32, r int) {
	f, n, d := &w.few, t.s.N, t.s.D
	out := t.out[r*d : (r+1)*d]
	if t.s.Metric == spec.Dot {
		clear(out)
		for _, j := range f.places {
			loops.Axpy(out, both[j], t.x[int(j)*d:(int(j)+1)*d])
		}
		return
	}
	count := len(f.places)
	weights, flags := f.weights[:count], f.flags[:count]
	for k, j := range f.places {
		f.both[k], f.d[k], f.norms[k] = both[j], t.d[r*n+int(j)], t.c.norms[j]
	}
	clear(w.sum)
	if loops.Pull(weights, flags, f.both, f.none, f.d, f.norms, t.c.norms[r], t.squared) {
		for k, j := range f.places {
			if flags[k] != 0 {
				addDistanceGrad(t.s.Metric, w.sum, t.x[r*d:(r+1)*d], t.x[int(j)*d:(int(j)+1)*d], float64(f.d[k]), float64(f.both[k]), false)
			}
		}
	}
	t.own(w, loops.Sum(weights), r)
	for k, j := range f.places {
		loops.Axpy(out, -weights[k], t.c.x[int(j)*d:(int(j)+1)*d])
	}
}
