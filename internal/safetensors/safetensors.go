package safetensors

import (
	"slices"

	"github.com/pkg/errors"
)

// Dtype is the type of a tensor's elements.
type Dtype string

// The types that this package reads and writes.
const (
	F32 Dtype = "F32"
	F64 Dtype = "F64"
	I64 Dtype = "I64"
	U8  Dtype = "U8"
)

// Size is the number of bytes of one element, 0 for an unknown type.
func (d Dtype) Size() int {
	switch d {
	case F32:
		return 4
	case F64, I64:
		return 8
	case U8:
		return 1
	}
	return 0
}

// Tensor is a named array. Exactly one of the four slices is set, according to Dtype.
type Tensor struct {
	Name  string
	Shape []int // no entry: a scalar
	F32   []float32
	F64   []float64
	I64   []int64
	U8    []byte
}

// Dtype is the type of the elements; empty if no slice is set.
func (t Tensor) Dtype() Dtype {
	switch {
	case t.F32 != nil:
		return F32
	case t.F64 != nil:
		return F64
	case t.I64 != nil:
		return I64
	case t.U8 != nil:
		return U8
	}
	return ""
}

func (t Tensor) len() int { return len(t.F32) + len(t.F64) + len(t.I64) + len(t.U8) }

// File is what a file holds.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor // in the order of the file
	Checked  bool     // Read found a checksum, and it matched
}

// Lookup finds a tensor by name.
func (f *File) Lookup(name string) (Tensor, bool) {
	i := slices.IndexFunc(f.Tensors, func(t Tensor) bool { return t.Name == name })
	if i < 0 {
		return Tensor{}, false
	}
	return f.Tensors[i], true
}

// Checksum is the metadata key under which Write stores the checksum.
const Checksum = "sha256"

const (
	metadataKey = "__metadata__"
	maxHeader   = 100 << 20 // the format's own limit
)

// elements is the product of shape, checked against overflow.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, errors.Errorf("shape %v has a negative size", shape)
		}
		if d > 0 && n > maxElements/d {
			return 0, errors.Errorf("shape %v is too large", shape)
		}
		n *= d
	}
	return n, nil
}

const maxElements = 1 << 48
