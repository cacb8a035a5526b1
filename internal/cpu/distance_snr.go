package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

// SNR distances in float32, of rows of some length, are squared distances of the rows less their
// own mean, over the anchor's variance: products of matrices make them, and their gradient.

// snrByProduct tells whether that is as good.
func snrByProduct(s spec.Distance) bool { return s.Metric == spec.SNR && s.D >= 8 }

// asSquares is the distance between the rows less their means.
func asSquares(s spec.Distance) spec.Distance {
	s.Metric = spec.SquaredEuclidean
	return s
}

// signals is rows less their own mean, with their variances.
type signals struct {
	d        int
	x        []float32
	variance []float64
	src      []float32
	rowTask  func(lo, hi int)
}

func newSignals(rows, d int) *signals {
	l := &signals{d: d, x: make([]float32, rows*d), variance: make([]float64, rows)}
	l.rowTask = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			src, dst := l.src[i*d:(i+1)*d], l.x[i*d:(i+1)*d]
			mean, sum := loops.Sum(src)/float64(d), 0.0
			for k, v := range src {
				x := float64(v) - mean
				sum += x * x
				dst[k] = float32(x)
			}
			l.variance[i] = sum / float64(d-1)
		}
	}
	return l
}

// move sets the rows to those of x.
func (l *signals) move(x []float32) {
	l.src = x
	loops.Parallel(len(x)/l.d, rowGrain(l.d), l.rowTask)
	l.src = nil
}

// noise is what a squared distance from row i is divided by.
func (l *signals) noise(i int) float64 {
	return max(l.variance[i], leastVariance) * float64(l.d-1)
}

// snrDistances is distances by products.
func snrDistances(s spec.Distance) func(out []float32, in [][]float32) {
	squares := productDistances(asSquares(s))
	x := newSignals(s.N, s.D)
	y := x
	in := [][]float32{x.x}
	if !s.Self {
		y = newSignals(s.M, s.D)
		in = append(in, y.x)
	}
	var out []float32
	body := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row := out[i*s.M : (i+1)*s.M]
			loops.Affine(row, row, float32(1/x.noise(i)), 0)
		}
	}
	return func(o []float32, rows [][]float32) {
		out = o
		x.move(rows[0])
		if !s.Self {
			y.move(rows[1])
		}
		squares(out, in)
		loops.Parallel(s.N, rowGrain(s.M), body)
		out = nil
	}
}

// snrGrad is distanceGrad by products. With the squared distance q_ij = d_ij·v_i of the rows less
// their means, v_i = (D−1)·var(x_i), q gets g/v, and v_i, whose derivative to x_i is twice the
// row less its mean, gets −Σ over j of g_ij·d_ij/v_i, unless it is the least variance.
func snrGrad(s distanceGradient) func(out, x, y, d, g []float32) {
	what := spec.PairGrad{Distance: asSquares(s.Distance), ToY: s.ToY, Parts: []spec.Part{{Kind: spec.MatrixPart}}}
	grad := crossPairGrad
	if symmetricParts(what) {
		grad = productPairGrad
	}
	kernel := grad(what)
	lx := newSignals(s.N, s.D)
	ly := lx
	args := [][]float32{lx.x}
	if !s.Self {
		ly = newSignals(s.M, s.D)
		args = append(args, ly.x)
	}
	var q, up []float32 // squared distances, and their gradient
	var out, d, g []float32
	weigh := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			from, to, noise := i*s.M, (i+1)*s.M, lx.noise(i)
			loops.Affine(q[from:to], d[from:to], float32(noise), 0)
			loops.Affine(up[from:to], g[from:to], float32(1/noise), 0)
		}
	}
	addNoise := func(lo, hi int) {
		for i := lo; i < hi; i++ {
			if lx.variance[i] < leastVariance {
				continue
			}
			k := float32(-2 * loops.Dot(g[i*s.M:(i+1)*s.M], d[i*s.M:(i+1)*s.M]) / lx.noise(i))
			loops.Axpy(out[i*s.D:(i+1)*s.D], k, lx.x[i*s.D:(i+1)*s.D])
		}
	}
	return func(o, x, y, ds, gs []float32) {
		if q == nil {
			q, up = make([]float32, s.N*s.M), make([]float32, s.N*s.M)
			args = append(args, q, up)
		}
		out, d, g = o, ds, gs
		lx.move(x)
		if !s.Self {
			ly.move(y)
		}
		loops.Parallel(s.N, rowGrain(s.M), weigh)
		kernel(out, args)
		if !s.ToY {
			loops.Parallel(s.N, rowGrain(s.M), addNoise)
		}
		out, d, g = nil, nil, nil
	}
}
