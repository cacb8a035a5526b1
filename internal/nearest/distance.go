package nearest

import "math"

// Distance orders gallery rows for a query: smaller is nearer.
type Distance int

const (
	Euclidean  Distance = iota // ‖a − b‖
	Cosine                     // 1 − a·b/(‖a‖‖b‖); a row of zeros has cosine 0 to every row
	DotProduct                 // −a·b
)

// Key is the exact key of rows of norm na and nb: it orders like the distance and is cheaper.
// It is ‖a − b‖² for Euclidean, the negative cosine, the negative dot product.
func (d Distance) Key(a, b []float32, na, nb float64) float64 {
	switch d {
	case Euclidean:
		return SquaredDistance(a, b)
	case Cosine:
		n := na * nb
		if n == 0 {
			return 0
		}
		return -Dot(a, b) / n
	default:
		return -Dot(a, b)
	}
}

// FromKey is the distance that a key stands for.
func (d Distance) FromKey(key float64) float64 {
	switch d {
	case Euclidean:
		return math.Sqrt(key)
	case Cosine:
		return 1 + key
	default:
		return key
	}
}

// SquaredDistance is ‖a − b‖² in float64. Its order of summation is part of what exact
// means here: the four partial sums run over every fourth element.
func SquaredDistance(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		d0 := float64(a[i]) - float64(b[i])
		d1 := float64(a[i+1]) - float64(b[i+1])
		d2 := float64(a[i+2]) - float64(b[i+2])
		d3 := float64(a[i+3]) - float64(b[i+3])
		s0 += float64(d0 * d0) // the conversion forbids a fused multiply-add: same bits everywhere
		s1 += float64(d1 * d1)
		s2 += float64(d2 * d2)
		s3 += float64(d3 * d3)
	}
	for ; i < len(a); i++ {
		d0 := float64(a[i]) - float64(b[i])
		s0 += float64(d0 * d0)
	}
	return (s0 + s1) + (s2 + s3)
}

// Dot is a·b in float64, summed like SquaredDistance; the products are exact.
func Dot(a, b []float32) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i]) * float64(b[i])
		s1 += float64(a[i+1]) * float64(b[i+1])
		s2 += float64(a[i+2]) * float64(b[i+2])
		s3 += float64(a[i+3]) * float64(b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i]) * float64(b[i])
	}
	return (s0 + s1) + (s2 + s3)
}
