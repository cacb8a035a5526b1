package trainer

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/internal/device/gpu/gputest"
	"medusa/losses"
	"medusa/nets"
	"medusa/optim"
	"medusa/pairs"
	"medusa/samplers"
)

// crossBatch is a loss with every kind of state: it pulls the batch towards its own class and
// pushes it away from others in a queue of the last embeddings, of which it leaves out some at
// random, by a margin that it learns; the queue counts the more the longer it trains.
//
// X. Wang et al., "Cross-Batch Memory for Embedding Learning", CVPR 2020, has the queue.
type crossBatch struct {
	params *graph.Params
	slots  int
}

func init() { losses.Register("test-memory", "of trainer's tests", &crossBatch{}) }

// Set makes the loss's parameters.
func (l *crossBatch) Set(s losses.Setting) error {
	l.params, l.slots = graph.NewParams(s.Seed), 20
	return nil
}

func (l *crossBatch) Params() *graph.Params { return l.params }

func (l *crossBatch) Loss(b pairs.Batch) graph.Expr {
	sum, _, _ := l.terms(b)
	return sum
}

// Terms tell the share of the negatives within the margin.
func (l *crossBatch) Terms(b pairs.Batch) pairs.Terms {
	sum, near, others := l.terms(b)
	return pairs.Terms{b.Rows("loss", sum.Reshape(1, 1)).WithActivity(func() (active, all graph.Expr) {
		return others.Mul(near.Above(0)), others
	})}
}

func (l *crossBatch) terms(batch pairs.Batch) (sum, near, others graph.Expr) {
	x, y := batch.X, batch.Labels
	g, dt, b, e := x.Graph(), x.Dtype(), x.Shape()[0], x.Shape()[1]
	zero := graph.Fill(0)
	bank := l.params.Queue(g, "bank", dt, zero, l.slots, e).Push(x)
	classes := l.params.Queue(g, "classes", dt, zero, l.slots).Push(y)
	filled := l.params.Queue(g, "filled", dt, zero, l.slots).Push(y.Constant(1, b))
	margin := l.params.Weight(g, "margin", dt, graph.Fill(1), 1)
	if p := l.params.Lookup("margin"); p != nil {
		p.LRScale = 0.5
	}
	steps := l.params.Counter(g, "steps", dt)

	d := graph.DistancesBetween(x, bank) // (B, M)
	same := graph.SameLabel(y, classes)
	valid := filled.Reshape(1, l.slots).Mul(l.params.Random(g, "choice", dt).Mask(0.8, b, l.slots))
	pull := graph.MeanOver(same.Mul(valid), d.Square())
	near = margin.Reshape(1, 1).Sub(d).Relu()
	others = same.Not().Mul(valid)
	push := graph.MeanOver(others, near.Square())

	pos, neg := graph.PairMasks(y)
	own := graph.Distances(x)
	within := graph.MeanOver(pos, own.Square()).Add(graph.MeanOver(neg, own.Scale(-1).Plus(1).Relu().Square()))
	ramp := steps.Div(steps.Plus(4))
	return within.Add(pull.Add(push).Mul(ramp)).Add(margin.Square().Sum().Scale(0.01)), near, others
}

func memoryRun(t *testing.T, loss, device string) Config {
	return Config{
		Data:    DataConfig{Path: filepath.Join(earlier, "pictures"), Val: "0.34", Workers: 1},
		Net:     nets.Config{Channels: []int{3}, Embedding: 4},
		Sampler: samplers.Config{P: 3, K: 2}, Solver: optim.Config{Name: "adam", LR: 0.01},
		Loss: loss, Steps: 14, EvalEvery: 7, CheckpointEvery: 5, LogEvery: 1, Seed: 5, EvalBatch: 16, Device: device,
	}
}

// ended is the state at the end of a run.
func ended(t *testing.T, tr *Trainer) map[string][]float32 {
	t.Helper()
	finishes(t, tr)
	c, err := readCheckpoint(tr.dir.Path(LastFile))
	require.NoError(t, err)
	out := map[string][]float32{}
	for _, x := range c.tensors {
		out[x.Name] = x.F32
	}
	return out
}

// breakOff begins a run, and interrupts it at a step.
func breakOff(t *testing.T, cfg Config, o Options, step int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o.Hooks = []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == step {
			cancel()
		}
		return nil
	}}}
	tr := start(t, cfg, o)
	r, err := tr.Run(ctx)
	require.NoError(t, err)
	require.Equal(t, StopInterrupted, r.Stop)
	require.NoError(t, tr.Close())
}

// A loss's memories, counters and random choices are part of the checkpoint: a run broken off
// becomes what the unbroken one does, to the bit, whatever is logged on the way.
func TestLossStateIsResumed(t *testing.T) {
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			if device == "cuda" {
				gputest.Prepare(t)
			}
			cfg := memoryRun(t, "test-memory", device)
			if device == "cuda" { // the fake device is a thousand times as slow
				cfg.Steps, cfg.EvalEvery = 7, -1
			}
			o := Options{NoReport: true, NoEmbeddings: true}
			want := ended(t, start(t, cfg, o))
			require.Contains(t, want, "solver/loss.margin/first")
			require.EqualValues(t, cfg.Steps, want["loss.steps"][2])
			require.EqualValues(t, cfg.Steps, want["loss.choice"][2])
			require.EqualValues(t, cfg.Steps*6%20, want["loss.bank.position"][0])
			require.NotContains(t, want["loss.filled"], float32(0))

			o.Dir = filepath.Join(t.TempDir(), "broken")
			breakOff(t, cfg, o, 4)
			tr, err := Resume(load(t, cfg), o)
			require.NoError(t, err)
			require.Equal(t, want, ended(t, tr))

			seldom := cfg
			seldom.LogEvery = 7
			require.Equal(t, want, ended(t, start(t, seldom, Options{NoReport: true, NoEmbeddings: true})), "logging changes nothing")
		})
	}
}

// Parts of a joint loss have states of their own.
func TestLossStateOfParts(t *testing.T) {
	cfg := memoryRun(t, "test-memory + test-memory:weight=0.5 + triplet", "cpu")
	cfg.Steps = 3
	end := ended(t, start(t, cfg, Options{NoReport: true, NoEmbeddings: true}))
	for _, name := range []string{"loss.0.bank", "loss.1.bank", "loss.0.margin", "solver/loss.1.margin/second"} {
		require.Contains(t, end, name)
	}
	require.EqualValues(t, 3, end["loss.1.steps"][2])
}

func memoryStepper(t *testing.T, device string) *Stepper {
	t.Helper()
	s, err := NewStepper(StepperConfig{
		Net: nets.Config{Channels: []int{3}, Embedding: 4, Height: side, Width: side}, Loss: "test-memory", Batch: 8, Classes: 4, Seed: 2, Device: device,
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func fillBatch(s *Stepper, step int) {
	for k := range s.Pictures() {
		s.Pictures()[k] = float32(math.Sin(float64(k*(step+1)) * 0.7))
	}
	for k := range s.Labels() {
		s.Labels()[k] = float32((k + step) / 2 % 4)
	}
}

// copied is a copy of all parameters.
func (s *Stepper) copied(t *testing.T) map[string][]float32 {
	t.Helper()
	p, err := s.Params()
	require.NoError(t, err)
	out := map[string][]float32{}
	for _, x := range p.Tensors() {
		out[x.Name] = append([]float32(nil), x.F32...)
	}
	return out
}

// A step that is not made leaves memories, counters and random choices as they were, and the
// next one is what it would have been; the device's state is the CPU's.
func TestLossStateOfAFailedStep(t *testing.T) {
	gputest.Prepare(t)
	var steppers []*Stepper
	for _, device := range []string{"cpu", "cuda"} {
		s, undisturbed := memoryStepper(t, device), memoryStepper(t, device)
		for step := range 5 {
			fillBatch(s, step)
			fillBatch(undisturbed, step)
			if step == 3 {
				before := s.copied(t)
				s.Pictures()[0] = float32(math.NaN())
				_, err := s.Step()
				require.ErrorContains(t, err, "the step was not made")
				require.Equal(t, before, s.copied(t))
				fillBatch(s, step)
			}
			got, err := s.Step()
			require.NoError(t, err)
			want, err := undisturbed.Step()
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		require.Equal(t, undisturbed.copied(t), s.copied(t))
		steppers = append(steppers, s)
	}
	host, remote := steppers[0].copied(t), steppers[1].copied(t)
	for name, want := range host {
		if strings.Contains(name, "classes") || strings.Contains(name, "steps") || strings.Contains(name, "filled") || strings.Contains(name, "choice") {
			require.Equal(t, want, remote[name], name)
			continue
		}
		require.InDeltaSlice(t, want, remote[name], 2e-3, name)
	}
}
