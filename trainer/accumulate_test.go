package trainer

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/internal/device/gpu/gputest"
	"medusa/nets"
	"medusa/optim"
)

// partsOf is a stepper of one batch in so many parts.
func partsOf(t *testing.T, c StepperConfig, parts int) *Stepper {
	t.Helper()
	c.Accumulate = parts
	s, err := NewStepper(c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// Loss, embeddings and gradients of a batch in parts are those of the batch at once, whatever the
// loss reads of the network, and so are the weights after some steps.
func TestPartsAreTheWhole(t *testing.T) {
	gputest.Prepare(t)
	cnn := nets.Config{Channels: []int{4, 8}, Embedding: 8, Height: side, Width: side, Norm: "none"}
	for name, c := range map[string]StepperConfig{
		"triplets":       {Net: nets.Config{Backbone: "mlp", Hidden: []int{16}, Embedding: 8, Height: side, Width: side}, Loss: "triplet(miner=none)"},
		"contrastive":    {Net: cnn, Loss: "contrastive"},
		"on raw":         {Net: cnn, Loss: "0.5*ce(on=raw, classifier=linear) + triplet(miner=none) + 0.1*norm"},
		"on trunk alone": {Net: cnn, Loss: "ce(on=trunk)", LRScales: map[string]float64{"embedding.": 0}},
		"memory":         {Net: cnn, Loss: "cross-batch-memory(of=contrastive, size=20)"},
		"on a device":    {Net: cnn, Loss: "contrastive + ce(on=trunk)", Device: "cuda"},
	} {
		t.Run(name, func(t *testing.T) {
			c.Batch, c.Classes, c.Seed, c.Solver = 12, 4, 3, optim.Config{Name: "sgd", LR: 0.05}
			steps := 4
			whole := partsOf(t, c, 0)
			for _, parts := range []int{2, 4, 12} {
				if c.Device != "" && parts != 4 {
					continue
				}
				s := partsOf(t, c, parts)
				if parts > 2 {
					whole = partsOf(t, c, 1)
				}
				for step := range steps {
					fillBatch(whole, step)
					fillBatch(s, step)
					want, err := whole.Step()
					require.NoError(t, err)
					got, err := s.Step()
					require.NoError(t, err)
					require.InDelta(t, want, got, 1e-5*max(1, math.Abs(want)), "loss of step %d in %d parts", step, parts)
					near(t, whole.train.embed.Float32s(), s.train.embed.Float32s(), 1e-5, "embeddings of step %d in %d parts", step, parts)
					require.Len(t, s.solver.Tensors(), len(whole.solver.Tensors()))
					for i, slot := range whole.solver.Tensors() {
						require.Equal(t, slot.Name, s.solver.Tensors()[i].Name)
						near(t, slot.Grad.Float32s(), s.solver.Tensors()[i].Grad.Float32s(), 1e-4, "step %d: gradient to %s in %d parts", step, slot.Name, parts)
					}
				}
				want, got := whole.copied(t), s.copied(t)
				for name, w := range want {
					near(t, w, got[name], 1e-4, name)
				}
			}
		})
	}
}

// A step in parts holds nothing of the network that is as large as the batch.
func TestPartsTakeTheMemoryOfOne(t *testing.T) {
	const batch, parts = 24, 6
	s := partsOf(t, StepperConfig{Net: nets.Config{Channels: []int{4, 8}, Embedding: 8, Height: side, Width: side}, Loss: "triplet", Batch: batch, Classes: 4}, parts)
	for _, vm := range []gorgonia.VM{s.train.chunks.forward.vm, s.train.chunks.backward.vm} {
		nodes := vm.(interface{ Nodes() gorgonia.Nodes }).Nodes()
		require.NotEmpty(t, nodes)
		largest := 0
		for _, n := range nodes {
			if shape := n.Shape(); shape.Dims() > 0 {
				require.NotEqual(t, batch, shape[0], "%v", n)
			}
			largest = max(largest, n.Shape().TotalSize())
		}
		require.LessOrEqual(t, largest, max(batch/parts*4*side*side, 4*8*9))
	}
}

// With dropout and batch normalisation both passes see the same network: the gradient is that of the
// loss as it was computed, by differences of it along the gradient; and statistics move as in one pass.
func TestPartsDrawTheSameTwice(t *testing.T) {
	for name, c := range map[string]nets.Config{
		"dropout":             {Channels: []int{4, 8}, Embedding: 8, Height: side, Width: side, Norm: "none", Dropout: 0.4},
		"batch normalisation": {Channels: []int{4, 8}, Embedding: 8, Height: side, Width: side},
	} {
		t.Run(name, func(t *testing.T) {
			s := partsOf(t, StepperConfig{Net: c, Loss: "multi-similarity", Batch: 12, Classes: 4, Seed: 2}, 3)
			fillBatch(s, 1)
			p, err := s.Params()
			require.NoError(t, err)
			start := map[string][]float32{}
			for _, item := range p.All() {
				start[item.Name] = append([]float32(nil), item.Value.Float32s()...)
			}
			at := func(h float64, direction map[string][]float32) float64 {
				for _, item := range p.All() {
					x := item.Value.Float32s()
					copy(x, start[item.Name])
					for i, d := range direction[item.Name] {
						x[i] += float32(h * float64(d))
					}
				}
				require.NoError(t, s.train.run())
				return s.train.loss.Scalar()
			}
			value := at(0, nil)
			grads, squared := map[string][]float32{}, 0.0
			for _, slot := range s.solver.Tensors() {
				grads[slot.Name] = append([]float32(nil), slot.Grad.Float32s()...)
				for _, g := range grads[slot.Name] {
					squared += float64(g) * float64(g)
				}
			}
			after := map[string][]float32{}
			for _, item := range p.All() {
				after[item.Name] = append([]float32(nil), item.Value.Float32s()...)
			}
			h := 2e-3 / math.Sqrt(squared)
			slope := (at(h, grads) - at(-h, grads)) / (2 * h)
			require.InEpsilon(t, squared, slope, 2e-2)
			require.Equal(t, value, at(0, nil), "the same state draws the same")

			// One pass of the same parts, one after the other, moves statistics and draws likewise.
			for _, item := range p.All() {
				copy(item.Value.Float32s(), start[item.Name])
			}
			for part := range 3 {
				require.NoError(t, s.train.chunks.forward.run(s.train.x, part))
			}
			for _, item := range p.All() {
				require.Equal(t, after[item.Name], item.Value.Float32s(), item.Name)
			}
		})
	}
}

// Losses around losses are on a device what they are on the CPU, in one piece and in parts.
func TestLossesAroundLossesOnDevice(t *testing.T) {
	gputest.Prepare(t)
	for name, loss := range map[string]string{
		"memory":    "cross-batch-memory(of=contrastive, size=10, warmup=1)",
		"added":     "cross-batch-memory(of=triplet(miner=none), size=20, form=added)",
		"levels":    "hierarchical(of=matryoshka(of=contrastive, sizes=[4, 8]), levels=[[0, 0, 1, 1]])",
		"graded":    "graded(of=contrastive, vectors=[[1, 0], [1, 1], [0, 1], [2, 1]])",
		"scheduled": "contrastive + scheduled(of=ce(regularizer=0.1*regular-face + 0.1*norm), steps=3, shape=cosine) + 0.1*zero-mean + 0.1*center-invariant",
		"views":     "self-supervised(of=multi-similarity, symmetric=false)",
	} {
		t.Run(name, func(t *testing.T) {
			c := StepperConfig{Net: nets.Config{Channels: []int{3}, Embedding: 8, Height: side, Width: side, Norm: "none"}, Loss: loss, Batch: 8, Classes: 4,
				Seed: 4, Solver: optim.Config{Name: "sgd", LR: 0.01}}
			onCPU := partsOf(t, c, 1)
			c.Device = "cuda"
			for step, s := range []*Stepper{partsOf(t, c, 1), partsOf(t, c, 2)} {
				if step > 0 {
					c.Device = ""
					onCPU = partsOf(t, c, 1)
				}
				for step := range 3 {
					fillBatch(onCPU, step)
					fillBatch(s, step)
					want, err := onCPU.Step()
					require.NoError(t, err)
					got, err := s.Step()
					require.NoError(t, err)
					require.InDelta(t, want, got, 1e-4*max(1, math.Abs(want)), "loss of step %d", step)
				}
				want, got := onCPU.copied(t), s.copied(t)
				for name, w := range want {
					near(t, w, got[name], 1e-3, name)
				}
			}
		})
	}
}

// A run in parts that is broken off and resumed is the unbroken one, to the bit.
func TestPartsAreResumed(t *testing.T) {
	cfg := memoryRun(t, "cross-batch-memory(of=contrastive, size=20) + 0.1*scheduled(of=ce, from=0.1, steps=10)", "cpu")
	cfg.Accumulate, cfg.Net.Dropout = 3, 0.2
	o := Options{NoReport: true, NoEmbeddings: true}
	want := ended(t, start(t, cfg, o))
	require.Contains(t, want, "loss.0.memory.embeddings")
	require.Contains(t, want, "solver/loss.1.of.classifier.weight/first")
	o.Dir = filepath.Join(t.TempDir(), "broken")
	breakOff(t, cfg, o, 4)
	stored, err := Stored(o.Dir)
	require.NoError(t, err)
	require.Equal(t, 3, stored.Accumulate)
	tr, err := Resume(load(t, cfg), o)
	require.NoError(t, err)
	require.Equal(t, want, ended(t, tr))
}

// Weights of a part that does not count yet are not said to be cut off.
func TestScheduledPartIsNotCutOff(t *testing.T) {
	cfg := memoryRun(t, "triplet + scheduled(of=ce, start=2, steps=4)", "cpu")
	cfg.Steps = 4
	tr := start(t, cfg, Options{NoReport: true, NoEmbeddings: true})
	before := append([]float32(nil), tr.params.Lookup("loss.of.classifier.weight").Value.Float32s()...)
	r, err := tr.Run(context.Background())
	require.NoError(t, err)
	for _, w := range r.Warnings {
		require.NotEqual(t, KindUnused, w.Kind, w.Message)
	}
	require.NotEqual(t, before, tr.params.Lookup("loss.of.classifier.weight").Value.Float32s())
}

func TestPartsRefused(t *testing.T) {
	cfg := memoryRun(t, "triplet", "cpu")
	cfg.Accumulate = 4
	_, err := New(cfg, load(t, cfg), Options{Dir: filepath.Join(t.TempDir(), "run")})
	require.ErrorContains(t, err, "trainer: Accumulate is 4, but a batch has 6 pictures, which are not so many parts of one size: want a divisor of 6")
	cfg.Accumulate = -1
	require.ErrorContains(t, cfg.Validate(), "Accumulate is -1, want a number of parts")
	_, err = NewStepper(StepperConfig{Net: nets.Config{Channels: []int{3}, Embedding: 4, Height: side, Width: side}, Batch: 4, Classes: 2, Accumulate: 3})
	require.ErrorContains(t, err, "Accumulate is 3")

	// What the loss does not read, or what leaves nothing to learn, is told as of the whole batch.
	net := nets.Config{Channels: []int{3}, Embedding: 4, Height: side, Width: side}
	_, err = NewStepper(StepperConfig{Net: net, Loss: "ce(on=trunk)", Batch: 4, Classes: 2, Accumulate: 2})
	require.ErrorContains(t, err, "the loss does not depend on embedding.fc.weight")
	_, err = NewStepper(StepperConfig{Net: net, Loss: "triplet", Batch: 4, Classes: 2, Accumulate: 2, LRScales: map[string]float64{"": 0}})
	require.ErrorContains(t, err, "nothing to learn")
}

// A step in parts that is not finite is not made.
func TestPartsThatAreNotFinite(t *testing.T) {
	s := partsOf(t, StepperConfig{Net: nets.Config{Channels: []int{3}, Embedding: 4, Height: side, Width: side}, Loss: "cross-batch-memory(of=contrastive, size=9)", Batch: 8, Classes: 4}, 2)
	fillBatch(s, 0)
	_, err := s.Step()
	require.NoError(t, err)
	before := s.copied(t)
	s.Pictures()[0] = float32(math.NaN())
	_, err = s.Step()
	require.ErrorContains(t, err, "the step was not made")
	require.Equal(t, before, s.copied(t))
}
