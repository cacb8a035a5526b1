package loops

import "medusa/internal/spec"

// Moments computes for the channels [lo, hi) the mean and the biased variance of x
// (N, C, Plane). sums is scratch of 2·C numbers.
//
// Deviations are taken from a channel's first number. It is one of the sample, so its
// square distance from the mean is at most n times the variance, and the difference
// below loses at most a factor n of float64's precision.
func Moments[T Float](b spec.BatchNorm, lo, hi int, x []T, mean, variance, sums []float64) {
	if b.Plane == 1 {
		momentsOfRows(b, lo, hi, x, mean, variance, sums)
		return
	}
	count := float64(b.N * b.Plane)
	for c := lo; c < hi; c++ {
		var l lanePair
		from := x[c*b.Plane]
		for n := range b.N {
			addDeviations(&l, x[(n*b.C+c)*b.Plane:][:b.Plane], from)
		}
		first, second := l[0].total(), l[1].total()
		mean[c] = float64(from) + first/count
		variance[c] = max(0, (second-first*first/count)/count)
	}
}

// momentsOfRows is Moments of vectors.
func momentsOfRows[T Float](b spec.BatchNorm, lo, hi int, x []T, mean, variance, sums []float64) {
	first, second := sums[:b.C], sums[b.C:2*b.C]
	clear(first[lo:hi])
	clear(second[lo:hi])
	for n := range b.N {
		row, from := x[n*b.C:(n+1)*b.C], x[:b.C]
		for c := lo; c < hi; c++ {
			d := float64(row[c]) - float64(from[c])
			first[c] += d
			second[c] += d * d
		}
	}
	count := float64(b.N)
	for c := lo; c < hi; c++ {
		mean[c] = float64(x[c]) + first[c]/count
		variance[c] = max(0, (second[c]-first[c]*first[c]/count)/count)
	}
}

// Normalize computes y = γ·(x − mean)·istd + β, cut at zero if b.Relu is set, for the
// planes [lo, hi) of N·C. stats holds the C means and then the C inverse standard
// deviations.
func Normalize[T Float](b spec.BatchNorm, lo, hi int, x, stats, gamma, beta, y []T) {
	if b.Plane == 1 {
		normalizeRows(b, lo, hi, x, stats, gamma, beta, y)
		return
	}
	for p := lo; p < hi; p++ {
		c := p % b.C
		mean, scale, shift := stats[c], stats[b.C+c]*gamma[c], beta[c]
		normalizePlane(y[p*b.Plane:(p+1)*b.Plane], x[p*b.Plane:], mean, scale, shift, b.Relu)
	}
}

func normalizeRows[T Float](b spec.BatchNorm, lo, hi int, x, stats, gamma, beta, y []T) {
	c := lo % b.C
	for p := lo; p < hi; p++ {
		v := T((x[p]-stats[c])*(stats[b.C+c]*gamma[c])) + beta[c]
		if b.Relu {
			v = max(v, 0)
		}
		y[p] = v
		if c++; c == b.C {
			c = 0
		}
	}
}

// NormalizeParamsGrad computes for the channels [lo, hi) from x and dy the gradients
// Σ dy·x̂ to γ and Σ dy to β, where x̂ = (x − mean)·istd; with b.Relu, dy counts where the
// output is above zero. dgamma and dbeta hold the C gradients each; dbeta may be nil. sums is
// scratch of 2·C numbers.
func NormalizeParamsGrad[T Float](b spec.BatchNorm, lo, hi int, x, stats, gamma, beta, dy, dgamma, dbeta []T, sums []float64) {
	if b.Plane == 1 {
		paramsGradOfRows(b, lo, hi, x, stats, gamma, beta, dy, dgamma, dbeta, sums)
		return
	}
	for c := lo; c < hi; c++ {
		var l lanePair
		for n := range b.N {
			at := (n*b.C + c) * b.Plane
			in, g := x[at:at+b.Plane], dy[at:at+b.Plane]
			if b.Relu {
				addNormalizeReluSums(&l, in, g, stats[c], stats[b.C+c]*gamma[c], beta[c])
			} else {
				addNormalizeSums(&l, in, g, stats[c])
			}
		}
		dgamma[c] = T(l[1].total() * float64(stats[b.C+c]))
		if dbeta != nil {
			dbeta[c] = T(l[0].total())
		}
	}
}

// paramsGradOfRows is NormalizeParamsGrad of vectors.
func paramsGradOfRows[T Float](b spec.BatchNorm, lo, hi int, x, stats, gamma, beta, dy, dgamma, dbeta []T, sums []float64) {
	along, plain := sums[:b.C], sums[b.C:2*b.C]
	clear(along[lo:hi])
	clear(plain[lo:hi])
	for n := range b.N {
		row, g := x[n*b.C:(n+1)*b.C], dy[n*b.C:(n+1)*b.C]
		for c := lo; c < hi; c++ {
			u := row[c] - stats[c]
			if b.Relu && T(u*T(stats[b.C+c]*gamma[c]))+beta[c] <= 0 {
				continue
			}
			plain[c] += float64(g[c])
			along[c] += float64(g[c]) * float64(u)
		}
	}
	for c := lo; c < hi; c++ {
		dgamma[c] = T(along[c] * float64(stats[b.C+c]))
		if dbeta != nil {
			dbeta[c] = T(plain[c])
		}
	}
}

// NormalizeGrad computes for the planes [lo, hi) of N·C the gradient to x,
//
//	dx = γ·istd·(dy − (dβ + x̂·dγ)/n),  n = N·Plane,
//
// from dy and NormalizeParamsGrad's dγ and dβ; or γ·istd·dy with these nil, when the
// statistics do not depend on x.
func NormalizeGrad[T Float](b spec.BatchNorm, lo, hi int, x, stats, gamma, beta, dy, dgamma, dbeta, dx []T) {
	n := T(b.N * b.Plane)
	for p := lo; p < hi; p++ {
		c := p % b.C
		mean, istd, shift := stats[c], stats[b.C+c], beta[c]
		scale := istd * gamma[c]
		var slope, offset T
		if dgamma != nil {
			slope, offset = dgamma[c]*istd/n, dbeta[c]/n
		}
		normalizePlaneGrad(dx[p*b.Plane:(p+1)*b.Plane], x[p*b.Plane:], dy[p*b.Plane:], mean, scale, shift, offset, slope, b.Relu)
	}
}
