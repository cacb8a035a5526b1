package device

import "medusa/internal/device/cpu"

// PairGrad computes the gradient to the rows x (N, D) that a Distance with Self compares,
// from x, the distances d (N, N) and the gradient g (N, N) to them. g is the sum of Parts,
// whose inputs follow in their order; what a part stands for is made row by row where it
// can be, and never written to memory. Where the Euclidean distance is 0, its gradient is 0.
type PairGrad struct {
	Distance
	Parts []Part
}

// Part is a matrix (N, N) in a sum, with the inputs that it is made of.
type Part struct {
	Kind   PartKind
	Terms  RowTermsGrad  // of TermsPart
	Reduce RowReduceGrad // of ReducePart
}

// PartKind tells how a Part is made.
type PartKind string

// The kinds of Part.
const (
	MatrixPart PartKind = "matrix" // it is an input
	TermsPart  PartKind = "terms"  // RowTermsGrad of d, from labels (N) and the gradient (N, 2)
	ReducePart PartKind = "reduce" // RowReduceGrad of d, from labels (N), the reduction and its gradient, (N, ReduceColumns)
)

// inputs is how many inputs the part has of its own.
func (p Part) inputs() int {
	switch p.Kind {
	case TermsPart:
		return 2
	case ReducePart:
		return 3
	}
	return 1
}

func (s PairGrad) cpu() Kernel {
	single := summedPairGrad[float32](s)
	switch {
	case s.sparse():
		single = sparsePairGrad[float32](s)
	case s.byProduct() || s.Metric == Dot:
		single = productPairGrad(s)
	}
	double := summedPairGrad[float64](s)
	if s.sparse() {
		double = sparsePairGrad[float64](s)
	}
	return host(single, double)
}

// summedPairGrad makes the sum of the parts in memory, one after the other.
func summedPairGrad[T cpu.Float](s PairGrad) func(out []T, in [][]T) {
	var g, part []T
	parts := make([]func(out []T, in [][]T), len(s.Parts))
	for i, p := range s.Parts {
		switch p.Kind {
		case TermsPart:
			parts[i] = rowTermsGrad[T](p.Terms)
		case ReducePart:
			parts[i] = rowReduceGrad[T](p.Reduce)
		}
	}
	grad := distanceGrad[T](DistanceGrad{Distance: s.Distance})
	args := make([][]T, 0, 4)
	return func(out []T, in [][]T) {
		if g == nil {
			g, part = make([]T, s.N*s.N), make([]T, s.N*s.N)
		}
		x, d, rest := in[0], in[1], in[2:]
		clear(g)
		for i, p := range s.Parts {
			own := rest[:p.inputs()]
			rest = rest[p.inputs():]
			if parts[i] == nil {
				cpu.Add(g, g, own[0])
				continue
			}
			args = append(append(args[:0], d), own...)
			parts[i](part, args)
			cpu.Add(g, g, part)
		}
		grad(out, append(args[:0], x, d, g))
	}
}

// gradientRows is how many rows of weights are made and multiplied at once.
const gradientRows = 64

// productPairGrad computes Σ over j of w_ij·(x_i − x_j) with w = (g + gᵀ)/d, or
// 2·(g + gᵀ) for squares, as (Σ over j of w_ij)·x_i − (w·x)_i of the centred rows; close
// pairs are added number by number. For Dot it is w·x with w = g + gᵀ.
func productPairGrad(s PairGrad) func(out []float32, in [][]float32) {
	t := &pullTask{s: s, c: newCentred(s.N, s.D), squared: s.Metric == SquaredEuclidean}
	for _, p := range s.Parts {
		t.parts = append(t.parts, newPairPart(s.N, p))
	}
	return func(out []float32, in [][]float32) {
		t.x, t.d, t.out = in[0], in[1], out
		if s.Metric != Dot {
			t.c.setMean(t.x)
			t.c.move(t.x)
		}
		rest := in[2:]
		for i, p := range s.Parts {
			t.parts[i].begin(t.d, rest[:p.inputs()])
			rest = rest[p.inputs():]
		}
		for len(t.scratch) < cpu.Threads() {
			t.scratch = append(t.scratch, newPullScratch(s.N, s.D))
			for _, p := range t.parts {
				p.worker()
			}
		}
		cpu.DoAtMost(len(t.scratch), (s.N+gradientRows-1)/gradientRows, t)
		t.x, t.d, t.out = nil, nil, nil
	}
}

type pullTask struct {
	s         PairGrad
	c         *centred
	squared   bool
	parts     []pairPart
	x, d, out []float32
	scratch   []*pullScratch
}

// pullScratch is a worker's memory.
type pullScratch struct {
	both, none []float32 // a row of g + gᵀ; zeros
	weights    []float32 // rows of w
	flags      []float32 // −1 at close pairs of a row
	mask       []float32
	a, b       []float32 // of the parts
	sum        []float64
}

func newPullScratch(n, d int) *pullScratch {
	row := func() []float32 { return make([]float32, n) }
	return &pullScratch{
		both: row(), none: row(), weights: make([]float32, gradientRows*n), flags: row(),
		mask: row(), a: row(), b: row(), sum: make([]float64, d),
	}
}

// Piece computes some rows of the gradient.
func (t *pullTask) Piece(piece, worker int) {
	w, n, d := t.scratch[worker], t.s.N, t.s.D
	from := piece * gradientRows
	rows := min(gradientRows, n-from)
	for _, p := range t.parts {
		p.rows(from, rows, worker)
	}
	out := t.out[from*d : (from+rows)*d]
	for i := range rows {
		r := from + i
		weights := w.weights[i*n : (i+1)*n]
		both := w.both
		if t.s.Metric == Dot {
			both = weights
		}
		for k, p := range t.parts {
			p.row(both, r, i, worker, k == 0, w)
		}
		if t.s.Metric == Dot {
			continue
		}
		anyClose := cpu.Pull(weights, w.flags, both, w.none, t.d[r*n:(r+1)*n], t.c.norms, t.c.norms[r], t.squared)
		clear(w.sum)
		if anyClose {
			t.addClose(w, r)
		}
		total := cpu.Sum(weights)
		for k, v := range t.c.x[r*d : (r+1)*d] {
			out[i*d+k] = float32(total*float64(v) + w.sum[k])
		}
	}
	if t.s.Metric == Dot {
		cpu.Gemm(false, false, rows, d, n, 1, w.weights, n, t.x, d, 0, out, d)
		return
	}
	cpu.Gemm(false, false, rows, d, n, -1, w.weights, n, t.c.x, d, 1, out, d)
}

// addClose sums over the close pairs of row r.
func (t *pullTask) addClose(w *pullScratch, r int) {
	n, d := t.s.N, t.s.D
	for j := cpu.NextMarked(w.flags, 0); j < n; j = cpu.NextMarked(w.flags, j+1) {
		if g := float64(w.both[j]); g != 0 {
			addDistanceGrad(t.s.Metric, w.sum, t.x[r*d:(r+1)*d], t.x[j*d:(j+1)*d], float64(t.d[r*n+j]), g, false)
		}
	}
}
