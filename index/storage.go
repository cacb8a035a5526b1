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
)

var storageNames = []string{"float32", "int8"}

// String is float32 or int8.
func (s Storage) String() string {
	if s < 0 || int(s) >= len(storageNames) {
		return "unknown"
	}
	return storageNames[s]
}

// MarshalText writes the name.
func (s Storage) MarshalText() ([]byte, error) {
	if s < 0 || int(s) >= len(storageNames) {
		return nil, errors.Errorf("index: no storage %d; there are Float32 and Int8", int(s))
	}
	return []byte(s.String()), nil
}

// UnmarshalText reads a name.
func (s *Storage) UnmarshalText(text []byte) error {
	i := slices.Index(storageNames, string(text))
	if i < 0 {
		return errors.Errorf("index: no storage %q; there are float32 and int8", text)
	}
	*s = Storage(i)
	return nil
}
