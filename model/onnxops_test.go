package model_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/model"
	"medusa/nets"
)

// transformer is a backbone of one's own, of one block, with a class token.
func transformer(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
	const d, heads = 8, 2
	l := nets.NewLayers(cfg, p, mode)
	g, dt, batch := x.Graph(), x.Dtype(), x.Shape()[0]
	weight := func(name string, shape ...int) graph.Expr { return p.Weight(g, name, dt, uniform, shape...).Detach() }
	norm := func(name string, x graph.Expr) graph.Expr {
		return graph.LayerNorm(x, weight(name+".weight", d), weight(name+".bias", d), 1e-6)
	}
	patches := l.Conv("patches", x, d, nets.Window{Size: 4, Stride: 4, Bias: true})
	s := patches.Shape()
	t := s[2]*s[3] + 1
	x = patches.Reshape(batch, d, t-1).Permute(0, 2, 1)
	x = graph.Concat(1, weight("token", 1, 1, d).BroadcastTo([]int{batch, 1, d}), x)
	positions := make([]float64, t*d)
	for i := range positions {
		positions[i] = math.Sin(float64(i))
	}
	x = x.Add(x.Values(positions, 1, t, d))

	linear := func(name string, x graph.Expr, out int) graph.Expr { // of rows of D numbers
		rows := l.Linear(name, x.Reshape(batch*t, x.Shape()[2]), out)
		return rows.Reshape(batch, t, out)
	}
	qkv := linear("attention.qkv", norm("norm1", x), 3*d)
	part := func(i int) graph.Expr {
		return qkv.Slice(2, i*d, (i+1)*d).Reshape(batch, t, heads, d/heads).Permute(0, 2, 1, 3)
	}
	shares := part(0).BatchMatMulT(part(1)).Scale(1 / math.Sqrt(d/heads)).Softmax(3)
	mixed := shares.BatchMatMul(part(2)).Permute(0, 2, 1, 3).Reshape(batch, t, d)
	x = x.Add(linear("attention.proj", mixed, d))
	x = x.Add(linear("mlp.fc2", linear("mlp.fc1", norm("norm2", x), 4*d).GELU(), d))
	x = graph.LayerNorm(x, graph.Expr{}, weight("norm.bias", d), 1e-5)
	return x.Slice(1, 0, 1).Flatten(), x.Err()
}

var uniform = func() graph.Init {
	init, err := nets.Initializer("glorot-uniform")
	if err != nil {
		panic(err)
	}
	return init
}()

// everything is a backbone that applies every operation that has a form in ONNX, but those of transformer.
func everything(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
	l := nets.NewLayers(cfg, p, mode)
	x = l.Norm("bn", l.Conv("conv", x, 4, nets.Window{Size: 3, Pad: 1, Groups: 2, Dilation: 1, Bias: true}))
	slope := p.Weight(x.Graph(), "slope", x.Dtype(), graph.Fill(0.2), 4).Detach()
	x = x.PReLU(slope)
	var pooled []graph.Expr
	for _, pool := range []graph.Pool{
		{Window: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}},
		{Window: [2]int{3, 2}, Stride: [2]int{2, 3}, Pad: [2]int{1, 0}, Ceil: true},
		{Window: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [2]int{1, 1}, ExcludePad: true},
		{Window: [2]int{4, 4}, Stride: [2]int{3, 3}, Ceil: true},
		{Window: [2]int{4, 4}, Stride: [2]int{3, 3}, Pad: [2]int{2, 2}, Ceil: true},
		{Window: [2]int{4, 4}, Stride: [2]int{3, 3}, Pad: [2]int{2, 2}, Ceil: true, ExcludePad: true},
	} {
		pooled = append(pooled, graph.GlobalAvgPool(graph.MaxPool(x, pool)), graph.AvgPool(x, pool).Flatten())
	}
	f := graph.Concat(1, append(pooled, graph.GlobalAvgPool(x))...)
	f = l.Linear("fc", f, 6)
	half := f.Constant(0.5, f.Shape()...)
	one := f.Constant(1, 1, 6)
	features := []graph.Expr{
		f.Relu(), f.Abs().Plus(0.1).Log(), f.Exp().Scale(0.1), f.Softplus(), f.Sigmoid(), f.Tanh(), f.Cos(), f.HardSwish(), f.HardSigmoid(), f.GELUTanh(),
		f.Swish(1), f.Swish(1.702), f.Hinge(-2, 0.5), f.Square(), f.Sqrt(), f.Abs().Power(1.5), f.Clamp(-0.3, math.Inf(1)), f.Acos(), f.Neg(), f.Affine(1, 0),
		f.Above(0.1).Mul(f), f.Relu().Is(0), f.Greater(half), f.AtLeast(half), half.Equal(half.Scale(1)).Mul(f), f.Min(half), f.Max(one), f.Sub(half), f.Div(one.Scale(3)),
		graph.NormalizeLp(f, 1), graph.NormalizeLp(f, 3), graph.NormalizeLp(f, math.Inf(1)), graph.Normalize(f), f.LogSoftmax(1), f.Reshape(f.Shape()[0], 2, 3).Softmax(1).Flatten(),
		f.SumAxis(1), f.MatMul(p.Weight(x.Graph(), "square", x.Dtype(), uniform, 6, 6).Detach()), f.T().MatMul(f).Sum().Scale(0).Add(f), f.Slice(1, 2, 4),
		f.Reshape(f.Shape()[0], 6, 1).Softmax(1).Flatten(),
	}
	f = graph.Concat(1, features...)
	return f, f.Err()
}

func init() {
	nets.Register("test-transformer", transformer)
	nets.Register("test-everything", everything)
	nets.Register("test-vit", nets.ViT{Patch: 4, Width: 6, Depth: 1, Heads: 2, LayerScale: 0.5, Registers: 2, PatchPositions: true}.Build)
	nets.Register("test-siglip", nets.ViT{Patch: 4, Width: 6, Depth: 1, Heads: 2, Pool: "attention", Activation: "gelu-tanh"}.Build)
	nets.Register("test-convnext", nets.ConvNeXt{Depths: []int{1, 1}, Channels: []int{4, 6}, LayerScale: 0.5}.Build)
	nets.Register("test-efficientnet", nets.EfficientNet{Width: 0.1, Depth: 0.3}.Build)
	nets.Register("test-mobilenet", nets.MobileNetV3{Width: 0.1, Small: true}.Build)
	nets.Register("test-bottlenecks", nets.ResNet{Blocks: []int{1, 1, 1, 1}, Bottleneck: true}.Build)
	nets.Register("test-iresnet", nets.IResNet{Blocks: []int{1, 1}, Channels: []int{3, 4}, Features: 5}.Build)
	nets.Register("test-mobilefacenet", nets.MobileFaceNet{Blocks: []int{1, 1, 1, 1}, Features: 5}.Build)
}

// kindsIn are the kinds of operations of a network.
func kindsIn(t *testing.T, cfg nets.Config) map[string]bool {
	t.Helper()
	g := gorgonia.NewGraph()
	x, _ := graph.Input(g, "pictures", 2, cfg.InChannels, cfg.Height, cfg.Width)
	net, err := nets.Build(cfg, graph.NewParams(1), x, nets.Eval)
	require.NoError(t, err)
	kinds := map[string]bool{}
	for n := range graph.Reads(net.Embedding) {
		if op, ok := graph.OperationOf(n); ok {
			kinds[op.Kind] = true
		}
	}
	return kinds
}

// Backbones of one's own, and small ones of package nets, are exported: every operation that has a form in ONNX computes the same there.
func TestONNXOfOnesOwnBackbones(t *testing.T) {
	python := pythonWith(t, "MEDUSA_ONNX_PYTHON", "onnx", "onnxruntime")
	r := &onnxRuns{dir: t.TempDir()}
	tried := map[string]bool{}
	for _, backbone := range []string{"test-transformer", "test-everything", "test-vit", "test-siglip", "test-convnext", "test-efficientnet", "test-mobilenet", "test-bottlenecks", "test-iresnet", "test-mobilefacenet"} {
		cfg := nets.Config{Backbone: backbone, InChannels: 2, Height: 12, Width: 12, Embedding: 4, Raw: true}
		for kind := range kindsIn(t, cfg) {
			tried[kind] = true
		}
		m := modelWith(t, model.Info{Net: cfg})
		r.export(t, m, model.ONNXOptions{})
		x := wave(5 * 2 * 12 * 12)
		for _, batch := range []int{1, 5} {
			x := x[:batch*2*12*12]
			want, err := m.EmbedPixels(context.Background(), x)
			require.NoError(t, err)
			r.expect(t, backbone, want, map[string]any{"pictures": x}, map[string][]int{"pictures": {batch, 2, 12, 12}})
		}
	}
	for _, kind := range model.ONNXKinds() {
		require.True(t, tried[kind], "%s is tried by no backbone", kind)
	}
	r.compare(t, python, 2e-5)
}

func wave(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i * i)))
	}
	return x
}

// What has no form in ONNX is named.
func TestONNXRefuses(t *testing.T) {
	features := func(x graph.Expr) graph.Expr { return x.Flatten() }
	for name, c := range map[string]struct {
		trunk func(p *graph.Params, x graph.Expr) graph.Expr
		want  string
	}{
		"an op without a form": {func(p *graph.Params, x graph.Expr) graph.Expr {
			centres := p.Weight(x.Graph(), "centres", x.Dtype(), uniform, 3, 16).Detach()
			return graph.DistancesBetween(features(x), centres)
		}, "backbone test-an op without a form: the operation spec.Distance{"},
		"an op of Gorgonia": {func(_ *graph.Params, x graph.Expr) graph.Expr {
			n, err := features(x).Node()
			if err != nil {
				return graph.Fail(err)
			}
			cube, err := gorgonia.Cube(n)
			if err != nil {
				return graph.Fail(err)
			}
			return graph.Data(cube)
		}, "has no form in ONNX: make the layer of those that graph.Operation lists"},
		"the size of the batch": {func(_ *graph.Params, x graph.Expr) graph.Expr {
			return features(x).Sub(features(x).SumAxis(0).Scale(1 / float64(x.Shape()[0])))
		}, "what depends on their number other than by its shape has no form in ONNX"},
		"an input of its own": {func(_ *graph.Params, x graph.Expr) graph.Expr {
			n, _ := graph.Input(x.Graph(), "mine", 1, 16)
			return features(x).Mul(graph.Data(n))
		}, `the graph reads "mine", which is neither the pictures nor a parameter`},
	} {
		t.Run(name, func(t *testing.T) {
			backbone := "test-" + name
			if !slices.Contains(nets.Names(), backbone) {
				nets.Register(backbone, func(_ nets.Config, p *graph.Params, x graph.Expr, _ nets.Mode) (graph.Expr, error) {
					f := c.trunk(p, x)
					return f, f.Err()
				})
			}
			m := modelWith(t, model.Info{Net: nets.Config{Backbone: backbone, InChannels: 1, Height: 4, Width: 4, Embedding: 2}})
			require.ErrorContains(t, m.ExportONNX(io.Discard, model.ONNXOptions{}), c.want)
		})
	}
	m := modelWith(t, model.Info{Net: nets.Config{InChannels: 1, Height: 4, Width: 4, Channels: []int{2}, Embedding: 2}})
	require.ErrorContains(t, m.ExportONNX(nil, model.ONNXOptions{}), "the writer is nil")
	require.ErrorContains(t, m.ExportONNX(&bytes.Buffer{}, model.ONNXOptions{Input: "bytes"}), `the input "bytes" is unknown, want one of normalised, pixels, floats`)
}
