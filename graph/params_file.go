package graph

import (
	"io"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/safetensors"
)

// StoredTensor is a tensor as a file has it. One of the slices is set, none if its elements are no
// floating-point numbers; of a set's own tensors it is the set's memory.
type StoredTensor struct {
	Name  string
	Shape tensor.Shape
	F32   []float32
	F64   []float64
}

// kind is the type of the elements in words.
func (t StoredTensor) kind() string {
	switch {
	case t.F32 != nil:
		return "float32"
	case t.F64 != nil:
		return "float64"
	}
	return "other"
}

// Tensors lists all tensors, learned or not. They share p's memory; those of NewShapes have
// none.
func (p *Params) Tensors() []StoredTensor {
	items := p.All()
	out := make([]StoredTensor, len(items))
	for i, item := range items {
		out[i] = StoredTensor{Name: p.NameOf(item), Shape: item.Shape().Clone()}
		if item.Value == nil {
			continue
		}
		if item.Value.Dtype() == tensor.Float32 {
			out[i].F32 = item.Value.Float32s()
		} else {
			out[i].F64 = item.Value.Float64s()
		}
	}
	return out
}

// Save writes all tensors, learned or not, as a safetensors file with the metadata.
func (p *Params) Save(w io.Writer, metadata map[string]string) error {
	switch {
	case p == nil:
		return errNoParams
	case w == nil:
		return errors.New("graph: there is nothing to save to: the writer is nil")
	}
	f := &safetensors.File{Metadata: metadata}
	for _, t := range p.Tensors() {
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: t.Name, Shape: t.Shape, F32: t.F32, F64: t.F64})
	}
	return errors.Wrap(safetensors.Write(w, f), "graph")
}

// Load is Restore from a safetensors file of size bytes, whose metadata the report has too.
// Tensors of whole numbers, such as PyTorch's num_batches_tracked, are left over.
func (p *Params) Load(r io.Reader, size int64, how Loading) (LoadReport, error) {
	if r == nil {
		return LoadReport{}, errors.New("graph: there is nothing to load from: the reader is nil")
	}
	f, err := safetensors.Read(r, size)
	if err != nil {
		return LoadReport{}, errors.Wrap(err, "graph")
	}
	stored := make([]StoredTensor, len(f.Tensors))
	for i, t := range f.Tensors {
		stored[i] = StoredTensor{Name: t.Name, Shape: t.Shape, F32: t.F32, F64: t.F64}
	}
	report, err := p.Restore(stored, how)
	report.Metadata = f.Metadata
	return report, err
}
