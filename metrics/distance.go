package metrics

import (
	"math"

	"github.com/pkg/errors"
)

// Distance orders gallery rows for a query: smaller is nearer.
type Distance int

const (
	// Euclidean is ‖a − b‖.
	Euclidean Distance = iota
	// Cosine is 1 − a·b/(‖a‖‖b‖); a row of zeros has cosine 0 to every row.
	Cosine
	// Dot is −a·b.
	Dot
)

var distanceNames = [...]string{"euclidean", "cosine", "dot"}

// String is euclidean, cosine or dot.
func (d Distance) String() string {
	if d < 0 || int(d) >= len(distanceNames) {
		return "unknown"
	}
	return distanceNames[d]
}

// MarshalText writes the name.
func (d Distance) MarshalText() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads a name.
func (d *Distance) UnmarshalText(text []byte) error {
	for i, name := range distanceNames {
		if string(text) == name {
			*d = Distance(i)
			return nil
		}
	}
	return errors.Errorf("metrics: no distance %q; there are euclidean, cosine and dot", text)
}

func (d Distance) check() error {
	if d < 0 || int(d) >= len(distanceNames) {
		return errors.Errorf("metrics: no distance %d; there are Euclidean, Cosine and Dot", int(d))
	}
	return nil
}

// fromKey is the distance of a key. A key orders like the distance and is cheaper: ‖a − b‖² for
// Euclidean, the negative cosine, the negative dot product.
func (d Distance) fromKey(key float64) float64 {
	switch d {
	case Euclidean:
		return math.Sqrt(key)
	case Cosine:
		return 1 + key
	default:
		return key
	}
}

// squaredDistance is ‖a − b‖² in float64. Its order of summation is part of what exact
// means here: the four partial sums run over every fourth element.
func squaredDistance(a, b []float32) float64 {
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

// dot is a·b in float64, summed like squaredDistance; the products are exact.
func dot(a, b []float32) float64 {
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
