package index

import (
	"math"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
)

// store is the vectors of a chunk.
type store struct {
	dim    int
	floats []float32
}

func newStore(o *Options) store { return store{dim: o.Dim} }

// add appends a vector and returns its length.
func (s *store) add(v []float32) float64 {
	s.floats = append(s.floats, v...)
	return math.Sqrt(nearest.Dot(v, v))
}

// rows is the vectors of rows [first, end).
func (s *store) rows(first, end int) []float32 { return s.floats[first*s.dim : end*s.dim] }

// vector copies a row to dst.
func (s *store) vector(at int, dst []float32) []float32 {
	copy(dst, s.rows(at, at+1))
	return dst
}

// openStore is the vectors of a file.
func openStore(file []byte, t *table, o *Options) (store, error) {
	s := store{dim: o.Dim}
	var err error
	s.floats, err = part[float32](file, t, "floats", int64(t.Rows)*int64(o.Dim))
	return s, err
}

// part is the rows [first, end).
func (s *store) part(first, end int) store {
	p := *s
	p.floats = s.floats[first*s.dim : end*s.dim : end*s.dim]
	return p
}

// check says whether all numbers are finite.
func (s *store) check() error {
	if !loops.Finite(s.floats) {
		return errors.New("a vector holds a number that is not finite")
	}
	return nil
}
