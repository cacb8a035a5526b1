package graph

import "gorgonia.org/tensor"

// Tensors is the elements of all tensors of the sets, the memory that graphs read; nil sets are left
// out.
func Tensors(sets ...*Params) [][]float32 {
	var out [][]float32
	for _, p := range sets {
		if p == nil {
			continue
		}
		for _, item := range p.All() {
			if item.Value != nil && item.Value.Dtype() == tensor.Float32 {
				out = append(out, item.Value.Float32s())
			}
		}
	}
	return out
}
