package weights

import (
	"io"
	"math"

	"github.com/pkg/errors"
)

// Tensor is a tensor of a file, whose numbers are read when they are asked for.
type Tensor struct {
	Name  string
	Dtype Dtype
	Shape []int // no entry: a scalar

	values func() ([]float32, error)
	whole  func() ([]int64, error) // of a tensor of ONNX
}

// Len is the number of elements.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Float32s reads the numbers, row by row. Those of other types are rounded to the nearest float32; BOOL is 0
// and 1.
func (t *Tensor) Float32s() ([]float32, error) {
	v, err := t.values()
	return v, errors.Wrapf(err, "weights: tensor %q", t.Name)
}

// Int64s reads the numbers of a tensor of ONNX whose elements are whole numbers or BOOL, exactly.
func (t *Tensor) Int64s() ([]int64, error) {
	if t.whole == nil || t.Dtype.Float() {
		return nil, errors.Errorf("weights: tensor %q holds no whole numbers of ONNX", t.Name)
	}
	v, err := t.whole()
	return v, errors.Wrapf(err, "weights: tensor %q", t.Name)
}

// elements is the product of a shape, which must be at most limit.
func elements(shape []int, limit int64) (int64, error) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, errors.Errorf("the shape %v has a negative side", shape)
		}
		if d == 0 {
			n = 0
		}
	}
	for _, d := range shape {
		if n > 0 && int64(d) > limit/n {
			return 0, errors.Errorf("the shape %v has more numbers than the file has bytes: the file is damaged", shape)
		}
		n *= int64(d)
	}
	return n, nil
}

// span is where the elements of a storage lie: a part of a file.
type span struct {
	file  io.ReaderAt
	at    int64
	bytes int64
	dtype Dtype
}

// part is the elements [from, to) of s.
func (s span) part(from, to int64) span {
	width := int64(s.dtype.Width())
	s.at, s.bytes = s.at+from*width, (to-from)*width
	return s
}

// float32s reads all elements.
func (s span) float32s() ([]float32, error) {
	e, known := encodings[s.dtype]
	if !known {
		return nil, errors.Errorf("elements of type %s are not read, want floating-point numbers of 16, 32 or 64 bits", s.dtype)
	}
	return decoded(s, e.width, e.decode)
}

// int64s reads all elements, which are whole numbers.
func (s span) int64s() ([]int64, error) {
	decode := integers[s.dtype]
	if decode == nil {
		return nil, errors.Errorf("elements of type %s are no whole numbers", s.dtype)
	}
	return decoded(s, s.dtype.Width(), decode)
}

// decoded reads elements of width bytes each.
func decoded[T any](s span, width int, decode func([]byte) T) ([]T, error) {
	out := make([]T, s.bytes/int64(width))
	const block = 1 << 13
	buf := make([]byte, block*width)
	for from := 0; from < len(out); from += block {
		to := min(from+block, len(out))
		b := buf[:(to-from)*width]
		if _, err := s.file.ReadAt(b, s.at+int64(from*width)); err != nil {
			return nil, errors.Wrap(err, "the file was changed while it was read")
		}
		for i := from; i < to; i++ {
			out[i] = decode(b[(i-from)*width:])
		}
	}
	return out, nil
}

// view is a tensor over a part of a storage, as PyTorch has it: element (i, j, …) is number
// offset + i·strides[0] + j·strides[1] + … of the storage.
type view struct {
	storage span
	offset  int64
	strides []int64
	shape   []int
}

// check returns an error for a view that reaches beyond its storage.
func (v view) check() error {
	last := v.offset
	for i, d := range v.shape {
		if v.strides[i] < 0 {
			return errors.Errorf("the stride %d is negative: the file is damaged", v.strides[i])
		}
		if d == 0 {
			return nil
		}
		if v.strides[i] > 0 && int64(d-1) > (math.MaxInt64-last)/v.strides[i] {
			last = math.MaxInt64
			break
		}
		last += int64(d-1) * v.strides[i]
	}
	if held := v.storage.bytes / int64(max(v.storage.dtype.Width(), 1)); v.offset < 0 || last < 0 || last >= held {
		return errors.Errorf("the shape %v with strides %v from %d reaches beyond its storage of %d numbers: the file is damaged", v.shape, v.strides, v.offset, held)
	}
	return nil
}

// contiguous reports whether the elements lie row by row.
func (v view) contiguous() bool {
	step := int64(1)
	for i := len(v.shape) - 1; i >= 0; i-- {
		if v.shape[i] != 1 && v.strides[i] != step {
			return false
		}
		step *= int64(v.shape[i])
	}
	return true
}

func (v view) float32s() ([]float32, error) {
	n := int64(1)
	last := int64(0)
	for i, d := range v.shape {
		n *= int64(d)
		last += int64(d-1) * v.strides[i]
	}
	if n == 0 {
		return []float32{}, nil
	}
	stored, err := v.storage.part(v.offset, v.offset+last+1).float32s()
	if err != nil || v.contiguous() {
		return stored, err
	}
	out := make([]float32, 0, n)
	return v.gather(out, stored, 0, 0), nil
}

// gather appends the elements of the axes from axis on, the first of which is number at.
func (v view) gather(out, stored []float32, axis int, at int64) []float32 {
	if axis == len(v.shape) {
		return append(out, stored[at])
	}
	for i := range v.shape[axis] {
		out = v.gather(out, stored, axis+1, at+int64(i)*v.strides[axis])
	}
	return out
}
