package losses_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/miners"
)

// A loss that is within itself, however deep, is told, wherever one asks it something.
func TestLossesWithinThemselves(t *testing.T) {
	x, y := randomBatch(2, 6, 2, 3)
	scheduled := &losses.Scheduled{To: 1}
	scheduled.Of = losses.Mined{Miner: miners.BatchHard{}, Of: scheduled}
	memory := &losses.CrossBatchMemory{Size: 4}
	joint := &losses.Joint{Parts: []losses.Part{{Loss: losses.LpNorm{}, Weight: 1}, {Loss: memory, Weight: 1}}}
	memory.Of = joint
	levels := &losses.Hierarchical{Of: losses.LpNorm{}, Levels: [][]int{{0, 0, 1}}}
	levels.Above = []losses.Loss{losses.Matryoshka{Of: losses.Graded{Of: losses.SelfSupervised{Of: levels, Views: 2}}}}
	itself := &losses.Joint{}
	itself.Parts = []losses.Part{{Loss: itself, Weight: 1}}
	for name, l := range map[string]losses.Loss{
		"scheduled": scheduled, "memory": memory, "joint around a memory": joint, "levels": levels, "joint": itself,
		"around one": losses.Matryoshka{Of: itself},
	} {
		_, err := losses.Evaluate(l, x, y, tensor.Float64)
		require.ErrorContains(t, err, "itself", name)
		require.ErrorContains(t, losses.Set(l, setting), "holds itself", name)
		require.False(t, losses.Classifies(l), name)
		require.False(t, losses.RestsAtFirst(l), name)
		losses.ParamsOf(l)
	}
}
