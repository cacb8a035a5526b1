package loops

// Lion holds the coefficients of one step of Lion, which is a plain loop without assembly.
type Lion struct{ LR, Beta1, Beta2, Decay, Scale float64 }

// Step: g ← Scale·g; c = Beta1·m + (1 − Beta1)·g; w ← w − LR·(sign(c) + Decay·w);
// m ← Beta2·m + (1 − Beta2)·g. The sign of 0 is 0.
func (s Lion) Step(lo, hi int, w, g, m []float32) {
	lr, keep, scale := float32(s.LR), float32(1-s.LR*s.Decay), float32(s.Scale)
	b1, b2 := float32(1-s.Beta1), float32(1-s.Beta2)
	w, g, m = w[lo:hi], g[lo:hi], m[lo:hi]
	g, m = g[:len(w)], m[:len(w)]
	for i, x := range w {
		d := float32(g[i] * scale)
		c := m[i] + float32(b1*(d-m[i]))
		x = float32(x * keep)
		switch {
		case c > 0:
			x -= lr
		case c < 0:
			x += lr
		}
		w[i] = x
		m[i] += float32(b2 * (d - m[i]))
	}
}
