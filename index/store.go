package index

import (
	"math"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/nearest"
)

// store is the vectors of a chunk.
type store struct {
	dim     int
	storage Storage
	keep    bool      // floats besides codes
	floats  []float32 // nil if they are not kept
	codes   []int8    // of Int8: a row is scale·codes
	scales  []float32 // one a row
	bits    []uint64  // of Binary: words() a row
}

func newStore(o *Options) store {
	return store{dim: o.Dim, storage: o.Storage, keep: o.KeepFloats}
}

// hasFloats reports whether vectors are kept as they came.
func (s *store) hasFloats() bool { return s.storage == Float32 || s.keep }

// add appends a vector and returns the length of the row that searches see.
func (s *store) add(v []float32) float64 {
	if s.hasFloats() {
		s.floats = append(s.floats, v...)
	}
	switch s.storage {
	case Int8:
		s.encode(v)
		v = s.rows(len(s.scales)-1, len(s.scales), new([]float32))
	case Binary:
		s.bits = signs(s.bits, v)
		return math.Sqrt(float64(s.dim))
	}
	return math.Sqrt(nearest.Dot(v, v))
}

// encode appends a vector as integers from −127 to 127.
func (s *store) encode(v []float32) {
	largest := float32(0)
	for _, x := range v {
		largest = max(largest, x, -x)
	}
	scale := largest / math.MaxInt8
	s.scales = append(s.scales, scale)
	for _, x := range v {
		code := 0.0
		if scale > 0 {
			code = math.RoundToEven(float64(x) / float64(scale))
		}
		s.codes = append(s.codes, int8(min(max(code, -math.MaxInt8), math.MaxInt8))) // scale may be rounded, where it is tiny by much
	}
}

// copyRow appends a row of another store as it is.
func (s *store) copyRow(from *store, at int) {
	lo, hi := at*s.dim, (at+1)*s.dim
	if s.hasFloats() {
		s.floats = append(s.floats, from.floats[lo:hi]...)
	}
	if s.storage == Int8 {
		s.codes, s.scales = append(s.codes, from.codes[lo:hi]...), append(s.scales, from.scales[at])
	}
	if s.storage == Binary {
		s.bits = append(s.bits, from.bits[at*s.words():(at+1)*s.words()]...)
	}
}

// rows is the rows [first, end) as searches see them; scratch is memory for them.
func (s *store) rows(first, end int, scratch *[]float32) []float32 {
	if s.storage == Float32 {
		return s.floats[first*s.dim : end*s.dim]
	}
	if n := (end - first) * s.dim; cap(*scratch) < n {
		*scratch = make([]float32, n)
	}
	out := (*scratch)[:(end-first)*s.dim]
	for i := first; i < end; i++ {
		row := out[(i-first)*s.dim : (i-first+1)*s.dim]
		if s.storage == Binary {
			signed(row, s.bits[i*s.words():(i+1)*s.words()])
			continue
		}
		loops.Lengthen(row, s.codes[i*s.dim:(i+1)*s.dim], s.scales[i])
	}
	return out
}

// vector copies a row to dst, as it came if that is known.
func (s *store) vector(at int, dst []float32) []float32 {
	if s.hasFloats() {
		copy(dst, s.floats[at*s.dim:(at+1)*s.dim])
		return dst
	}
	return s.rows(at, at+1, &dst)
}

// openStore is the vectors of a file.
func openStore(file []byte, t *table, o *Options) (s store, err error) {
	s = newStore(o)
	rows, all := int64(t.Rows), int64(t.Rows)*int64(o.Dim)
	if s.hasFloats() {
		if s.floats, err = part[float32](file, t, "floats", all); err != nil {
			return s, err
		}
	}
	if s.storage == Int8 {
		if s.codes, err = part[int8](file, t, "codes", all); err != nil {
			return s, err
		}
		s.scales, err = part[float32](file, t, "scales", rows)
	}
	if s.storage == Binary {
		s.bits, err = part[uint64](file, t, "bits", rows*int64(s.words()))
	}
	return s, err
}

// part is the rows [first, end).
func (s *store) part(first, end int) store {
	p, lo, hi := *s, first*s.dim, end*s.dim
	if s.hasFloats() {
		p.floats = s.floats[lo:hi:hi]
	}
	if s.storage == Int8 {
		p.codes, p.scales = s.codes[lo:hi:hi], s.scales[first:end:end]
	}
	if s.storage == Binary {
		p.bits = s.bits[first*s.words() : end*s.words() : end*s.words()]
	}
	return p
}

// check says whether all numbers are finite.
func (s *store) check() error {
	if !loops.Finite(s.floats) || !loops.Finite(s.scales) {
		return errors.New("a vector holds a number that is not finite")
	}
	return nil
}
