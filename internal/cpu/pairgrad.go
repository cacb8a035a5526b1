package cpu

import (
	"sync"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	registerKernel(pairGradKernel)
}

// symmetricParts reports whether that holds for all parts of a batch compared with itself.
func symmetricParts(s spec.PairGrad) bool {
	for _, p := range s.Parts {
		if !p.Symmetric() {
			return false
		}
	}
	return s.Self
}

// pairGradRows is how many rows the result has.
func pairGradRows(s spec.PairGrad) int {
	if s.ToY {
		return s.M
	}
	return s.N
}

// pairInputs are the rows compared, their distances, and what the parts are made of.
func pairInputs[T loops.Float](s spec.PairGrad, in [][]T) (x, y, d []T, parts [][]T) {
	if s.Self {
		return in[0], in[0], in[1], in[2:]
	}
	return in[0], in[1], in[2], in[3:]
}

func pairGradKernel(s spec.PairGrad) device.Kernel {
	single := summedPairGrad[float32](s)
	switch product := byProduct(s.Distance) || s.Metric == spec.Dot; {
	case isSparse(s):
		single = sparsePairGrad[float32](s)
	case product && s.Powers:
		single = powersPairGrad(s)
	case product && symmetricParts(s):
		single = productPairGrad(s)
	case product:
		single = crossPairGrad(s)
	case snrByProduct(s.Distance):
		single = summedPairGradBy(s, snrGrad(distanceGradient{Distance: s.Distance, ToY: s.ToY}))
	}
	double := summedPairGrad[float64](s)
	if isSparse(s) {
		double = sparsePairGrad[float64](s)
	}
	return host(single, double)
}

// rowsOf makes the rows of a part, but for a matrix in memory.
func rowsOf[T loops.Float](p spec.Part) rowMaker[T] {
	switch p.Kind {
	case spec.TermsPart:
		return newTermsRows[T](p.Terms)
	case spec.ReducePart:
		return newReduceRows[T](p.Reduce)
	case spec.TripletsPart:
		return newTripletRows[T](p.Triplets)
	}
	return rowMaker[T]{}
}

// summedPairGrad goes through all pairs.
func summedPairGrad[T loops.Float](s spec.PairGrad) func(out []T, in [][]T) {
	return summedPairGradBy(s, distanceGrad[T](distanceGradient{Distance: s.Distance, ToY: s.ToY}))
}

// summedPairGradBy makes the sum of the parts in memory, one after the other, and grad of it the
// gradient to the rows.
func summedPairGradBy[T loops.Float](s spec.PairGrad, grad func(out, x, y, d, g []T)) func(out []T, in [][]T) {
	var g, part []T
	parts := make([]func(out []T, in [][]T), len(s.Parts))
	for i, p := range s.Parts {
		if rows := rowsOf[T](p); rows.row != nil {
			parts[i] = kernelOfRows(s.N, s.M, rows)
		}
	}
	var args [][]T
	return func(out []T, in [][]T) {
		if g == nil {
			g, part = make([]T, s.N*s.M), make([]T, s.N*s.M)
		}
		x, y, d, rest := pairInputs(s, in)
		clear(g)
		for i, p := range s.Parts {
			own := rest[:p.Inputs()]
			rest = rest[p.Inputs():]
			if parts[i] == nil {
				loops.Add(g, g, own[0])
				continue
			}
			args = append(append(args[:0], d), own...)
			parts[i](part, args)
			loops.Add(g, g, part)
		}
		grad(out, x, y, d, g)
	}
}

// gradientRows is how many rows of weights are made and multiplied at once.
const gradientRows = 64

// productPairGrad computes Σ over j of w_ij·(x_i − x_j) with w = (g + gᵀ)/d, or
// 2·(g + gᵀ) for squares, as (Σ over j of w_ij)·x_i − (w·x)_i of the centred rows; close
// pairs are added number by number. For Dot it is w·x with w = g + gᵀ. Rows of which few weights are
// not 0, as where a hinge lets few pairs count, are no part of the product: see fewWeights.
func productPairGrad(s spec.PairGrad) func(out []float32, in [][]float32) { return newPullTask(s).run }

func newPullTask(s spec.PairGrad) *pullTask {
	t := &pullTask{s: s, c: newCentred(s.N, s.D), squared: s.Metric == spec.SquaredEuclidean}
	for _, p := range s.Parts {
		t.parts = append(t.parts, newPairPart(s.N, p))
	}
	return t
}

func (t *pullTask) run(out []float32, in [][]float32) {
	t.x, t.d, t.out = in[0], in[1], out
	if t.s.Metric != spec.Dot {
		t.c.setMean(t.x)
		t.c.move(t.x)
	}
	t.pack = sync.Once{}
	rest := in[2:]
	for i, p := range t.s.Parts {
		t.parts[i].begin(t.d, rest[:p.Inputs()])
		rest = rest[p.Inputs():]
	}
	for len(t.scratch) < loops.Threads() {
		t.scratch = append(t.scratch, newPullScratch(t.s.N, t.s.D))
		for _, p := range t.parts {
			p.worker()
		}
	}
	loops.DoAtMost(len(t.scratch), (t.s.N+gradientRows-1)/gradientRows, t)
	t.x, t.d, t.out = nil, nil, nil
}

type pullTask struct {
	s         spec.PairGrad
	c         *centred
	squared   bool
	parts     []pairPart
	x, d, out []float32
	scratch   []*pullScratch
	pack      sync.Once // once a run, if a row needs it
	packed    loops.Packed[float32]
}

// pullScratch is a worker's memory.
type pullScratch struct {
	both, none []float32 // a row of g + gᵀ; zeros
	weights    []float32 // rows of w, weightPitch apart
	dense      []int     // which rows they are, from the first of the piece on
	product    []float32 // of these rows, where others stand between them
	flags      []float32 // −1 at close pairs of a row
	mask       []float32
	a, b       []float32 // of the parts
	sum        []float64
	few        fewWeights
}

// weightPitch is how far rows of n weights stand apart: not by a power of two, at which they would fall into the
// same few sets of the cache.
func weightPitch(n int) int { return n + 16 }

func newPullScratch(n, d int) *pullScratch {
	row := func() []float32 { return make([]float32, n) }
	return &pullScratch{
		both: row(), none: row(), weights: make([]float32, gradientRows*weightPitch(n)), dense: make([]int, 0, gradientRows),
		product: make([]float32, gradientRows*d), flags: row(), mask: row(), a: row(), b: row(), sum: make([]float64, d),
		few: newFewWeights(n),
	}
}

// Piece computes some rows of the gradient.
func (t *pullTask) Piece(piece, worker int) {
	w, n := t.scratch[worker], t.s.N
	from := piece * gradientRows
	rows := min(gradientRows, n-from)
	for _, p := range t.parts {
		p.rows(from, rows, worker)
	}
	w.dense = w.dense[:0]
	for i := range rows {
		r := from + i
		weights := w.weights[len(w.dense)*weightPitch(n):][:n]
		both := w.both
		if t.s.Metric == spec.Dot {
			both = weights
		}
		for k, p := range t.parts {
			p.row(both, r, i, worker, k == 0, w)
		}
		if w.few.find(both) {
			t.fewRow(w, both, r)
			continue
		}
		w.dense = append(w.dense, i)
		if t.s.Metric != spec.Dot {
			t.denseRow(w, weights, r)
		}
	}
	t.multiply(w, from, rows)
}

// denseRow makes the weights of row r, and what the row gets beside their product.
func (t *pullTask) denseRow(w *pullScratch, weights []float32, r int) {
	n := t.s.N
	anyClose := loops.Pull(weights, w.flags, w.both, w.none, t.d[r*n:(r+1)*n], t.c.norms, t.c.norms[r], t.squared)
	clear(w.sum)
	if anyClose {
		t.addClose(w, r)
	}
	t.own(w, loops.Sum(weights), r)
}

// own sets row r to its own part: the row times the total of its weights, and what close rows give it.
func (t *pullTask) own(w *pullScratch, total float64, r int) {
	d := t.s.D
	out := t.out[r*d : (r+1)*d]
	for k, v := range t.c.x[r*d : (r+1)*d] {
		out[k] = float32(total*float64(v) + w.sum[k])
	}
}

// multiply adds the products of the dense rows' weights.
func (t *pullTask) multiply(w *pullScratch, from, rows int) {
	if len(w.dense) == 0 {
		return
	}
	n, d := t.s.N, t.s.D
	x, alpha, beta := t.c.x, float32(-1), float32(1)
	if t.s.Metric == spec.Dot {
		x, alpha, beta = t.x, 1, 0
	}
	t.pack.Do(func() { t.packed.Pack(n, d, x, d) })
	switch count := len(w.dense); count {
	case rows:
		t.packed.Gemm(rows, alpha, w.weights, weightPitch(n), beta, t.out[from*d:], d)
	default:
		for k, i := range w.dense {
			copy(w.product[k*d:(k+1)*d], t.out[(from+i)*d:])
		}
		t.packed.Gemm(count, alpha, w.weights, weightPitch(n), beta, w.product, d)
		for k, i := range w.dense {
			copy(t.out[(from+i)*d:], w.product[k*d:(k+1)*d])
		}
	}
}

// addClose sums over the close pairs of row r.
func (t *pullTask) addClose(w *pullScratch, r int) {
	n, d := t.s.N, t.s.D
	for j := loops.NextMarked(w.flags, 0); j < n; j = loops.NextMarked(w.flags, j+1) {
		if g := float64(w.both[j]); g != 0 {
			addDistanceGrad(t.s.Metric, w.sum, t.x[r*d:(r+1)*d], t.x[j*d:(j+1)*d], float64(t.d[r*n+j]), g, false)
		}
	}
}
