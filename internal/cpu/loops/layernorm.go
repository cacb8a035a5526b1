package loops

import "math"

// LayerNorm normalises rows of so many numbers: to mean 0 and variance 1, then times Gamma plus
// Beta (each of a number for every column, or nil).
type LayerNorm[T Float] struct {
	Cols        int
	Eps         float64
	Gamma, Beta []T
}

// moments is a row's mean, and 1/√(variance + ε) of the variance that divides by n.
func (l *LayerNorm[T]) moments(x []T) (mean, scale T) {
	n := float64(len(x))
	from := Sum(x) / n
	var d lanePair // from the rounded mean, of which the sum's rest is taken off
	addDeviations(&d, x, T(from))
	rest := d[0].total() / n
	variance := max(d[1].total()/n-rest*rest, 0)
	return T(from), T(1 / math.Sqrt(variance+l.Eps))
}

// Row computes a row y of the result. y may be x.
func (l *LayerNorm[T]) Row(y, x []T) {
	mean, scale := l.moments(x)
	if l.Gamma != nil && l.Beta != nil {
		l.scaled(y, x, mean, scale)
		return
	}
	normalizePlane(y, x, mean, scale, 0, false)
	if l.Gamma != nil {
		Mul(y, y, l.Gamma)
	}
	if l.Beta != nil {
		Add(y, y, l.Beta)
	}
}

// scaled computes y = (x − mean)·scale·γ + β.
func (l *LayerNorm[T]) scaled(y, x []T, mean, scale T) {
	gamma, beta := l.Gamma[:len(y)], l.Beta[:len(y)]
	x = x[:len(y)]
	if f := active.simd.layerNorm; f != nil && isSingle[T]() {
		f(single(y), single(x), single(gamma), single(beta), len(y), float32(mean), float32(scale))
		return
	}
	for i, v := range x {
		y[i] = T(T(T(v-mean)*scale)*gamma[i]) + beta[i]
	}
}

// GradRow computes a row of the gradient to x: with g = dy·γ and x̂ the normalised row,
// dx = (g − mean(g) − x̂·mean(g·x̂))/√(variance + ε).
func (l *LayerNorm[T]) GradRow(dx, x, dy []T) {
	mean, scale := l.moments(x)
	g := dy
	if l.Gamma != nil {
		Mul(dx, dy, l.Gamma)
		g = dx
	}
	var sums lanePair
	addNormalizeSums(&sums, x, g, mean)
	n := float64(len(x))
	slope := float64(scale) * float64(scale) * sums[1].total() / n
	normalizePlaneGrad(dx, x, g, mean, scale, 0, T(sums[0].total()/n), T(slope), false)
}

// ParamsGrad adds a row's part of the gradients to γ and β.
func (l *LayerNorm[T]) ParamsGrad(dgamma, dbeta, x, dy []T) {
	mean, scale := l.moments(x)
	dbeta, x, dy = dbeta[:len(dgamma)], x[:len(dgamma)], dy[:len(dgamma)]
	if f := active.simd.layerNormParamsGrad; f != nil && isSingle[T]() {
		f(single(dgamma), single(dbeta), single(x), single(dy), len(dgamma), float32(mean), float32(scale))
		return
	}
	for i, g := range dy {
		dgamma[i] += T(T(T(x[i]-mean)*scale) * g)
		dbeta[i] += g
	}
}
