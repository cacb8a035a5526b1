package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// byProduct tells which distances are made of products of the rows.
func (s Distance) byProduct() bool {
	return (s.Metric == Euclidean || s.Metric == SquaredEuclidean) && s.D >= 8
}

// centred is the rows of a matrix moved to where their mean is 0, with their squared
// lengths. That changes no distance, and rows far from the origin, or all alike as those of
// an untrained network, do not lose their differences in large products.
type centred struct {
	d       int
	shift   []float32
	x       []float32
	norms   []float32
	rowTask func(lo, hi int)
	src     []float32
}

func newCentred(rows, d int) *centred {
	c := &centred{d: d, shift: make([]float32, d), x: make([]float32, rows*d), norms: make([]float32, rows)}
	c.rowTask = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := c.x[i*d : (i+1)*d]
			cpu.Sub(row, c.src[i*d:(i+1)*d], c.shift)
			c.norms[i] = float32(cpu.Dot(row, row))
		}
	}
	return c
}

// setMean takes the mean of x's rows, about: any shift will do.
func (c *centred) setMean(x []float32) {
	copy(c.shift, x[:c.d])
	for i := c.d; i < len(x); i += c.d {
		cpu.Add(c.shift, c.shift, x[i:i+c.d])
	}
	cpu.Affine(c.shift, c.shift, 1/float32(len(x)/c.d), 0)
}

// move sets the rows to those of x without the shift.
func (c *centred) move(x []float32) {
	c.src = x
	cpu.Parallel(len(x)/c.d, rowGrain(c.d), c.rowTask)
	c.src = nil
}

// productDistances makes Euclidean distances in float32 as n − 2·⟨x, y⟩ of the centred
// rows, n being the sum of their squared lengths, but for close rows (cpu.Apart), which are
// compared number by number. The relative error of a distance is some units in the last
// place times 8 at the most, as is that of its square times 16, whatever the rows; equal
// rows have distance 0.
func productDistances(s Distance) func(out []float32, in [][]float32) {
	cx := newCentred(s.N, s.D)
	cy := cx
	if !s.Self {
		cy = newCentred(s.M, s.D)
		cy.shift = cx.shift
	}
	squared := s.Metric == SquaredEuclidean
	var x, y, out []float32
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := out[i*s.M : (i+1)*s.M]
			if !cpu.Apart(row, row, cy.norms, cx.norms[i], squared) {
				continue
			}
			for j := cpu.NextMarked(row, 0); j < len(row); j = cpu.NextMarked(row, j+1) {
				if s.Self && i == j && cx.norms[i] <= math.MaxFloat32 {
					row[j] = 0
					continue
				}
				row[j] = rowDistance(s.Metric, x[i*s.D:(i+1)*s.D], y[j*s.D:(j+1)*s.D])
			}
		}
	}
	return func(o []float32, in [][]float32) {
		x, y, out = in[0], in[len(in)-1], o
		cx.setMean(x)
		cx.move(x)
		if !s.Self {
			cy.move(y)
		}
		cpu.Gemm(false, true, s.N, s.M, s.D, 1, cx.x, s.D, cy.x, s.D, 0, out, s.M)
		cpu.Parallel(s.N, rowGrain(s.M), body)
		x, y, out = nil, nil, nil
	}
}

// gradientRows is how many rows of weights are made and multiplied at once.
const gradientRows = 64

// productDistanceGrad computes the gradient to the rows x that are compared with each
// other, Σ over j of w_ij·(x_i − x_j) with w = (g + gᵀ)/d, or 2·(g + gᵀ) for squares, as
// (Σ over j of w_ij)·x_i − (w·x)_i of the centred rows; close pairs are added number by
// number.
func productDistanceGrad(s DistanceGrad) func(out []float32, in [][]float32) {
	c := newCentred(s.N, s.D)
	squared := s.Metric == SquaredEuclidean
	g := &pullTask{s: s, c: c, squared: squared}
	return func(out []float32, in [][]float32) {
		g.x, g.d, g.g, g.out = in[0], in[1], in[2], out
		c.setMean(g.x)
		c.move(g.x)
		for len(g.scratch) < cpu.Threads() {
			g.scratch = append(g.scratch, newPullScratch(s.N, s.D))
		}
		cpu.DoAtMost(len(g.scratch), (s.N+gradientRows-1)/gradientRows, g)
		g.x, g.d, g.g, g.out = nil, nil, nil, nil
	}
}

type pullTask struct {
	s            DistanceGrad
	c            *centred
	squared      bool
	x, d, g, out []float32
	scratch      []*pullScratch
}

// pullScratch is a worker's memory.
type pullScratch struct {
	back    []float32 // columns of g as rows
	weights []float32 // rows of w
	flags   []float32 // −1 at close pairs of a row
	sum     []float64
}

func newPullScratch(n, d int) *pullScratch {
	return &pullScratch{
		back: make([]float32, gradientRows*n), weights: make([]float32, gradientRows*n),
		flags: make([]float32, n), sum: make([]float64, d),
	}
}

// Piece computes some rows of the gradient.
func (t *pullTask) Piece(piece, worker int) {
	w, n, d := t.scratch[worker], t.s.N, t.s.D
	from := piece * gradientRows
	rows := min(gradientRows, n-from)
	cpu.Transpose(w.back, n, t.g[from:], n, n, rows)
	out := t.out[from*d : (from+rows)*d]
	for i := range rows {
		r := from + i
		weights := w.weights[i*n : (i+1)*n]
		anyClose := cpu.Pull(weights, w.flags, t.g[r*n:(r+1)*n], w.back[i*n:(i+1)*n], t.d[r*n:(r+1)*n],
			t.c.norms, t.c.norms[r], t.squared)
		clear(w.sum)
		if anyClose {
			t.addClose(w, r, i)
		}
		total := cpu.Sum(weights)
		for k, v := range t.c.x[r*d : (r+1)*d] {
			out[i*d+k] = float32(total*float64(v) + w.sum[k])
		}
	}
	cpu.Gemm(false, false, rows, d, n, -1, w.weights, n, t.c.x, d, 1, out, d)
}

// addClose sums over the close pairs of row r, the i-th of the piece.
func (t *pullTask) addClose(w *pullScratch, r, i int) {
	n, d := t.s.N, t.s.D
	for j := cpu.NextMarked(w.flags, 0); j < n; j = cpu.NextMarked(w.flags, j+1) {
		if g := float64(t.g[r*n+j]) + float64(w.back[i*n+j]); g != 0 {
			addDistanceGrad(t.s.Metric, w.sum, t.x[r*d:(r+1)*d], t.x[j*d:(j+1)*d], float64(t.d[r*n+j]), g, false)
		}
	}
}
