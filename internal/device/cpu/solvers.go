package cpu

import "math"

// The loops of the solvers, over flat slices: one pass reads the gradient g, scaled by
// scale (for clipping), and moves the weights w and the state. Formulas are those of
// torch.optim, with coefficients computed in float64 and arithmetic in T.

// SGD holds the coefficients of one step of stochastic gradient descent.
type SGD struct {
	LR, Momentum, Decay, Scale float64
	Nesterov                   bool
}

// Step: g ← Scale·g + Decay·w; v ← Momentum·v + g; w ← w − LR·v, with Nesterov
// w ← w − LR·(g + Momentum·v). v is not used, and may be nil, without Momentum.
func (s SGD) Step(lo, hi int, w, g []float32, v []float32) {
	sgd(s, w[lo:hi], g[lo:hi], part(v, lo, hi))
}

func sgd[T Float](s SGD, w, g, v []T) {
	lr, mu, decay, scale := T(s.LR), T(s.Momentum), T(s.Decay), T(s.Scale)
	for i := range w {
		d := T(g[i]*scale) + T(decay*w[i])
		if v != nil {
			v[i] = T(mu*v[i]) + d
			if s.Nesterov {
				d += T(mu * v[i])
			} else {
				d = v[i]
			}
		}
		w[i] -= T(lr * d)
	}
}

// Adam holds the coefficients of one step of Adam or, with Decoupled, AdamW.
type Adam struct {
	LR, Beta1, Beta2, Eps, Decay, Scale float64
	Decoupled                           bool
	Count                               int // of this step, from 1
}

// Step: g ← Scale·g (+ Decay·w, or w ← w − LR·Decay·w if Decoupled);
// m ← m + (1 − Beta1)·(g − m); v ← Beta2·v + (1 − Beta2)·g²;
// w ← w − LR/(1 − Beta1ᵗ) · m / (√v/√(1 − Beta2ᵗ) + Eps).
func (s Adam) Step(lo, hi int, w, g, m, v []float32) {
	adam(s, w[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi])
}

func adam[T Float](s Adam, w, g, m, v []T) {
	t := float64(s.Count)
	rate := T(s.LR / (1 - math.Pow(s.Beta1, t)))
	root := T(math.Sqrt(1 - math.Pow(s.Beta2, t)))
	b1, b2, c2 := T(1-s.Beta1), T(s.Beta2), T(1-s.Beta2)
	eps, scale, decay, keep := T(s.Eps), T(s.Scale), T(s.Decay), T(1)
	if s.Decoupled {
		keep, decay = T(1-s.LR*s.Decay), 0
	}
	for i := range w {
		x := T(w[i] * keep)
		d := T(g[i]*scale) + T(decay*x)
		m[i] += T(b1 * (d - m[i]))
		v[i] = T(b2*v[i]) + T(c2*T(d*d))
		w[i] = x - T(rate*m[i])/(sqrt(v[i])/root+eps)
	}
}

// RMSProp holds the coefficients of one step of RMSProp.
type RMSProp struct{ LR, Alpha, Eps, Momentum, Decay, Scale float64 }

// Step: g ← Scale·g + Decay·w; v ← Alpha·v + (1 − Alpha)·g²; d = g/(√v + Eps);
// w ← w − LR·d, or with Momentum b ← Momentum·b + d; w ← w − LR·b. b may be nil
// without Momentum.
func (s RMSProp) Step(lo, hi int, w, g, v, b []float32) {
	rmsprop(s, w[lo:hi], g[lo:hi], v[lo:hi], part(b, lo, hi))
}

func rmsprop[T Float](s RMSProp, w, g, v, b []T) {
	lr, mu, decay, scale := T(s.LR), T(s.Momentum), T(s.Decay), T(s.Scale)
	a, c, eps := T(s.Alpha), T(1-s.Alpha), T(s.Eps)
	for i := range w {
		d := T(g[i]*scale) + T(decay*w[i])
		v[i] = T(a*v[i]) + T(c*T(d*d))
		d /= sqrt(v[i]) + eps
		if b != nil {
			b[i] = T(mu*b[i]) + d
			d = b[i]
		}
		w[i] -= T(lr * d)
	}
}

// SumSquares is Σ x², in float64.
func SumSquares(x []float32) float64 {
	// Four sums that do not wait for one another.
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		a += float64(x[i]) * float64(x[i])
		b += float64(x[i+1]) * float64(x[i+1])
		c += float64(x[i+2]) * float64(x[i+2])
		d += float64(x[i+3]) * float64(x[i+3])
	}
	for ; i < len(x); i++ {
		a += float64(x[i]) * float64(x[i])
	}
	return a + b + (c + d)
}

func sqrt[T Float](x T) T { return T(math.Sqrt(float64(x))) }

func part[T any](x []T, lo, hi int) []T {
	if x == nil {
		return nil
	}
	return x[lo:hi]
}
