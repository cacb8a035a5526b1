package nets_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/nets"
)

// frozenNets are networks of every kind of layer.
var frozenNets = map[string]nets.Config{
	"cnn":      {Channels: []int{4, 5}, InChannels: 1, Height: 8, Width: 8, Embedding: 3},
	"averages": {Channels: []int{4, 5}, Pooling: "avg", Activation: "silu", InChannels: 1, Height: 8, Width: 8, Embedding: 3},
	"mlp":      {Backbone: "mlp", Hidden: []int{6, 5}, Norm: "batch", InChannels: 1, Height: 4, Width: 4, Embedding: 3},
	"resnet18": {Backbone: "resnet18", Channels: []int{3, 4}, InChannels: 2, Height: 8, Width: 8, Embedding: 3},
}

// deepNets are networks of further kinds of layers.
var deepNets = map[string]nets.Config{
	"bottlenecks": rgb.With(nets.ResNet{Blocks: []int{1, 1, 1, 1}, Bottleneck: true}.Build),
	"mobile":      rgb.With(nets.EfficientNet{Width: 0.1, Depth: 0.1}.Build),
	"convnext":    rgb.With(nets.ConvNeXt{Depths: []int{1, 1}, Channels: []int{3, 4}, LayerScale: 0.5}.Build),
	"transformer": rgb.With(nets.ViT{Patch: 8, Width: 6, Depth: 1, Heads: 2, LayerScale: 0.5, Registers: 1}.Build),
	"faces":       rgb.With(nets.IResNet{Blocks: []int{1, 1}, Channels: []int{3, 4}, Features: 5}.Build),
}

// rgb is for small pictures of three channels.
var rgb = nets.Config{InChannels: 3, Height: 16, Width: 16, Embedding: 3, Channels: []int{3, 4, 4, 5}}

func allOf(sets ...map[string]nets.Config) map[string]nets.Config {
	all := map[string]nets.Config{}
	for _, set := range sets {
		maps.Copy(all, set)
	}
	return all
}

// stirred is parameters whose running statistics are not the first ones.
func stirred(t *testing.T, cfg nets.Config) *graph.Params {
	params := graph.NewParams(5)
	m := newMachine(t, cfg, params, nets.Train, tensor.Float64, 6)
	m.run(t)
	return params
}

func values(t *testing.T, params *graph.Params) map[string][]float64 {
	out := map[string][]float64{}
	for _, item := range params.All() {
		v, err := graph.Numbers(item.Value)
		require.NoError(t, err)
		out[item.Name] = v
	}
	return out
}

// A frozen backbone does in training what it does in evaluation, to the bit, stays as it is with its
// statistics, and costs no gradients.
func TestFrozenBackbone(t *testing.T) {
	for name, cfg := range allOf(frozenNets, deepNets) {
		t.Run(name, func(t *testing.T) {
			params := stirred(t, cfg)
			require.NoError(t, params.ScaleLR(nets.BackbonePrefix, 0))
			before := values(t, params)
			train := newMachine(t, cfg, params, nets.Train, tensor.Float64, 6)
			eval := newMachine(t, cfg, params, nets.Eval, tensor.Float64, 6)
			require.Equal(t, eval.run(t), train.run(t))
			require.Equal(t, before, values(t, params))
			require.Equal(t, []string{"embedding.fc.weight", "embedding.fc.bias"}, train.names)
			for _, n := range train.net.Embedding.Graph().AllNodes() {
				if n.Op() != nil {
					for _, work := range []string{"ConvGrad", "BatchNormGrad", "BatchNormParamsGrad", "PoolGrad", "BatchStats", "LayerNormGrad", "SoftmaxGrad"} {
						require.NotContains(t, n.Op().String(), work)
					}
				}
			}
		})
	}
}

// Rates may be given before there is anything that has them.
func TestFrozenBeforeItIsMade(t *testing.T) {
	for name, cfg := range allOf(frozenNets, deepNets) {
		t.Run(name, func(t *testing.T) {
			late, early := graph.NewParams(5), graph.NewParams(5)
			require.NoError(t, early.ScaleLR(nets.BackbonePrefix, 0))
			train := newMachine(t, cfg, early, nets.Train, tensor.Float32, 6)
			eval := newMachine(t, cfg, late, nets.Eval, tensor.Float32, 6)
			require.InDeltaSlice(t, eval.run(t), train.run(t), 1e-5)
			require.Equal(t, values(t, late), values(t, early))
		})
	}
}

// With weights frozen and statistics not, these move on; the other way round the weights learn
// by gradients that take the statistics as given.
func TestFrozenInPart(t *testing.T) {
	for name, cfg := range frozenNets {
		t.Run(name, func(t *testing.T) {
			params := stirred(t, cfg)
			moving := func(item *graph.Param) bool { return item.Buffer }
			for _, item := range params.Under(nets.BackbonePrefix) {
				if !item.Buffer {
					item.LRScale = 0
				}
			}
			before := values(t, params)
			train := newMachine(t, cfg, params, nets.Train, tensor.Float64, 6)
			train.run(t)
			after := values(t, params)
			for _, item := range params.All() {
				require.Equal(t, !moving(item), slices.Equal(before[item.Name], after[item.Name]), item.Name)
			}
			require.Len(t, train.names, 2)

			for _, item := range params.Under(nets.BackbonePrefix) {
				item.LRScale = 1
				if item.Buffer {
					item.LRScale = 0
				}
			}
			before = values(t, params)
			train = newMachine(t, cfg, params, nets.Train, tensor.Float64, 6)
			train.run(t)
			require.Equal(t, before, values(t, params))
			require.True(t, slices.ContainsFunc(train.names, func(n string) bool { return strings.HasPrefix(n, nets.BackbonePrefix) }))
			train.checkGradients(t)
		})
	}
}
