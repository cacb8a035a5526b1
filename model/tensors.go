package model

import (
	"slices"

	"medusa/graph"
)

// Tensors are copies of the network's weights and running statistics, under the names that nets.Build gives them, such as
// backbone.conv1.weight: to begin another training with, by graph.Params.Restore.
func (m *Model) Tensors() []graph.StoredTensor {
	all := m.params.Tensors()
	for i := range all {
		all[i].F32, all[i].F64 = slices.Clone(all[i].F32), slices.Clone(all[i].F64)
	}
	return all
}
