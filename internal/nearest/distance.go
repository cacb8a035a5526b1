package nearest

import (
	"math"

	"medusa/internal/cpu/loops"
)

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
// means here.
func SquaredDistance(a, b []float32) float64 { return loops.SquaresApart(a, b) }

// Dot is a·b in float64, summed like SquaredDistance; the products are exact.
func Dot(a, b []float32) float64 { return loops.Products64(a, b) }
