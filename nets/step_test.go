package nets_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
	"medusa/nets"
)

// netMachine is a network in a graph of its own, ready to run.
type netMachine struct {
	vm        gorgonia.VM
	net       nets.Net
	params    *graph.Params
	pictures  *tensor.Dense
	embedding gorgonia.Value
	trunk     gorgonia.Value
	names     []string
	grads     []gorgonia.Value
}

// newMachine builds cfg for pictures (batch, C, H, W) of normal numbers. When training,
// the gradient of Σ weights·embedding to every parameter is built too.
func newMachine(t testing.TB, cfg nets.Config, params *graph.Params, mode nets.Mode, dt tensor.Dtype, batch int) *netMachine {
	t.Helper()
	return newMachineBy(t, nets.Build, cfg, params, mode, dt, batch)
}

type builder func(nets.Config, *graph.Params, *gorgonia.Node, nets.Mode) (nets.Net, error)

// newMachineBy is newMachine of a network that build builds.
func newMachineBy(t testing.TB, build builder, cfg nets.Config, params *graph.Params, mode nets.Mode, dt tensor.Dtype, batch int) *netMachine {
	t.Helper()
	m := &netMachine{params: params}
	g := gorgonia.NewGraph()
	shape := []int{batch, cfg.InChannels, cfg.Height, cfg.Width}
	rng := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, tensor.Shape(shape).TotalSize())
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	var err error
	m.pictures, err = graph.Tensor(values, dt, shape...)
	require.NoError(t, err)
	x := gorgonia.NewTensor(g, dt, 4, gorgonia.WithShape(shape...), gorgonia.WithName("pictures"), gorgonia.WithValue(m.pictures))
	m.net, err = build(cfg, params, x, mode)
	require.NoError(t, err)
	gorgonia.Read(m.net.Embedding, &m.embedding)
	gorgonia.Read(m.net.Trunk, &m.trunk)
	if mode == nets.Train {
		m.objective(t, dt)
	}
	m.vm, err = machine.New(g)
	require.NoError(t, err)
	t.Cleanup(func() { m.vm.Close() })
	return m
}

func (m *netMachine) objective(t testing.TB, dt tensor.Dtype) {
	e := graph.Of(m.net.Embedding)
	rng := rand.New(rand.NewPCG(3, 4))
	weights := make([]float64, e.Shape().TotalSize())
	for i := range weights {
		weights[i] = rng.NormFloat64()
	}
	d, err := graph.Tensor(weights, dt, e.Shape()...)
	require.NoError(t, err)
	w := gorgonia.NewTensor(e.Graph(), dt, 2, gorgonia.WithShape(e.Shape()...), gorgonia.WithName("objective"), gorgonia.WithValue(d))
	cost, err := e.Mul(graph.Data(w)).Sum().Node()
	require.NoError(t, err)
	items, nodes := m.params.Learned(e.Graph())
	grads, err := gorgonia.Grad(cost, nodes...)
	require.NoError(t, err)
	m.grads = make([]gorgonia.Value, len(grads))
	for i, n := range grads {
		m.names = append(m.names, items[i].Name)
		gorgonia.Read(n, &m.grads[i])
	}
}

func (m *netMachine) run(t testing.TB) []float64 {
	t.Helper()
	require.NoError(t, m.vm.RunAll())
	out, err := graph.Numbers(m.embedding)
	require.NoError(t, err)
	m.vm.Reset()
	return out
}

func benchmarkStep(b *testing.B, cfg nets.Config, batch int) {
	m := newMachine(b, cfg, graph.NewParams(1), nets.Train, tensor.Float32, batch)
	m.run(b)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.vm.RunAll(); err != nil {
			b.Fatal(err)
		}
		m.vm.Reset()
	}
	b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}

// One step, forward and backward, of the networks that bench/ compares with PyTorch.
func BenchmarkStep(b *testing.B) {
	grey := nets.Config{InChannels: 1, Height: 28, Width: 28}
	b.Run("cnn", func(b *testing.B) { c := grey; c.Norm = "none"; benchmarkStep(b, c, 64) })
	b.Run("cnn-batchnorm", func(b *testing.B) { benchmarkStep(b, grey, 64) })
	b.Run("mlp", func(b *testing.B) { c := grey; c.Backbone = "mlp"; benchmarkStep(b, c, 64) })
	b.Run("mlp256", func(b *testing.B) { c := grey; c.Backbone = "mlp"; benchmarkStep(b, c, 256) })
	b.Run("cnn256", func(b *testing.B) { c := grey; c.Norm = "none"; benchmarkStep(b, c, 256) })
	b.Run("resnet18", func(b *testing.B) {
		benchmarkStep(b, nets.Config{Backbone: "resnet18", InChannels: 3, Height: 64, Width: 64}, 32)
	})
}

// Embeddings of a batch, without gradients.
func BenchmarkEmbed(b *testing.B) {
	for _, norm := range []string{"none", "batch"} {
		for _, batch := range []int{1, 256} {
			b.Run(fmt.Sprintf("cnn-%s/%d", norm, batch), func(b *testing.B) {
				cfg := nets.Config{InChannels: 1, Height: 28, Width: 28, Norm: norm}
				m := newMachine(b, cfg, graph.NewParams(1), nets.Eval, tensor.Float32, batch)
				m.run(b)
				b.ReportAllocs()
				for b.Loop() {
					if err := m.vm.RunAll(); err != nil {
						b.Fatal(err)
					}
					m.vm.Reset()
				}
				b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
