package loops

// LAMB holds the coefficients of one step of LAMB, which is made in two passes over a tensor: Means,
// and Step when the lengths of the whole tensor's weights and step are known. Both are plain loops
// without assembly.
type LAMB struct {
	LR, Beta1, Beta2, Eps, Decay, Scale float64
	Correction                          Correction // of this step
}

// Means: g ← Scale·g; m ← m + (1 − Beta1)·(g − m); v ← Beta2·v + (1 − Beta2)·g². It returns Σ w² and
// Σ u², where u = m/(1 − Beta1ᵗ) / (√v/√(1 − Beta2ᵗ) + Eps) + Decay·w.
func (s LAMB) Means(lo, hi int, w, g, m, v []float32) (weights, step float64) {
	b1, b2, c2, scale := float32(1-s.Beta1), float32(s.Beta2), float32(1-s.Beta2), float32(s.Scale)
	direction := s.direction()
	w, g, m, v = w[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi]
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i, x := range w {
		d := float32(g[i] * scale)
		m[i] += float32(b1 * (d - m[i]))
		v[i] = float32(b2*v[i]) + float32(c2*float32(d*d))
		u := float64(direction.of(x, m[i], v[i]))
		weights += float64(x) * float64(x)
		step += u * u
	}
	return weights, step
}

// Step: w ← w − LR·ratio·u.
func (s LAMB) Step(lo, hi int, ratio float64, w, m, v []float32) {
	lr, direction := float32(s.LR*ratio), s.direction()
	w, m, v = w[lo:hi], m[lo:hi], v[lo:hi]
	m, v = m[:len(w)], v[:len(w)]
	for i, x := range w {
		w[i] = x - float32(lr*direction.of(x, m[i], v[i]))
	}
}

// lambDirection holds the coefficients of u.
type lambDirection struct{ rate, root, eps, decay float32 }

func (s LAMB) direction() lambDirection {
	return lambDirection{
		rate: float32(1 / s.Correction.Mean), root: float32(s.Correction.Root),
		eps: float32(s.Eps), decay: float32(s.Decay),
	}
}

func (d lambDirection) of(w, m, v float32) float32 {
	return float32(d.rate*m)/(sqrt(v)/d.root+d.eps) + float32(d.decay*w)
}
