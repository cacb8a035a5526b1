package safetensors

import (
	"crypto/sha256"
	"io"

	"github.com/pkg/errors"
)

// Streamed is a file whose tensors are not held in memory.
type Streamed struct {
	Metadata map[string]string
	Tensors  []Stream
}

// Stream is a tensor that Content writes, the same bytes each time that it is called: row-major, little
// endian.
type Stream struct {
	Name    string
	Dtype   Dtype
	Shape   []int
	Content func(io.Writer) error
}

// Write writes the file with its checksum, for which each Content is called once more.
func (f *Streamed) Write(w io.Writer) error {
	places := make([]named, len(f.Tensors))
	at := 0
	for i, t := range f.Tensors {
		n, err := elements(t.Shape)
		switch {
		case err != nil:
			return errors.Wrapf(err, "safetensors: tensor %q", t.Name)
		case t.Dtype.Size() == 0:
			return errors.Errorf("safetensors: tensor %q is of type %q, which is not written", t.Name, t.Dtype)
		}
		end := at + n*t.Dtype.Size()
		places[i] = named{name: t.Name, place: place{Dtype: t.Dtype, Shape: t.Shape, Offsets: [2]int{at, end}}}
		at = end
	}
	header, err := headerOf(f.Metadata, places)
	if err != nil {
		return err
	}
	sum := sha256.New()
	sum.Write(header)
	if err := f.write(sum); err != nil {
		return err
	}
	putSum(header, sum.Sum(nil))
	if _, err := w.Write(header); err != nil {
		return errors.Wrap(err, "safetensors")
	}
	return f.write(w)
}

func (f *Streamed) write(w io.Writer) error {
	for _, t := range f.Tensors {
		n, err := elements(t.Shape)
		if err != nil {
			return err
		}
		bytes := &counted{w: w}
		if err := t.Content(bytes); err != nil {
			return errors.Wrapf(err, "safetensors: tensor %q", t.Name)
		}
		if want := n * t.Dtype.Size(); bytes.n != want {
			return errors.Errorf("safetensors: tensor %q has %d bytes, its shape %v wants %d", t.Name, bytes.n, t.Shape, want)
		}
	}
	return nil
}

// counted counts what is written to w.
type counted struct {
	w io.Writer
	n int
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += n
	return n, err
}
