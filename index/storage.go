package index

import (
	"slices"

	"github.com/pkg/errors"
)

// Storage is what is kept of vectors.
type Storage int

const (
	// Float32 keeps vectors as they are.
	Float32 Storage = iota
	// Int8 keeps a byte of each number, and a scale of each vector: a quarter of the memory. Each number is
	// off by at most 1/254 of the vector's largest, or 10⁻⁴³.
	Int8
	// Binary keeps whether each number is above 0: a bit, 1/32 of the memory. A search counts the bits that
	// differ from those of the query, and Hit.Distance is their number, unless vectors as they came decide: see
	// SearchOptions.Rerank. Without those, the numbers of an item's vector are +1 and −1.
	Binary
)

var storageNames = []string{"float32", "int8", "binary"}

// String is float32, int8 or binary.
func (s Storage) String() string {
	if s < 0 || int(s) >= len(storageNames) {
		return "unknown"
	}
	return storageNames[s]
}

// MarshalText writes the name.
func (s Storage) MarshalText() ([]byte, error) {
	if s < 0 || int(s) >= len(storageNames) {
		return nil, errors.Errorf("index: no storage %d; there are Float32, Int8 and Binary", int(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads a name.
func (s *Storage) UnmarshalText(text []byte) error {
	i := slices.Index(storageNames, string(text))
	if i < 0 {
		return errors.Errorf("index: no storage %q; there are float32, int8 and binary", text)
	}
	*s = Storage(i)
	return nil
}
