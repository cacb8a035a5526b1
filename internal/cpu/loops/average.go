package loops

// MoveAverage moves an average a share of the way to x: a ← a + share·(x − a).
func MoveAverage(a, x []float32, share float64) {
	c := float32(share)
	x = x[:len(a)]
	for i, v := range a {
		a[i] = v + float32(c*(x[i]-v))
	}
}

// ClipValues is x with each number brought to a size of at most most; what is not finite stays so.
func ClipValues(dst, x []float32, most float32) {
	x = x[:len(dst)]
	for i, v := range x {
		switch {
		case v > most && v-v == 0:
			v = most
		case v < -most && v-v == 0:
			v = -most
		}
		dst[i] = v
	}
}
