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
	weights    []float32 // rows, weightPitch apart
	columns    []int32   // of the positive pairs of a row
	d          []float32 // their distances
	near       []int32   // the columns of the close negative pairs of a row
	nearD      []float32
	powers     []float32 // of either
	difference []float32 // of two rows
	straight   []float32 // what is added to a row besides the product
}

func newPowersPullScratch(n, d int) *powersPullScratch {
	row := func() []float32 { return make([]float32, n) }
	return &powersPullScratch{
		weights: make([]float32, gradientRows*weightPitch(n)), columns: make([]int32, 0, n), d: row(), near: make([]int32, 0, n), nearD: row(),
		powers: row(), difference: make([]float32, d), straight: make([]float32, d),
	}
}

func newPowersPull(s spec.PairGrad, c *centred) *powersPull {
	row := func() []float32 { return make([]float32, s.N) }
	return &powersPull{s: s, c: c, squared: s.Metric == spec.SquaredEuclidean, labels: newClasses[float32](s.N), negUp: row(), posUp: row(), termUp: row()}
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
	loops.DoAtMost(len(t.scratch), bands(t.s.N), t)
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

// Piece computes some rows of the gradient.
func (t *powersPull) Piece(band, worker int) {
	n, w, pitch := t.s.N, t.scratch[worker], weightPitch(t.s.N)
	from := band * gradientRows
	to := min(from+gradientRows, n)
	loops.Transpose(w.weights, pitch, t.left[from:], n, from, to-from)
	for r := from; r < to; r++ {
		weights, right := w.weights[(r-from)*pitch:][:n], t.left[r*n+from:(r+1)*n]
		w.listPositives(t.labels, weights[:from], right, r)
		w.listClose(t, weights[:from], 0, r)
		w.listClose(t, right, from, r)
		loops.MulAffine(weights[:from], weights[:from], t.negUp[:from], 1, t.negUp[r])
		loops.MulAffine(weights[from:], right, t.negUp[from:], 1, t.negUp[r])
		weights[r] = 0
		clear(w.straight)
		t.positives(w, weights, r)
		t.close(w, weights, r)
		if t.squared {
			t.own(w, weights, r)
		}
	}
	if t.squared {
		t.pack.Do(func() { t.packed.Pack(n, t.s.D, t.c.x, t.s.D) })
		t.packed.Gemm(to-from, -1, w.weights, pitch, 1, t.out[from*t.s.D:], t.s.D)
		return
	}
	t.pack.Do(func() { t.packed.Pack(n, t.s.D, t.x, t.s.D) })
	t.packed.Gemm(to-from, 1, w.weights, pitch, 0, t.out[from*t.s.D:], t.s.D)
}

// listPositives lists the positive pairs of row r, of which pairPowers left left and right.
func (w *powersPullScratch) listPositives(c *classes[float32], left, right []float32, r int) {
	w.columns = c.others(w.columns[:0], r)
	for k, j := range w.columns {
		if int(j) < len(left) {
			w.d[k] = left[j]
		} else {
			w.d[k] = right[int(j)-len(left)]
		}
	}
	w.near = w.near[:0]
}

// listClose adds the close negative pairs of row r, of which pairPowers left x in the columns from first on.
func (w *powersPullScratch) listClose(t *powersPull, x []float32, first, r int) {
	if !t.squared {
		return
	}
	c := t.labels
	for k := nextNotAbove(x, 0); k < len(x); k = nextNotAbove(x, k+1) {
		if j := first + k; c.from[j] != c.from[r] {
			w.nearD[len(w.near)] = -x[k]
			w.near = append(w.near, int32(j))
		}
	}
}

// nextNotAbove is the first place from on where x is not above 0, or len(x).
func nextNotAbove(x []float32, from int) int {
	const vector = 16
	for from < len(x) {
		from += loops.SkipAbove(x[from:], x[from:], 0)
		for end := min(from+vector, len(x)); from < end; from++ {
			if !(x[from] > 0) {
				return from
			}
		}
	}
	return len(x)
}

// positives makes the weights of the positive pairs of row r.
func (t *powersPull) positives(w *powersPullScratch, weights []float32, r int) {
	powers := w.powers[:len(w.columns)]
	loops.ExpWhere(powers, w.d, t.labels.ones[:len(powers)], t.pos.k, t.pos.at)
	for k, j := range w.columns {
		weight := powers[k]*(t.posUp[j]+t.posUp[r]) + t.termUp[j] + t.termUp[r]
		if t.squared && loops.IsClose(w.d[k], t.c.norms[j]+t.c.norms[r]) {
			weights[j] = 0
			t.add(w, weight, r, int(j))
			continue
		}
		weights[j] = weight
	}
}

// close adds what the close negative pairs of row r give it.
func (t *powersPull) close(w *powersPullScratch, weights []float32, r int) {
	powers := w.powers[:len(w.near)]
	loops.ExpWhere(powers, w.nearD, t.labels.ones[:len(powers)], t.neg.k, t.neg.at)
	for k, j := range w.near {
		weights[j] = 0
		t.add(w, powers[k]*(t.negUp[j]+t.negUp[r]), r, int(j))
	}
}

// add adds weight·(x_r − x_j) to what row r gets besides the product.
func (t *powersPull) add(w *powersPullScratch, weight float32, r, j int) {
	d := t.s.D
	loops.Sub(w.difference, t.x[r*d:(r+1)*d], t.x[j*d:(j+1)*d])
	loops.Axpy(w.straight, weight, w.difference)
}

// own sets row r to its own part: the row times the total of its weights, and what close rows give it.
func (t *powersPull) own(w *powersPullScratch, weights []float32, r int) {
	d := t.s.D
	total := loops.Sum(weights)
	out := t.out[r*d : (r+1)*d]
	for k, v := range t.c.x[r*d : (r+1)*d] {
		out[k] = float32(total*float64(v) + float64(w.straight[k]))
	}
}
