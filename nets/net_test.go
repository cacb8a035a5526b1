package nets_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/nets"
)

// Parameters, buffers and work against published figures. torchvision's resnet18 and
// resnet34 have 11,689,512 and 21,797,672 parameters, of which the classifier of 1000
// classes has 512·1000 + 1000; their work at 224×224 is 1.81 and 3.66 GMACs. Of resnet50 and resnet101 it is
// 25,557,032 and 44,549,160, with 2048·1000 + 1000, and 4.09 and 7.80 GMACs.
func TestSummaryKnownFigures(t *testing.T) {
	const classifier, wideClassifier = 512*1000 + 1000, 2048*1000 + 1000
	for _, c := range []struct {
		cfg    nets.Config
		params int
		macs   float64 // without the embedding's layer
		within float64
	}{
		{nets.Config{Backbone: "resnet18", InChannels: 3, Height: 224, Width: 224}, 11689512 - classifier, 1.81e9, 0.01e9},
		{nets.Config{Backbone: "resnet34", InChannels: 3, Height: 224, Width: 224}, 21797672 - classifier, 3.66e9, 0.01e9},
		{nets.Config{Backbone: "resnet50", InChannels: 3, Height: 224, Width: 224}, 25557032 - wideClassifier, 4.09e9, 0.01e9},
		{nets.Config{Backbone: "resnet101", InChannels: 3, Height: 224, Width: 224}, 44549160 - wideClassifier, 7.80e9, 0.01e9},
		// As torchvision, timm and InsightFace have them, with the classifier of 1000 classes in the first four; the work is the papers'.
		{nets.Config{Backbone: "efficientnet-b0", InChannels: 3, Height: 224, Width: 224}, 5288548 - 1280*1000 - 1000, 0.39e9, 0.01e9},
		{nets.Config{Backbone: "mobilenet-v3-large", InChannels: 3, Height: 224, Width: 224}, 5483032 - 1280*1000 - 1000, 0.217e9, 0.003e9},
		{nets.Config{Backbone: "convnext-tiny", InChannels: 3, Height: 224, Width: 224}, 28589128 - 768*1000 - 1000, 4.46e9, 0.01e9},
		{nets.Config{Backbone: "vit-base-16", InChannels: 3, Height: 224, Width: 224}, 86567656 - 768*1000 - 1000, 17.56e9, 0.01e9},
		{nets.Config{Backbone: "iresnet50", InChannels: 3, Height: 112, Width: 112}, 43590848, 6.3e9, 0.05e9},
		// 9·(1·32 + 32·64 + 64·128) filters, 2·(32 + 64 + 128) of batch norm; each filter
		// works on 28², 14² and 7² pixels.
		{nets.Config{}, 9*(32+32*64+64*128) + 2*(32+64+128), 9 * (32*28*28 + 32*64*14*14 + 64*128*7*7), 0},
		{nets.Config{Norm: "none"}, 9*(32+32*64+64*128) + 32 + 64 + 128, 9 * (32*28*28 + 32*64*14*14 + 64*128*7*7), 0},
		{nets.Config{Backbone: "mlp"}, 784*512 + 512 + 512*256 + 256, 784*512 + 512*256, 0},
	} {
		s, err := nets.Summary(c.cfg)
		require.NoError(t, err)
		head := s.Trunk*64 + 64
		assert.Equal(t, c.params+head, s.Params, "%+v", c.cfg)
		assert.InDelta(t, c.macs+float64(s.Trunk*64), s.MACs, c.within+1, "%+v", c.cfg)
		sum := 0
		for _, l := range s.Layers {
			sum += l.Params
		}
		assert.Equal(t, s.Params, sum, "the layers account for all parameters")
	}
	s, err := nets.Summary(nets.Config{})
	require.NoError(t, err)
	assert.Equal(t, 2*(32+64+128), s.Buffers)
}

func TestTrunkSize(t *testing.T) {
	for want, c := range map[int]nets.Config{
		128:         {},
		256:         {Backbone: "mlp"},
		512:         {Backbone: "resnet34", InChannels: 3, Height: 32, Width: 32},
		128 * 7 * 7: {Head: "flatten"},
		16 * 28 * 9: {Head: "flatten", Pooling: "none", Channels: []int{8, 16}, Width: 9},
		20:          {Head: "max", Channels: []int{20}},
	} {
		n, err := c.TrunkSize()
		require.NoError(t, err)
		assert.Equal(t, want, n)
		c = small(c)
		m := newMachine(t, c, graph.NewParams(1), nets.Eval, tensor.Float32, 2)
		if c.Backbone == "" {
			m.run(t)
			assert.Equal(t, []int{2, want}, []int(m.trunk.Shape()))
		}
	}
}

// small fills the picture's sizes that Config would.
func small(c nets.Config) nets.Config {
	for p, v := range map[*int]int{&c.InChannels: 1, &c.Height: 28, &c.Width: 28} {
		if *p == 0 {
			*p = v
		}
	}
	return c
}

// Every option's gradient to every parameter agrees with central differences in float64.
func TestGradients(t *testing.T) {
	tiny := nets.Config{InChannels: 2, Height: 6, Width: 5, Embedding: 3}
	for name, change := range map[string]func(*nets.Config){
		"cnn":      func(*nets.Config) {},
		"silu":     func(c *nets.Config) { c.Activation = "silu" },
		"tanh":     func(c *nets.Config) { c.Activation, c.Norm = "tanh", "none" },
		"leaky":    func(c *nets.Config) { c.Activation = "leaky-relu" },
		"max head": func(c *nets.Config) { c.Head, c.Pooling = "max", "avg" },
		"flatten":  func(c *nets.Config) { c.Head, c.Pooling, c.Norm, c.Raw = "flatten", "none", "none", true },
		"mlp":      func(c *nets.Config) { c.Backbone = "mlp" },
		"mlp norm": func(c *nets.Config) { c.Backbone, c.Norm = "mlp", "batch" },
		"resnet":   func(c *nets.Config) { c.Backbone = "resnet18" },
		// Biases of zero would leave dead pixels exactly at the corner of ReLU.
		"resnet plain": func(c *nets.Config) {
			c.Backbone, c.Norm, c.Stem, c.Init = "resnet18", "none", "standard", "pytorch"
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tiny
			change(&cfg)
			if cfg.Backbone == "mlp" {
				cfg.Hidden = []int{4, 3}
			} else {
				cfg.Channels = []int{3, 2}
			}
			params := graph.NewParams(9)
			m := newMachine(t, cfg, params, nets.Train, tensor.Float64, 4)
			m.checkGradients(t)
		})
	}
}

// checkGradients compares the gradients, in float64, with central differences.
func (m *netMachine) checkGradients(t *testing.T) {
	t.Helper()
	objective := func() (sum float64) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, v := range m.run(t) {
			sum += v * rng.NormFloat64()
		}
		return sum
	}
	objective()
	for i, p := range m.names {
		grad, err := graph.Numbers(m.grads[i])
		require.NoError(t, err)
		w := m.params.Lookup(p).Value.Float64s()
		for _, k := range []int{0, len(w) / 2, len(w) - 1} {
			const h = 1e-6
			v := w[k]
			w[k] = v + h
			up := objective()
			w[k] = v - h
			down := objective()
			w[k] = v
			require.InDelta(t, (up-down)/2/h, grad[k], 2e-6, "%s[%d]", p, k)
		}
		objective()
	}
}

// Dropout acts in training only and counts its runs in the parameters.
func TestDropoutInNets(t *testing.T) {
	cfg := nets.Config{Backbone: "mlp", InChannels: 1, Height: 4, Width: 4, Dropout: 0.5}
	params := graph.NewParams(1)
	train := newMachine(t, cfg, params, nets.Train, tensor.Float32, 3)
	eval := newMachine(t, cfg, params, nets.Eval, tensor.Float32, 3)
	first, second := train.run(t), train.run(t)
	assert.NotEqual(t, first, second)
	assert.Equal(t, eval.run(t), eval.run(t))
	for _, name := range []string{"embedding.dropout.state", "backbone.dropout1.state"} {
		require.NotNil(t, params.Lookup(name), name)
		assert.EqualValues(t, 2, params.Lookup(name).Value.Float32s()[2])
	}
}

// The pictures are data: nothing in the graph computes a gradient of their shape.
func TestNoGradientToPictures(t *testing.T) {
	cfg := nets.Config{InChannels: 2, Height: 10, Width: 12}
	m := newMachine(t, cfg, graph.NewParams(1), nets.Train, tensor.Float32, 4)
	for _, n := range m.net.Embedding.Graph().AllNodes() {
		if n.Name() != "pictures" {
			assert.NotEqual(t, []int{4, 2, 10, 12}, []int(n.Shape()), n.String())
		}
	}
}

func TestEmbeddingsAreNormalised(t *testing.T) {
	for _, raw := range []bool{false, true} {
		m := newMachine(t, nets.Config{InChannels: 1, Height: 8, Width: 8, Raw: raw}, graph.NewParams(1), nets.Eval, tensor.Float64, 5)
		out := m.run(t)
		for r := range 5 {
			length := math.Sqrt(dot(out[r*64 : (r+1)*64]))
			assert.Equal(t, !raw, math.Abs(length-1) < 1e-12)
		}
	}
}

func dot(x []float64) (sum float64) {
	for _, v := range x {
		sum += v * v
	}
	return sum
}

// Each initialisation has the mean and the variance of its definition.
func TestInits(t *testing.T) {
	shape := tensor.Shape{48, 32, 3, 3}
	in, out := 32.*9, 48.*9
	n := shape.TotalSize()
	for name, variance := range map[string]float64{
		"pytorch": 1 / in / 3, "he-normal": 2 / in, "he-uniform": 2 / in, "he-normal-out": 2 / out,
		"glorot-normal": 2 / (in + out), "glorot-uniform": 2 / (in + out), "lecun-normal": 1 / in,
		"transformer": 0.02 * 0.02,
		"orthogonal":  1 / in, // 48 orthonormal rows of 288 numbers
	} {
		init, err := nets.Initializer(name)
		require.NoError(t, err)
		x := make([]float64, n)
		init(rand.New(rand.NewPCG(1, 1)), shape, x)
		assert.InDelta(t, 0, stat.Mean(x, nil), 5*math.Sqrt(variance/float64(n)), name)
		assert.InEpsilon(t, variance, stat.Variance(x, nil), 0.05, name)
		if name == "pytorch" {
			assert.LessOrEqual(t, slices.Max(x), 1/math.Sqrt(in))
		}
	}
	assert.Len(t, nets.Inits(), 9)
	_, err := nets.Initializer("?")
	assert.ErrorContains(t, err, `nets: init is "?", want one of glorot-normal`)
	for _, s := range []tensor.Shape{{5, 3}, {3, 5}, {4, 4}} {
		init, err := nets.Initializer("orthogonal")
		require.NoError(t, err)
		x := make([]float64, s.TotalSize())
		init(rand.New(rand.NewPCG(1, 1)), s, x)
		a := mat.NewDense(s[0], s[1], x)
		var p mat.Dense
		if s[0] < s[1] {
			p.Mul(a, a.T())
		} else {
			p.Mul(a.T(), a)
		}
		k := min(s[0], s[1])
		for i := range k * k {
			want := 0.0
			if i/k == i%k {
				want = 1
			}
			assert.InDelta(t, want, p.At(i/k, i%k), 1e-12)
		}
	}
}

// A backbone that somebody else registered or gave by value is not built in.
func TestBuiltIn(t *testing.T) {
	other := func(_ nets.Config, _ *graph.Params, x graph.Expr, _ nets.Mode) (graph.Expr, error) { return x, nil }
	nets.Register("test-not-built-in", other)
	require.True(t, nets.Config{}.BuiltIn())
	require.True(t, nets.Config{Backbone: "resnet34"}.BuiltIn())
	require.False(t, nets.Config{Backbone: "test-not-built-in"}.BuiltIn())
	require.False(t, nets.Config{Backbone: "mlp"}.With(other).BuiltIn())
}
