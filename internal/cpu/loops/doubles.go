package loops

// Sums in float64 over rows of float32, of which every fourth element has a partial sum of its own. The
// order of additions is part of what they are: the bits are the same on every processor.

// SquaresApart is Σ(aᵢ − bᵢ)².
func SquaresApart(a, b []float32) float64 {
	mustHold("SquaresApart", "b", b, len(a))
	var s [4]float64
	i := 0
	if f := active.simd.squaresApart; f != nil && len(a) >= 4 {
		i = len(a) &^ 3
		f(&s[0], &a[0], &b[0], i/4)
	}
	b = b[:len(a)]
	for ; i+4 <= len(a); i += 4 {
		d0 := float64(a[i]) - float64(b[i])
		d1 := float64(a[i+1]) - float64(b[i+1])
		d2 := float64(a[i+2]) - float64(b[i+2])
		d3 := float64(a[i+3]) - float64(b[i+3])
		s[0] += float64(d0 * d0) // the conversion forbids a fused multiply-add: same bits everywhere
		s[1] += float64(d1 * d1)
		s[2] += float64(d2 * d2)
		s[3] += float64(d3 * d3)
	}
	for ; i < len(a); i++ {
		d := float64(a[i]) - float64(b[i])
		s[0] += float64(d * d)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// Products64 is Σaᵢbᵢ; the products are exact.
func Products64(a, b []float32) float64 {
	mustHold("Products64", "b", b, len(a))
	var s [4]float64
	i := 0
	if f := active.simd.products; f != nil && len(a) >= 4 {
		i = len(a) &^ 3
		f(&s[0], &a[0], &b[0], i/4)
	}
	b = b[:len(a)]
	for ; i+4 <= len(a); i += 4 {
		s[0] += float64(a[i]) * float64(b[i])
		s[1] += float64(a[i+1]) * float64(b[i+1])
		s[2] += float64(a[i+2]) * float64(b[i+2])
		s[3] += float64(a[i+3]) * float64(b[i+3])
	}
	for ; i < len(a); i++ {
		s[0] += float64(a[i]) * float64(b[i])
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}
