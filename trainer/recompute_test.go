package trainer

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/gpu/gputest"
	"medusa/machine"
	"medusa/nets"
)

// The steps of a run that recomputes are those of one that does not, bit for bit: losses, weights, running statistics
// and the states of draws, also in parts and on a device.
func TestRecomputedSteps(t *testing.T) {
	gputest.Prepare(t)
	cnn := nets.Config{Channels: []int{8, 8, 8, 8}, Pooling: "none", Activation: "silu", Embedding: 8, Height: side, Width: side, Dropout: 0.2}
	for name, c := range map[string]StepperConfig{
		"cnn":         {Net: cnn},
		"averages":    {Net: cnn, Clip: 0.1},
		"in parts":    {Net: cnn, Accumulate: 2},
		"on a device": {Net: cnn, Device: "cuda"},
		"on trunk":    {Net: cnn, Loss: "ce(on=trunk)+triplet"},
		"frozen":      {Net: cnn, LRScales: map[string]float64{"backbone.conv1.": 0, "backbone.bn1.": 0}},
		"resnet18":    {Net: nets.Config{Backbone: "resnet18", Channels: []int{2, 3, 3, 4}, Embedding: 4, Height: side, Width: side}},
	} {
		t.Run(name, func(t *testing.T) {
			c.Batch, c.Classes, c.Seed = 8, 4, 3
			kept := partsOf(t, c, c.Accumulate)
			c.Recompute = true
			again := partsOf(t, c, c.Accumulate)
			for step := range 4 {
				fillBatch(kept, step)
				fillBatch(again, step)
				want, err := kept.Step()
				require.NoError(t, err)
				got, err := again.Step()
				require.NoError(t, err)
				require.Equal(t, want, got, "loss of step %d", step)
			}
			require.Equal(t, kept.copied(t), again.copied(t))
			require.Less(t, backward(again).Memory(), backward(kept).Memory())
			require.True(t, again.train.recomputes())
			require.False(t, kept.train.recomputes())
		})
	}
}

// backward is the machine that makes gradients.
func backward(s *Stepper) *machine.Machine {
	if c := s.train.chunks; c != nil {
		return c.backward.vm.(*machine.Machine)
	}
	return s.train.vm.(*machine.Machine)
}

// A run that is resumed may begin to recompute: it ends as the unbroken one that does not.
func TestResumedRunMayRecompute(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Net = nets.Config{Channels: []int{4, 4, 4, 4}, Pooling: "none", Embedding: 4, Dropout: 0.2}
	whole := ended(t, start(t, cfg, Options{Dir: t.TempDir()}))
	dir := t.TempDir()
	breakOff(t, cfg, Options{Dir: dir}, 3)
	stored, err := Stored(dir)
	require.NoError(t, err)
	require.Empty(t, Differences(stored, func() Config { cfg.Recompute = true; return cfg }()))
	tr, err := Resume(load(t, cfg), Options{Dir: dir, Recompute: true})
	require.NoError(t, err)
	require.True(t, tr.train.recomputes())
	require.Equal(t, whole, ended(t, tr))
}

// A run whose network gains nothing by it is told, and keeps what it computes.
func TestRecomputingThatSavesNothing(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Net, cfg.Recompute = nets.Config{Backbone: "mlp", Hidden: []int{8, 4}, Embedding: 4}, true
	var told []string
	tr := start(t, cfg, Options{Notice: func(m string) { told = append(told, m) }})
	require.False(t, tr.train.recomputes())
	require.Contains(t, told, "nothing is computed once more to save memory, since with this network and this batch that saves none")
}

// withoutBlocks is a backbone that ends no segments.
func withoutBlocks(cfg nets.Config, p *graph.Params, x graph.Expr, mode nets.Mode) (graph.Expr, error) {
	return nets.NewLayers(cfg, p, mode).Linear("fc", x.Flatten(), 4).Tanh(), nil
}

// A backbone of somebody's own that ends no segments has nothing that could be recomputed, and both are told.
func TestNothingToRecompute(t *testing.T) {
	_, err := NewStepper(StepperConfig{Net: nets.Config{Embedding: 4, Height: side, Width: side}, Backbone: withoutBlocks, Batch: 4, Recompute: true})
	require.ErrorContains(t, err, "Recompute is set, but backbone")
	require.ErrorContains(t, err, "ends no segments: leave it out, or have the backbone call Layers.EndSegment")
	cfg := small(pictures(t))
	cfg.Recompute = true
	_, err = New(cfg, load(t, cfg), Options{Dir: t.TempDir(), Backbone: withoutBlocks})
	require.ErrorContains(t, err, "ends no segments")
}

// The estimate knows what is kept: of convolutions within segments those of one at a time.
func TestEstimateOfRecomputing(t *testing.T) {
	net := nets.Config{Channels: []int{4, 8, 2}, Pooling: "none", Height: side, Width: side}
	plane := float64(side * side)
	for _, c := range []struct {
		of   nets.Config
		want float64
	}{
		{net, (4 + 8 + 2) * plane},
		{net.Recomputing(), (4 + 8 + 2) * plane}, // both ends, and the convolution of the last block
		{nets.Config{Channels: []int{2, 8, 4}, Height: side, Width: side}.Recomputing(), (2.0/4 + 8.0/4) * plane}, // an end and a convolution, which are pooled
	} {
		o, err := nets.Summary(c.of)
		require.NoError(t, err)
		require.Equal(t, c.want, outputsAtOnce(o))
	}
	for backbone, share := range map[string]float64{"resnet50": 0.6, "efficientnet-b0": 0.4} {
		net := nets.Config{Backbone: backbone, InChannels: 3, Height: 224, Width: 224}
		kept, err := nets.Summary(net)
		require.NoError(t, err)
		again, err := nets.Summary(net.Recomputing())
		require.NoError(t, err)
		require.Less(t, outputsAtOnce(again), share*outputsAtOnce(kept), backbone)
	}
}

// A step for whose values there is not the memory is refused with all that would make it smaller.
func TestStepThatNoMemoryHolds(t *testing.T) {
	g := gorgonia.NewGraph()
	x := graph.Of(gorgonia.NewTensor(g, tensor.Float32, 3, gorgonia.WithShape(1, 1<<14, 1<<20), gorgonia.WithName("x")))
	sum := x
	for k := range 100 { // 64 GiB each, all of which are added up at the end
		x = x.Scale(float64(k)).Sigmoid()
		sum = x.Add(sum)
	}
	_, err := sum.Mul(x).Sum().Node()
	require.NoError(t, err)
	_, err = runOn(g, nets.Config{InChannels: 3, Height: 32, Width: 24}, 100, nil, graph.NewParams(1))
	require.Regexp(t, `^trainer: a step with 100 pictures of 3×32×24 \(channels, height, width\) needs .* of memory, and .* are free; `+
		`take smaller batches \(Sampler.P, Sampler.K and Sampler.Batch\), smaller pictures \(Data.Height and Data.Width\), `+
		`compute batches in parts \(Accumulate\), or compute again for gradients what is not kept then \(Recompute\)$`, err.Error())
}
