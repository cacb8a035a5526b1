package cpu

// BatchNorm is the geometry of batch normalisation: N pictures of C channels, each a
// plane of Plane pixels (1 for vectors), row-major. Statistics are of N·Plane numbers a
// channel. S. Ioffe and C. Szegedy, "Batch Normalization", ICML 2015.
type BatchNorm struct {
	N, C, Plane int
	Relu        bool // the output is cut at zero
}

// Moments computes for the channels [lo, hi) the mean and the biased variance of x
// (N, C, Plane). sums is scratch of 2·C numbers.
//
// Deviations are taken from a channel's first number. It is one of the sample, so its
// square distance from the mean is at most n times the variance, and the difference
// below loses at most a factor n of float64's precision.
func Moments[T Float](b BatchNorm, lo, hi int, x []T, mean, variance, sums []float64) {
	first, second := sums[:b.C], sums[b.C:2*b.C]
	clear(first[lo:hi])
	clear(second[lo:hi])
	for n := range b.N {
		if b.Plane == 1 {
			row, from := x[n*b.C:(n+1)*b.C], x[:b.C]
			for c := lo; c < hi; c++ {
				d := float64(row[c]) - float64(from[c])
				first[c] += d
				second[c] += d * d
			}
			continue
		}
		for c := lo; c < hi; c++ {
			at := (n*b.C + c) * b.Plane
			s, ss := deviations(x[at:at+b.Plane], float64(x[c*b.Plane]))
			first[c] += s
			second[c] += ss
		}
	}
	count := float64(b.N * b.Plane)
	for c := lo; c < hi; c++ {
		mean[c] = float64(x[c*b.Plane]) + first[c]/count
		variance[c] = max(0, (second[c]-first[c]*first[c]/count)/count)
	}
}

// deviations are Σ(x−from) and Σ(x−from)², in two interleaved sums each.
func deviations[T Float](x []T, from float64) (first, second float64) {
	var a, aa, b, bb float64
	for len(x) >= 2 {
		u, v := float64(x[0])-from, float64(x[1])-from
		a += u
		aa += u * u
		b += v
		bb += v * v
		x = x[2:]
	}
	for _, v := range x {
		u := float64(v) - from
		a += u
		aa += u * u
	}
	return a + b, aa + bb
}

// Normalize computes y = γ·(x − mean)·istd + β, cut at zero if b.Relu is set, for the
// planes [lo, hi) of N·C. stats holds the C means and then the C inverse standard
// deviations.
func Normalize[T Float](b BatchNorm, lo, hi int, x, stats, gamma, beta, y []T) {
	if b.Plane == 1 {
		normalizeRows(b, lo, hi, x, stats, gamma, beta, y)
		return
	}
	for p := lo; p < hi; p++ {
		c := p % b.C
		mean, scale, shift := stats[c], stats[b.C+c]*gamma[c], beta[c]
		in, out := x[p*b.Plane:(p+1)*b.Plane], y[p*b.Plane:(p+1)*b.Plane]
		out = out[:len(in)]
		if b.Relu {
			for i, v := range in {
				out[i] = max(T((v-mean)*scale)+shift, 0)
			}
			continue
		}
		for i, v := range in {
			out[i] = T((v-mean)*scale) + shift
		}
	}
}

func normalizeRows[T Float](b BatchNorm, lo, hi int, x, stats, gamma, beta, y []T) {
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
// output is above zero. grads holds the C gradients to γ and then those to β; sums is
// scratch of 2·C numbers.
func NormalizeParamsGrad[T Float](b BatchNorm, lo, hi int, x, stats, gamma, beta, dy, grads []T, sums []float64) {
	dgamma, dbeta := sums[:b.C], sums[b.C:2*b.C]
	clear(dgamma[lo:hi])
	clear(dbeta[lo:hi])
	for n := range b.N {
		for c := lo; c < hi; c++ {
			at := (n*b.C + c) * b.Plane
			in, g := x[at:at+b.Plane], dy[at:at+b.Plane]
			first, second := tilt(b.Relu, in, g, stats[c], stats[b.C+c]*gamma[c], beta[c])
			dbeta[c] += first
			dgamma[c] += second
		}
	}
	for c := lo; c < hi; c++ {
		grads[c] = T(dgamma[c] * float64(stats[b.C+c]))
		grads[b.C+c] = T(dbeta[c])
	}
}

// tilt is Σ dy and Σ dy·(x − mean) over a plane, in two interleaved sums each.
func tilt[T Float](relu bool, x, dy []T, mean, scale, shift T) (first, second float64) {
	dy = dy[:len(x)]
	var a, aa, b, bb float64
	i := 0
	for ; i+2 <= len(x); i += 2 {
		u, v := x[i]-mean, x[i+1]-mean
		d, e := dy[i], dy[i+1]
		if relu {
			d, e = gate(T(u*scale)+shift, d), gate(T(v*scale)+shift, e)
		}
		a += float64(d)
		b += float64(e)
		aa += float64(d) * float64(u)
		bb += float64(e) * float64(v)
	}
	if i < len(x) {
		u, d := x[i]-mean, dy[i]
		if relu {
			d = gate(T(u*scale)+shift, d)
		}
		a += float64(d)
		aa += float64(d) * float64(u)
	}
	return a + b, aa + bb
}

// NormalizeGrad computes for the planes [lo, hi) of N·C the gradient to x,
//
//	dx = γ·istd·(dy − (dβ + x̂·dγ)/n),  n = N·Plane,
//
// from dy and NormalizeParamsGrad's dγ and dβ; or γ·istd·dy with grads nil, when the
// statistics do not depend on x.
func NormalizeGrad[T Float](b BatchNorm, lo, hi int, x, stats, gamma, beta, dy, grads, dx []T) {
	n := T(b.N * b.Plane)
	for p := lo; p < hi; p++ {
		c := p % b.C
		mean, istd, shift := stats[c], stats[b.C+c], beta[c]
		scale := istd * gamma[c]
		var slope, offset T
		if grads != nil {
			slope, offset = grads[c]*istd/n, grads[b.C+c]/n
		}
		in, g, out := x[p*b.Plane:(p+1)*b.Plane], dy[p*b.Plane:(p+1)*b.Plane], dx[p*b.Plane:(p+1)*b.Plane]
		g, out = g[:len(in)], out[:len(in)]
		if !b.Relu {
			for i, v := range in {
				out[i] = scale * (g[i] - offset - (v-mean)*slope)
			}
			continue
		}
		for i, v := range in {
			u := v - mean
			out[i] = scale * (gate(T(u*scale)+shift, g[i]) - offset - u*slope)
		}
	}
}
