package machine_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/machine"
	"medusa/nets"
	"medusa/pairs"
)

// learning is a network of pictures 3×32×32 with a loss and the gradients to all weights.
type learning struct {
	x      []float32
	params *graph.Params
	kept   []*graph.Kept // the loss, the embeddings, then the gradients
	vm     gorgonia.VM
}

const learnBatch = 6

func newLearning(t testing.TB, cfg nets.Config, d *machine.Device) *learning {
	t.Helper()
	const side = 32
	cfg.InChannels, cfg.Embedding, cfg.Height, cfg.Width = 3, 6, side, side
	g := gorgonia.NewGraph()
	l := &learning{x: make([]float32, learnBatch*3*side*side), params: graph.NewParams(5)}
	net, err := nets.Build(cfg, l.params, input(g, "pictures", l.x, learnBatch, 3, side, side), nets.Train)
	require.NoError(t, err)
	labels := input(g, "labels", []float32{0, 0, 1, 1, 2, 2}, learnBatch)
	loss, err := losses.Parse("contrastive", losses.Setting{Classes: 3, EmbeddingSize: 6})
	require.NoError(t, err)
	cost, err := losses.BuildOn(loss, pairs.Of(net.Embedding, labels))
	require.NoError(t, err)
	_, wrt := l.params.Learned(g)
	grads, err := gorgonia.Grad(cost, wrt...)
	require.NoError(t, err)
	for _, n := range append(gorgonia.Nodes{cost, net.Embedding}, grads...) {
		k, err := graph.Keep(n)
		require.NoError(t, err)
		l.kept = append(l.kept, k)
	}
	planned, err := machine.Needs(g)
	require.NoError(t, err)
	l.vm, err = machine.On(g, d, l.params)
	require.NoError(t, err)
	if d == nil {
		require.Equal(t, planned, l.machine().Memory())
	}
	t.Cleanup(func() { l.vm.Close() })
	return l
}

func (l *learning) machine() *machine.Machine { return l.vm.(*machine.Machine) }

// tinyViT is a transformer of so many blocks.
func tinyViT(depth int) nets.Config {
	return nets.Config{Backbone: "vit"}.With(nets.ViT{Patch: 8, Width: 12, Depth: depth, Heads: 2}.Build)
}

// recomputing are networks by name, with what a second pass could do otherwise: draws, and statistics that move.
var recomputing = map[string]nets.Config{
	"cnn":           {Channels: []int{3, 4, 5}, Dropout: 0.3},
	"cnn, leaky":    {Channels: []int{3, 4, 5}, Activation: "leaky-relu", Pooling: "avg"},
	"mlp":           {Backbone: "mlp", Hidden: []int{12, 10, 8}, Norm: "batch", Dropout: 0.3},
	"mlp, tanh":     {Backbone: "mlp", Hidden: []int{12, 10, 8}, Activation: "tanh", Dropout: 0.3},
	"resnet18":      {Backbone: "resnet18", Channels: []int{3, 4, 5, 6}},
	"resnet50":      nets.Config{Backbone: "bottlenecks", Channels: []int{2, 3, 4, 5}}.With(nets.ResNet{Blocks: []int{2, 1, 2, 1}, Bottleneck: true}.Build),
	"vit":           tinyViT(3),
	"siglip":        nets.Config{Backbone: "vit"}.With(nets.ViT{Patch: 8, Width: 12, Depth: 3, Heads: 2, Pool: "attention", Activation: "gelu-tanh"}.Build),
	"dinov2":        nets.Config{Backbone: "vit"}.With(nets.ViT{Patch: 8, Width: 12, Depth: 3, Heads: 2, LayerScale: 0.1, Registers: 2}.Build),
	"convnext":      nets.Config{Backbone: "convnext"}.With(nets.ConvNeXt{Depths: []int{1, 2}, Channels: []int{4, 6}, LayerScale: 0.1}.Build),
	"efficientnet":  nets.Config{Backbone: "efficientnet"}.With(nets.EfficientNet{Width: 0.25, Depth: 0.5}.Build),
	"mobilenet":     nets.Config{Backbone: "mobilenet"}.With(nets.MobileNetV3{Small: true, Width: 0.25}.Build),
	"iresnet":       nets.Config{Backbone: "iresnet"}.With(nets.IResNet{Blocks: []int{1, 2}, Channels: []int{3, 4}, Features: 8}.Build),
	"mobilefacenet": nets.Config{Backbone: "mobilefacenet"}.With(nets.MobileFaceNet{Blocks: []int{1, 1, 2, 1}, Scale: 1, Features: 8}.Build),
}

// Values that are computed once more are the same: losses, embeddings, gradients, running statistics and the states of
// draws have the same bits in every run, also where memory that was given back is overwritten.
func TestRecomputedIsKept(t *testing.T) {
	machine.PoisonFreed(t)
	for name, cfg := range recomputing {
		t.Run(name, func(t *testing.T) { requireSame(t, cfg, nil, nil) })
	}
}

// The same on a device, one by one in the first runs and recorded in the others.
func TestRecomputedOnDevice(t *testing.T) {
	machine.PoisonFreed(t)
	for name, cfg := range recomputing {
		if names := os.Getenv("MEDUSA_RECOMPUTE_NETS"); !slices.Contains(strings.Fields("cnn mlp resnet18 "+names), name) {
			continue // some take a minute on the device that tests have: MEDUSA_RECOMPUTE_NETS names others
		}
		t.Run(name, func(t *testing.T) {
			requireSame(t, cfg, sim(t, func(m string) { t.Error(m) }), sim(t, func(m string) { t.Error(m) }))
		})
	}
}

func requireSame(t *testing.T, cfg nets.Config, one, other *machine.Device) {
	kept, again := newLearning(t, cfg, one), newLearning(t, cfg.Recomputing(), other)
	require.Zero(t, kept.machine().Recomputed())
	require.NotZero(t, again.machine().Recomputed())
	require.Less(t, again.machine().Memory(), kept.machine().Memory())
	rng := rand.New(rand.NewPCG(4, 4))
	for step := range 4 {
		for i := range kept.x {
			kept.x[i] = float32(rng.NormFloat64())
		}
		copy(again.x, kept.x)
		for _, l := range []*learning{kept, again} {
			require.NoError(t, l.vm.RunAll())
		}
		for i, k := range kept.kept {
			want, got := k.Float32s(), again.kept[i].Float32s()
			require.NotContains(t, want, float32(0)/zero)
			require.True(t, slices.Equal(want, got), "step %d, value %d: %v and %v", step, i, want, got)
		}
		require.NoError(t, one.Read(graph.Tensors(kept.params)...))
		require.NoError(t, other.Read(graph.Tensors(again.params)...))
		for i, item := range kept.params.All() {
			require.True(t, slices.Equal(item.Value.Float32s(), again.params.All()[i].Value.Float32s()), "step %d: %s", step, item.Name)
		}
	}
}

var zero float32

// With segments, a further block takes no more memory than what ends it and the gradients to its weights; without,
// all that is between.
func TestRecomputedMemory(t *testing.T) {
	const more = 8
	vit := func(depth int) nets.Config {
		return nets.Config{Backbone: "vit"}.With(nets.ViT{Patch: 4, Width: 32, Depth: depth, Heads: 2}.Build)
	}
	perBlock := func(change func(nets.Config) nets.Config) (bytes, numbers int) {
		few, many := newLearning(t, change(vit(4)), nil), newLearning(t, change(vit(4+more)), nil)
		for _, l := range []*learning{few, many} {
			numbers = -numbers
			for _, item := range l.params.All() {
				numbers += item.Shape().TotalSize()
			}
		}
		return int(many.machine().Memory()-few.machine().Memory()) / more, numbers / more
	}
	end := 4 * learnBatch * (1 + 8*8) * 32 // bytes of (B, T, D)
	kept, weights := perBlock(func(c nets.Config) nets.Config { return c })
	again, _ := perBlock(nets.Config.Recomputing)
	require.LessOrEqual(t, again, end+4*weights)
	require.Greater(t, kept, 4*weights+15*end)
}

// What segments hold is computed twice but for what ends them, what changes a state, and what no gradient needs; the
// last block, which no segment ends with, is computed once.
func TestRecomputedSteps(t *testing.T) {
	cfg := nets.Config{Backbone: "resnet18", Channels: []int{3, 4, 5, 6}}
	count := func(l *learning, kernel string) (n int) {
		for _, s := range machine.StepsOf(l.vm) {
			if strings.HasPrefix(s, "spec."+kernel+"{") {
				n++
			}
		}
		return n
	}
	kept, again := newLearning(t, cfg, nil), newLearning(t, cfg.Recomputing(), nil)
	for kernel, want := range map[string][2]int{
		"Conv":         {20, 20 + 18},
		"BatchStats":   {20, 20},
		"BatchNormAdd": {8, 8}, // the ends of blocks
	} {
		require.Equal(t, want, [2]int{count(kept, kernel), count(again, kernel)}, kernel)
	}
}

// double is an op that counts how often it is run.
type double struct{ runs *int }

func (double) Shape(in [][]int) ([]int, error) { return in[0], nil }
func (d double) Float64(out []float64, in [][]float64) error {
	*d.runs++
	for i, v := range in[0] {
		out[i] = 2 * v
	}
	return nil
}
func (d double) Float32(out []float32, in [][]float32) error {
	*d.runs++
	for i, v := range in[0] {
		out[i] = 2 * v
	}
	return nil
}
func (double) String() string { return "double" }
func (double) Gradient(_ []graph.Expr, _, grad graph.Expr) []graph.Expr {
	return []graph.Expr{grad.Scale(2)}
}

// Segments of a formula of one's own. What the last of the formula reads of an earlier segment is kept, and so is what
// somebody asks for and what an op from outside makes, which is run once.
func TestSegmentsOfAFormula(t *testing.T) {
	runs := 0
	wave := func(x graph.Expr) graph.Expr { return x.Tanh().Sigmoid().Exp().Sigmoid().Exp().Tanh() }
	build := func(end func(graph.Expr) graph.Expr) (y []float32, x []float32, vm *machine.Machine) {
		g := gorgonia.NewGraph()
		in := input(g, "x", []float32{0.1, 0.2, 0.3, 0.4}, 1, 2, 2)
		first := graph.Of(in).Tanh()
		outside := graph.Apply(double{&runs}, first.Exp().Reshape(4)).Reshape(1, 2, 2)
		second := end(wave(outside).Mul(first)) // ends a segment
		third := wave(second)
		kept, err := third.Node()
		require.NoError(t, err)
		inner, err := graph.Keep(kept)
		require.NoError(t, err)
		fourth := end(wave(third.Mul(first.Sigmoid()))) // which reads the first segment
		cost, err := fourth.Square().Sum().Node()
		require.NoError(t, err)
		grads, err := gorgonia.Grad(cost, in)
		require.NoError(t, err)
		dx, err := graph.Keep(grads[0])
		require.NoError(t, err)
		m, err := machine.New(g)
		require.NoError(t, err)
		require.NoError(t, m.RunAll())
		return inner.Float32s(), dx.Float32s(), m.(*machine.Machine)
	}
	wantInner, want, plain := build(func(e graph.Expr) graph.Expr { return e })
	runs = 0
	inner, got, vm := build(graph.EndSegment)
	require.Equal(t, wantInner, inner)
	require.Equal(t, want, got)
	require.Zero(t, plain.Recomputed())
	require.NotZero(t, vm.Recomputed())
	require.Equal(t, 1, runs)
	for _, n := range vm.Nodes() {
		require.NotNil(t, n.Graph(), "a node of the machine's alone")
	}
}

// What ends a segment is a value of its own, even where ops would be fused or strung together over it.
func TestSegmentsEndWhereTheySay(t *testing.T) {
	g := gorgonia.NewGraph()
	x := graph.Of(input(g, "x", random(2*3*8*8), 2, 3, 8, 8))
	w := graph.Of(input(g, "w", random(4*3*3*3), 4, 3, 3, 3))
	y := graph.EndSegment(graph.Conv2D(x, w, graph.Expr{}, graph.Conv{})).Relu().Square().Sum()
	n, err := y.Node()
	require.NoError(t, err)
	require.Equal(t, 1, graph.Segments(g))
	_, err = graph.Keep(n)
	require.NoError(t, err)
	vm, err := machine.New(g)
	require.NoError(t, err)
	defer vm.Close()
	require.Contains(t, strings.Join(machine.StepsOf(vm), "\n"), "Relu:false")
}

// In float64, too.
func TestRecomputedFloat64(t *testing.T) {
	run := func(cfg nets.Config) (out []float64) {
		g, p := gorgonia.NewGraph(), graph.NewParams(5)
		x := gorgonia.NewTensor(g, tensor.Float64, 4, gorgonia.WithShape(2, 3, 16, 16), gorgonia.WithName("pictures"), gorgonia.WithInit(gorgonia.Gaussian(0, 1)))
		for i, data := 0, x.Value().Data().([]float64); i < len(data); i++ {
			data[i] = float64(i%17)/8 - 1
		}
		net, err := nets.Build(cfg, p, x, nets.Train)
		require.NoError(t, err)
		cost, err := graph.Of(net.Embedding).Slice(1, 0, 3).Sum().Node()
		require.NoError(t, err)
		_, wrt := p.Learned(g)
		grads, err := gorgonia.Grad(cost, wrt...)
		require.NoError(t, err)
		var kept []*graph.Kept
		for _, n := range grads {
			k, err := graph.Keep(n)
			require.NoError(t, err)
			kept = append(kept, k)
		}
		vm, err := machine.New(g)
		require.NoError(t, err)
		defer vm.Close()
		require.NoError(t, vm.RunAll())
		for _, k := range kept {
			out = append(out, k.Float64s()...)
		}
		return out
	}
	require.Equal(t, run(tinyViT(3)), run(tinyViT(3).Recomputing()))
}

// A graph whose values no memory holds is refused before any is taken, and with segments if they do not help enough.
func TestValuesThatNoMemoryHolds(t *testing.T) {
	for _, end := range []func(graph.Expr) graph.Expr{func(x graph.Expr) graph.Expr { return x }, graph.EndSegment} {
		g := gorgonia.NewGraph()
		in := gorgonia.NewTensor(g, tensor.Float32, 3, gorgonia.WithShape(1, 1<<14, 1<<20), gorgonia.WithName("x"))
		x := graph.Of(in)
		for range 100 { // 64 GiB each
			x = end(x.Tanh())
		}
		cost, err := x.Sum().Node()
		require.NoError(t, err)
		_, err = gorgonia.Grad(cost, in)
		require.NoError(t, err)
		_, err = machine.New(g)
		var missing *machine.MemoryError
		require.ErrorAs(t, err, &missing)
		require.Regexp(t, `^machine: a run needs .* of memory, and .* are free; make the batch, the pictures or the channels smaller, or end segments \(graph.EndSegment\)$`, err.Error())
	}
}
