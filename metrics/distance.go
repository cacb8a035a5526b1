package metrics

import (
	"github.com/pkg/errors"

	"medusa/internal/nearest"
)

// Distance orders gallery rows for a query: smaller is nearer.
type Distance int

const (
	// Euclidean is ‖a − b‖.
	Euclidean = Distance(nearest.Euclidean)
	// Cosine is 1 − a·b/(‖a‖‖b‖); a row of zeros has cosine 0 to every row.
	Cosine = Distance(nearest.Cosine)
	// Dot is −a·b.
	Dot = Distance(nearest.DotProduct)
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
	return nearest.Distance(d).FromKey(key)
}

// keyError bounds the error of a tile value; see nearest.Distance.
func (d Distance) keyError(dim int, a, b float64) float64 {
	return nearest.Distance(d).Error(dim, a, b)
}
