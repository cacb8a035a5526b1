package cpu

// ChannelSum adds the channels [lo, hi) of x (N, C, Plane) up to y (C). sums is scratch
// of C numbers.
func ChannelSum[T Float](n, channels, plane, lo, hi int, x, y []T, sums []float64) {
	clear(sums[lo:hi])
	for i := range n {
		if plane == 1 {
			for c, v := range x[i*channels+lo : i*channels+hi] {
				sums[lo+c] += float64(v)
			}
			continue
		}
		for c := lo; c < hi; c++ {
			at := (i*channels + c) * plane
			sums[c] += planeSum(x[at : at+plane])
		}
	}
	for c := lo; c < hi; c++ {
		y[c] = T(sums[c])
	}
}

// AddRelu computes y = max(0, a + b). A NaN stays.
func AddRelu[T Float](a, b, y []T) {
	b, y = b[:len(a)], y[:len(a)]
	for i, v := range a {
		y[i] = cut(v + b[i])
	}
}
