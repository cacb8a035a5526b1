package machine_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device"
	"medusa/internal/spec"
	"medusa/losses"
	"medusa/machine"
	"medusa/nets"
	"medusa/pairs"
)

// A kernel changes those of its inputs that its spec names by Writes, and no others: a device would
// not tell the host of them. It holds for everything that networks and losses are made of.
func TestKernelsWriteWhatTheySay(t *testing.T) {
	const b, side = 6, 12
	changed := map[string]bool{}
	run := func(t *testing.T, g *gorgonia.ExprGraph) {
		vm, err := machine.New(g)
		require.NoError(t, err)
		defer vm.Close()
		var before [][]float32
		require.NoError(t, machine.EachKernel(vm, func(what any, in []device.Memory, writes []int, after bool) {
			if !after {
				before = before[:0]
				for _, m := range in {
					before = append(before, slices.Clone(m.F32))
				}
				return
			}
			for i, m := range in {
				switch same := sameBits(before[i], m.F32); {
				case slices.Contains(writes, i) && !same:
					changed[spec.Describe(what)] = true
				case !slices.Contains(writes, i):
					require.True(t, same, "%s changes its input %d, which its Writes does not name", spec.Describe(what), i)
				}
			}
		}))
	}
	labels := []float32{0, 0, 1, 1, 2, 2}
	for _, loss := range losses.Names() {
		t.Run(loss, func(t *testing.T) {
			l, err := losses.Parse(loss, losses.Setting{Classes: 3, EmbeddingSize: 8, TrunkSize: 16, Seed: 1})
			require.NoError(t, err)
			g, p := gorgonia.NewGraph(), graph.NewParams(1)
			x := input(g, "pictures", random(b*side*side), b, 1, side, side)
			cfg := nets.Config{Channels: []int{3, 4}, InChannels: 1, Embedding: 8, Height: side, Width: side, Dropout: 0.2}
			net, err := nets.Build(cfg, p, x, nets.Train)
			require.NoError(t, err)
			batch := pairs.Batch{X: graph.Of(net.Embedding), Labels: graph.Data(input(g, "labels", labels, b)), Raw: graph.Of(net.Embedding)}
			if net.Trunk != nil {
				batch.Trunk = graph.Of(net.Trunk)
			}
			cost, err := losses.BuildOn(l, batch)
			if err != nil {
				t.Skip(err)
			}
			_, wrt := p.Learned(g)
			if own := losses.ParamsOf(l); own != nil {
				_, more := own.Learned(g)
				wrt = append(wrt, more...)
			}
			grads, err := gorgonia.Grad(cost, wrt...)
			require.NoError(t, err)
			for _, n := range grads {
				_, err := graph.Keep(n)
				require.NoError(t, err)
			}
			run(t, g)
		})
	}
	require.NotEmpty(t, changed, "no kernel changes anything that it says it writes")
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x == y || x != x && y != y })
}

func random(n int) []float32 {
	rng := rand.New(rand.NewPCG(4, 4))
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(rng.NormFloat64())
	}
	return out
}

func input(g *gorgonia.ExprGraph, name string, data []float32, shape ...int) *gorgonia.Node {
	return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...),
		gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
}
