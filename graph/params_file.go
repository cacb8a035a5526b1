package graph

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/safetensors"
)

// Save writes all tensors, learned or not, as a safetensors file with the metadata.
func (p *Params) Save(w io.Writer, metadata map[string]string) error {
	return errors.Wrap(safetensors.Write(w, &safetensors.File{Metadata: metadata, Tensors: p.Tensors("")}), "graph")
}

// Load reads a safetensors file of size bytes into the tensors that p has, and returns
// its metadata. What is missing, extra or misshapen is listed in one error, and then
// nothing is changed.
func (p *Params) Load(r io.Reader, size int64) (map[string]string, error) {
	f, err := safetensors.Read(r, size)
	if err != nil {
		return nil, errors.Wrap(err, "graph")
	}
	return f.Metadata, p.Restore(f.Tensors, "")
}

// Tensors lists all tensors, each name with prefix before it. They share p's memory.
func (p *Params) Tensors(prefix string) []safetensors.Tensor {
	items := p.All()
	out := make([]safetensors.Tensor, len(items))
	for i, item := range items {
		out[i] = safetensors.Tensor{Name: prefix + item.Name, Shape: item.Value.Shape().Clone()}
		if item.Value.Dtype() == tensor.Float32 {
			out[i].F32 = item.Value.Float32s()
		} else {
			out[i].F64 = item.Value.Float64s()
		}
	}
	return out
}

// Restore copies those tensors whose names begin with prefix into p's, which must be
// the same by name, shape and type. What is missing, extra or misshapen is listed in one
// error, and then nothing is changed.
func (p *Params) Restore(tensors []safetensors.Tensor, prefix string) error {
	stored := map[string]safetensors.Tensor{}
	for _, t := range tensors {
		if name, ok := strings.CutPrefix(t.Name, prefix); ok {
			stored[name] = t
		}
	}
	if err := p.differences(maps.Clone(stored)); err != nil {
		return err
	}
	for _, mine := range p.Tensors("") {
		t := stored[mine.Name]
		copy(mine.F32, t.F32)
		copy(mine.F64, t.F64)
	}
	return nil
}

// differences empties stored of what p has too.
func (p *Params) differences(stored map[string]safetensors.Tensor) error {
	var faults []string
	for _, mine := range p.Tensors("") {
		t, ok := stored[mine.Name]
		delete(stored, mine.Name)
		switch {
		case !ok:
			faults = append(faults, fmt.Sprintf("%s %v is missing", mine.Name, tensor.Shape(mine.Shape)))
		case !slices.Equal(t.Shape, mine.Shape):
			faults = append(faults, fmt.Sprintf("%s has shape %v, want %v", mine.Name, tensor.Shape(t.Shape), tensor.Shape(mine.Shape)))
		case t.Dtype() != mine.Dtype():
			faults = append(faults, fmt.Sprintf("%s has elements of type %s, want %s", mine.Name, t.Dtype(), mine.Dtype()))
		}
	}
	var extra []string
	for name, t := range stored {
		extra = append(extra, fmt.Sprintf("%s %v is not part of this network", name, tensor.Shape(t.Shape)))
	}
	slices.Sort(extra)
	if faults = append(faults, extra...); len(faults) > 0 {
		return errors.Errorf("graph: the stored parameters are of another network:\n  %s", strings.Join(faults, "\n  "))
	}
	return nil
}
