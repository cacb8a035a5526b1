package cpu

import "math"

// The loops of the solvers, over flat slices: one pass reads the gradient g, scaled by
// scale (for clipping), and moves the weights w and the state. Formulas are those of
// torch.optim, with coefficients computed in float64 and arithmetic in float32; the
// conversions of products keep every processor from fusing them into additions.

// SGD holds the coefficients of one step of stochastic gradient descent.
type SGD struct {
	LR, Momentum, Decay, Scale float64
	Nesterov                   bool
}

// Step: g ← Scale·g + Decay·w; v ← Momentum·v + g; w ← w − LR·v, with Nesterov
// w ← w − LR·(g + Momentum·v). v is not used, and may be nil, without Momentum.
func (s SGD) Step(lo, hi int, w, g []float32, v []float32) {
	s.run(w[lo:hi], g[lo:hi], part(v, lo, hi))
}

func (s SGD) run(w, g, v []float32) {
	lr, mu, decay, scale := float32(s.LR), float32(s.Momentum), float32(s.Decay), float32(s.Scale)
	if active.simd.sgd != nil {
		s.assembly(single(w), single(g), single(v), len(w))
		return
	}
	for i := range w {
		d := float32(g[i]*scale) + float32(decay*w[i])
		if v != nil {
			v[i] = float32(mu*v[i]) + d
			if s.Nesterov {
				d += float32(mu * v[i])
			} else {
				d = v[i]
			}
		}
		w[i] -= float32(lr * d)
	}
}

// assembly is run over n weights.
func (s SGD) assembly(w, g, v *float32, n int) {
	lr, mu, decay, scale := float32(s.LR), float32(s.Momentum), float32(s.Decay), float32(s.Scale)
	switch {
	case v == nil:
		active.simd.sgd(w, g, n, scale, decay, lr)
	case s.Nesterov:
		active.simd.nesterov(w, v, g, n, scale, decay, lr, mu)
	default:
		active.simd.momentum(w, v, g, n, scale, decay, lr, mu)
	}
}

// Adam holds the coefficients of one step of Adam or, with Decoupled, AdamW.
type Adam struct {
	LR, Beta1, Beta2, Eps, Decay, Scale float64
	Decoupled                           bool
	Correction                          Correction // of this step
}

// Step: g ← Scale·g (+ Decay·w, or w ← w − LR·Decay·w if Decoupled);
// m ← m + (1 − Beta1)·(g − m); v ← Beta2·v + (1 − Beta2)·g²;
// w ← w − LR/(1 − Beta1ᵗ) · m / (√v/√(1 − Beta2ᵗ) + Eps).
func (s Adam) Step(lo, hi int, w, g, m, v []float32) {
	s.run(w[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi])
}

func (s Adam) run(w, g, m, v []float32) {
	rate, root := float32(s.LR/s.Correction.Mean), float32(s.Correction.Root)
	b1, b2, c2 := float32(1-s.Beta1), float32(s.Beta2), float32(1-s.Beta2)
	eps, scale, decay, keep := float32(s.Eps), float32(s.Scale), float32(s.Decay), float32(1)
	if s.Decoupled {
		keep, decay = float32(1-s.LR*s.Decay), 0
	}
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	if f := active.simd.adam; f != nil {
		f(single(w), single(m), single(v), single(g), len(w), scale, decay, keep, b1, b2, c2, rate, root, eps)
		return
	}
	for i := range w {
		x := float32(w[i] * keep)
		d := float32(g[i]*scale) + float32(decay*x)
		m[i] += float32(b1 * (d - m[i]))
		v[i] = float32(b2*v[i]) + float32(c2*float32(d*d))
		w[i] = x - float32(rate*m[i])/(sqrt(v[i])/root+eps)
	}
}

// RMSProp holds the coefficients of one step of RMSProp.
type RMSProp struct{ LR, Alpha, Eps, Momentum, Decay, Scale float64 }

// Step: g ← Scale·g + Decay·w; v ← Alpha·v + (1 − Alpha)·g²; d = g/(√v + Eps);
// w ← w − LR·d, or with Momentum b ← Momentum·b + d; w ← w − LR·b. b may be nil
// without Momentum.
func (s RMSProp) Step(lo, hi int, w, g, v, b []float32) {
	s.run(w[lo:hi], g[lo:hi], v[lo:hi], part(b, lo, hi))
}

func (s RMSProp) run(w, g, v, b []float32) {
	lr, mu, decay, scale := float32(s.LR), float32(s.Momentum), float32(s.Decay), float32(s.Scale)
	a, c, eps := float32(s.Alpha), float32(1-s.Alpha), float32(s.Eps)
	if f := active.simd.rmsprop; f != nil && b == nil {
		f(single(w), single(v), single(g), len(w), scale, decay, lr, a, c, eps)
		return
	}
	for i := range w {
		d := float32(g[i]*scale) + float32(decay*w[i])
		v[i] = float32(a*v[i]) + float32(c*float32(d*d))
		d /= sqrt(v[i]) + eps
		if b != nil {
			b[i] = float32(mu*b[i]) + d
			d = b[i]
		}
		w[i] -= float32(lr * d)
	}
}

// SumSquares is Σ x², in float64.
func SumSquares(x []float32) float64 { return Dot(x, x) }

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// part is x[lo:hi], or nil for a state that is not kept.
func part(x []float32, lo, hi int) []float32 {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}
