package cpu

import (
	"sync"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// powersPairGrad is PairGrad of what pairPowers left, or of distances if it went no short way.
func powersPairGrad(s spec.PairGrad) func(out []float32, in [][]float32) {
	plain := newPullTask(s)
	t := newPowersPull(s, plain.c)
	return func(out []float32, in [][]float32) {
		if in[1][0] < 0 {
			t.run(out, in)
			return
		}
		plain.run(out, in)
	}
}

// powersPull computes what a pullTask does: Σ over j of w_ij·(x_i − x_j), or of w_ij·x_j of products. The weight of a
// negative pair is its power times what either row says of it; positive and close pairs are gone through one by one.
type powersPull struct {
	s       spec.PairGrad
	c       *centred
	squared bool
	halves  halves
	labels  *classes[float32]
	x, left []float32 // left by pairPowers
	out     []float32
	pos     exponents
	neg     exponents
	negUp   []float32 // of each row, the factor of the powers of its negative pairs
	posUp   []float32 // and of its positive ones
	termUp  []float32 // of each row, the gradient to the distances of its positive pairs
	scratch []*powersPullScratch
	pack    sync.Once
	packed  loops.Packed[float32]
}

// powersPullScratch is a worker's memory.
type powersPullScratch struct {
	weights     []float32 // rows, weightPitch apart
	columns     []int32   // of the positive pairs of a row
	d           []float32 // their distances
	close       []int32   // columns of the close negative pairs of a row
	closeD      []float32
	powers      []float32 // of either
	near        []int32   // columns of all close pairs of a row, which are no part of the product
	nearWeights []float32
	difference  []float32 // of two rows
}

func newPowersPullScratch(n, d int) *powersPullScratch {
	row, list := func() []float32 { return make([]float32, n) }, func() []int32 { return make([]int32, 0, n) }
	return &powersPullScratch{
		weights: make([]float32, gradientRows*weightPitch(n)), columns: list(), d: row(), close: list(), closeD: row(),
		powers: row(), near: list(), nearWeights: row(), difference: make([]float32, d),
	}
}

func newPowersPull(s spec.PairGrad, c *centred) *powersPull {
	row := func() []float32 { return make([]float32, s.N) }
	return &powersPull{s: s, c: c, squared: s.Metric == spec.SquaredEuclidean, halves: halves{s.N}, labels: newClasses[float32](s.N), negUp: row(), posUp: row(), termUp: row()}
}

func (t *powersPull) run(out []float32, in [][]float32) {
	t.x, t.left, t.out = in[0], in[1], out
	t.pack = sync.Once{}
	if t.squared {
		t.c.setMean(t.x)
		t.c.move(t.x)
	}
	t.labels.list(in[2])
	t.begin(in[2:])
	for len(t.scratch) < loops.Threads() {
		t.scratch = append(t.scratch, newPowersPullScratch(t.s.N, t.s.D))
	}
	loops.DoAtMost(len(t.scratch), t.halves.bands(), t)
	t.x, t.left, t.out = nil, nil, nil
}

// begin makes the factors of the parts.
func (t *powersPull) begin(in [][]float32) {
	clear(t.negUp)
	clear(t.posUp)
	clear(t.termUp)
	twice := float32(1) // the derivative of a square
	if t.squared {
		twice = 2
	}
	for _, p := range t.s.Parts {
		own := in[:p.Inputs()]
		in = in[p.Inputs():]
		if p.Kind == spec.TermsPart {
			loops.Axpy(t.termUp, twice, own[1])
			continue
		}
		of, up, e := reducedRowsIn(p.Reduce, own[1:]), t.negUp, &t.neg
		if p.Reduce.Mask.Pairs == spec.Positive {
			up, e = t.posUp, &t.pos
		}
		*e = exponents{float32(p.Reduce.K), of.at[0]}
		for r, total := range of.total {
			if total != 0 {
				up[r] += twice * float32(p.Reduce.K*float64(of.dy[r])/float64(total))
			}
		}
	}
}

// Piece computes the rows of a band.
func (t *powersPull) Piece(band, worker int) {
	n, d, w, pitch := t.s.N, t.s.D, t.scratch[worker], weightPitch(t.s.N)
	from, to := t.halves.band(band)
	t.halves.rows(w.weights, pitch, t.left, band)
	for r := from; r < to; r++ {
		weights := w.weights[(r-from)*pitch:][:n]
		w.list(t, weights, r)
		loops.MulAffine(weights, weights, t.negUp, 1, t.negUp[r])
		weights[r] = 0
		w.near = w.near[:0]
		t.positives(w, weights, r)
		t.close(w, weights, r)
		if t.squared {
			t.own(w, weights, r)
		}
	}
	x, alpha, beta := t.c.x, float32(-1), float32(1)
	if !t.squared {
		x, alpha, beta = t.x, 1, 0
	}
	t.pack.Do(func() { t.packed.Pack(n, d, x, d) })
	t.packed.Gemm(to-from, alpha, w.weights, pitch, beta, t.out[from*d:], d)
}

// list lists the positive pairs of row r and its close negative ones, given what pairPowers left of the row.
func (w *powersPullScratch) list(t *powersPull, left []float32, r int) {
	c := t.labels
	w.columns, w.close = c.others(w.columns[:0], r), w.close[:0]
	columnsOf(w.d, left, w.columns)
	if t.left[0] != someClose {
		return
	}
	for j := nextNotAbove(left, 0); j < len(left); j = nextNotAbove(left, j+1) {
		if c.from[j] != c.from[r] {
			w.closeD[len(w.close)] = -left[j]
			w.close = append(w.close, int32(j))
		}
	}
}

// nextNotAbove is the first place from on where x is not above 0, or len(x).
func nextNotAbove(x []float32, from int) int {
	if from >= len(x) {
		return len(x)
	}
	return from + loops.SkipAbove(x[from:], x[from:], 0)
}

// positives makes the weights of the positive pairs of row r.
func (t *powersPull) positives(w *powersPullScratch, weights []float32, r int) {
	powers := w.powers[:len(w.columns)]
	loops.ExpWhere(powers, w.d, t.labels.ones[:len(powers)], t.pos.k, t.pos.at)
	for k, j := range w.columns {
		weights[j] = powers[k]*(t.posUp[j]+t.posUp[r]) + t.termUp[j] + t.termUp[r]
		if t.squared && loops.IsClose(w.d[k], t.c.norms[j]+t.c.norms[r]) {
			w.setApart(weights, j)
		}
	}
}

// close makes the weights of the close negative pairs of row r.
func (t *powersPull) close(w *powersPullScratch, weights []float32, r int) {
	powers := w.powers[:len(w.close)]
	loops.ExpWhere(powers, w.closeD, t.labels.ones[:len(powers)], t.neg.k, t.neg.at)
	for k, j := range w.close {
		weights[j] = powers[k] * (t.negUp[j] + t.negUp[r])
		w.setApart(weights, j)
	}
}

// setApart takes a pair out of the product.
func (w *powersPullScratch) setApart(weights []float32, j int32) {
	w.nearWeights[len(w.near)] = weights[j]
	w.near = append(w.near, j)
	weights[j] = 0
}

// own sets row r to what it gets besides the product: the row times the total of its weights, and close rows' pulls,
// number by number.
func (t *powersPull) own(w *powersPullScratch, weights []float32, r int) {
	d := t.s.D
	out := t.out[r*d : (r+1)*d]
	loops.Affine(out, t.c.x[r*d:(r+1)*d], float32(loops.Sum(weights)), 0)
	for k, j := range w.near {
		loops.Sub(w.difference, t.x[r*d:(r+1)*d], t.x[int(j)*d:(int(j)+1)*d])
		loops.Axpy(out, w.nearWeights[k], w.difference)
	}
}
