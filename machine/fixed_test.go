package machine_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/device"
	"medusa/machine"
	"medusa/nets"
)

// Kernels are told which of the tensors that they read are fixed, as long as they are; and never of one that a step of the graph
// changes, whatever was said of it.
func TestKernelsAreToldWhatIsFixed(t *testing.T) {
	const b, side = 4, 8
	cfg := nets.Config{Channels: []int{3, 4}, InChannels: 1, Embedding: 8, Height: side, Width: side}
	for mode, written := range map[nets.Mode]bool{nets.Train: true, nets.Eval: false} {
		g, p := gorgonia.NewGraph(), graph.NewParams(1)
		net, err := nets.Build(cfg, p, input(g, "pictures", random(b*side*side), b, 1, side, side), mode)
		require.NoError(t, err)
		_, err = graph.Keep(net.Embedding)
		require.NoError(t, err)
		vm, err := machine.New(g)
		require.NoError(t, err)
		defer vm.Close()
		changed := map[*float32]bool{} // by steps
		count := func() map[*float32]bool {
			fixed := map[*float32]bool{}
			require.NoError(t, machine.EachKernel(vm, func(_ any, in []device.Memory, writes []int, after bool) {
				for _, i := range writes {
					changed[&in[i].F32[0]] = true
				}
				for _, m := range in {
					if m.Fixed != nil {
						fixed[&m.F32[0]] = true
					}
				}
			}))
			return fixed
		}
		require.Empty(t, count())
		release := device.Fix(graph.Tensors(p)...)
		fixed := count()
		require.Equal(t, written, len(changed) > 0)
		for _, tensor := range graph.Tensors(p) {
			require.Equal(t, !changed[&tensor[0]], fixed[&tensor[0]])
		}
		require.Len(t, fixed, len(graph.Tensors(p))-len(changed), "and none besides")
		release()
		require.Empty(t, count())
	}
}
