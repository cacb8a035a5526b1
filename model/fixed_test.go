package model

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/device"
	"medusa/machine"
	"medusa/nets"
	"medusa/optim"
)

// fixedNets have every kind of layer that keeps something of its weights.
var fixedNets = map[string]nets.Config{
	"mlp":    {Backbone: "mlp", Hidden: []int{80, 64}, Embedding: 19, InChannels: 1, Height: 12, Width: 12},
	"cnn":    {Channels: []int{16, 24}, Norm: "none", Embedding: 16, InChannels: 3, Height: 9, Width: 11},
	"resnet": {Backbone: "resnet18", Channels: []int{16, 16, 32, 32}, Embedding: 8, InChannels: 3, Height: 24, Width: 24},
}

// modelOf is the model that the parameters of a network are written as.
func modelOf(t *testing.T, cfg nets.Config, params *graph.Params) *Model {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, Write(&file, Info{Net: cfg}, params, nil))
	m, err := Read(&file, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func waves(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i) * 0.37))
	}
	return x
}

// isFixed reports for how many of the tensors kernels may keep something.
func isFixed(tensors [][]float32) (n int) {
	for _, t := range tensors {
		if new(device.FixedLookup).Of(t) != nil {
			n++
		}
	}
	return n
}

// A model that was loaded keeps what is made of its weights, and embeds with the bits of the network whose weights may change, however
// many pictures there are.
func TestModelKeepsWhatIsMadeOfWeights(t *testing.T) {
	ctx := context.Background()
	for name, cfg := range fixedNets {
		t.Run(name, func(t *testing.T) {
			params := graph.NewParams(3)
			e, err := NewEmbedder(cfg, params, Batch, nil, Views{})
			require.NoError(t, err)
			defer e.Close()
			m := modelOf(t, cfg, params)
			x := waves(70 * e.in)
			want, err := e.Pixels(ctx, x)
			require.NoError(t, err)
			for _, n := range []int{1, 8, 3, 70, 1} {
				got, err := m.EmbedPixels(ctx, x[:n*e.in])
				require.NoError(t, err)
				require.Equal(t, want[:n*e.size], got, "%d pictures", n)
			}
			require.Zero(t, isFixed(graph.Tensors(params)), "an embedder's weights may change")
			tensors := graph.Tensors(m.params)
			require.Equal(t, len(tensors), isFixed(tensors))
			// What nobody can do: it shows that the weights themselves are not read.
			w := m.params.Lookup(firstWeight(m.params)).Value.Float32s()
			for i := range w {
				w[i] = float32(math.NaN())
			}
			got, err := m.EmbedPixels(ctx, x[:e.in])
			require.NoError(t, err)
			require.Equal(t, want[:e.size], got)
			require.NoError(t, m.Close())
			require.Zero(t, isFixed(tensors), "closed")
		})
	}
}

// firstWeight is the name of the weights of the first layer.
func firstWeight(p *graph.Params) string {
	for _, item := range p.All() {
		if !item.Buffer && len(item.Shape()) > 1 {
			return item.Name
		}
	}
	panic("no weights")
}

// An embedder sees every change of the weights, by whatever way.
func TestEmbedderSeesNewWeights(t *testing.T) {
	ctx := context.Background()
	for name, cfg := range fixedNets {
		t.Run(name, func(t *testing.T) {
			params := graph.NewParams(3)
			e, err := NewEmbedder(cfg, params, Batch, nil, Views{})
			require.NoError(t, err)
			defer e.Close()
			x := waves(9 * e.in)
			embed := func() string {
				var all []float32
				for _, n := range []int{1, 8, 9} {
					out, err := e.Pixels(ctx, x[:n*e.in])
					require.NoError(t, err)
					all = append(all, out...)
				}
				again, err := modelOf(t, cfg, params).EmbedPixels(ctx, x)
				require.NoError(t, err)
				require.Equal(t, again, all[9*e.size:], "a model of the weights as they are now")
				return fmt.Sprint(all)
			}
			other := graph.NewParams(4)
			o, err := NewEmbedder(cfg, other, 1, nil, Views{})
			require.NoError(t, err)
			defer o.Close()
			weight := params.Lookup(firstWeight(params))
			seen := map[string]string{embed(): "at first"}
			for _, c := range []struct {
				way    string
				change func() error
			}{
				{"a write to a value", func() error { weight.Value.Float32s()[1] += 1; return nil }},
				{"a step of a solver", func() error { return step(cfg, params) }},
				{"Restore", func() error { _, err := params.Restore(other.Tensors(), graph.Loading{}); return err }},
				{"an average written over it", func() error {
					mine, others := graph.Tensors(params), graph.Tensors(other)
					for i := range mine {
						for j := range mine[i] {
							mine[i][j] = mine[i][j]/2 + others[i][j]/4
						}
					}
					return nil
				}},
			} {
				require.NoError(t, c.change(), c.way)
				now := embed()
				require.Empty(t, seen[now], "%s was not seen", c.way)
				seen[now] = c.way
			}
		})
	}
}

// step makes a step of SGD that moves the weights of a network.
func step(cfg nets.Config, params *graph.Params) error {
	g := gorgonia.NewGraph()
	x, pixels := graph.Input(g, "pictures", 4, cfg.InChannels, cfg.Height, cfg.Width)
	copy(pixels, waves(len(pixels)))
	net, err := nets.Build(cfg, params, x, nets.Train)
	if err != nil {
		return err
	}
	cost, err := graph.Of(net.Embedding).Plus(1).Square().Mean().Node()
	if err != nil {
		return err
	}
	tensors, err := optim.Gradients(cost, params)
	if err != nil {
		return err
	}
	loss, err := graph.Keep(cost)
	if err != nil {
		return err
	}
	vm, err := machine.New(g)
	if err != nil {
		return err
	}
	defer vm.Close()
	solver, err := optim.New(optim.Default("sgd"), tensors, optim.Options{})
	if err != nil {
		return err
	}
	if err := vm.RunAll(); err != nil {
		return err
	}
	_, err = solver.Step(loss, 0.1)
	return err
}

// keptByBackbone is what a backbone of somebody else kept of the parameters that it was given.
var keptByBackbone *graph.Params

func init() {
	nets.Register("test-keeps-parameters", func(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
		keptByBackbone = p
		y := nets.NewLayers(cfg, p, mode).Linear("own", x.Flatten(), 16)
		return y, y.Err()
	})
}

// Somebody else's backbone may write to the parameters that it was given: a model sees that.
func TestWeightsOfOthersBackbonesMayChange(t *testing.T) {
	ctx := context.Background()
	cfg := nets.Config{Backbone: "test-keeps-parameters", Embedding: 8, InChannels: 1, Height: 5, Width: 5}
	params := graph.NewParams(3)
	e, err := NewEmbedder(cfg, params, 1, nil, Views{})
	require.NoError(t, err)
	defer e.Close()
	m := modelOf(t, cfg, params)
	require.Zero(t, isFixed(graph.Tensors(m.params)))
	before, err := m.EmbedPixels(ctx, waves(25))
	require.NoError(t, err)
	w := keptByBackbone.Lookup("own.weight").Value.Float32s()
	for i := range w {
		w[i] = float32(i%7) - 3
	}
	after, err := m.EmbedPixels(ctx, waves(25))
	require.NoError(t, err)
	require.NotEqual(t, before, after)
}

// A model that nobody has any more does not hold its weights.
func TestForgottenModelsLetGo(t *testing.T) {
	cfg := fixedNets["mlp"]
	params := graph.NewParams(3)
	e, err := NewEmbedder(cfg, params, 1, nil, Views{})
	require.NoError(t, err)
	require.NoError(t, e.Close())
	var file bytes.Buffer
	require.NoError(t, Write(&file, Info{Net: cfg}, params, nil))
	m, err := Read(&file, Options{})
	require.NoError(t, err)
	first := graph.Tensors(m.params)[0]
	require.Equal(t, 1, isFixed([][]float32{first}))
	m = nil
	require.Eventually(t, func() bool {
		runtime.GC()
		return isFixed([][]float32{first}) == 0
	}, 10*time.Second, 10*time.Millisecond)
}
