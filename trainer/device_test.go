package trainer

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/internal/cuda"
	"medusa/internal/gpu/gputest"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// Every solver makes on a device the steps that it makes on the CPU, with clipping, weight
// decay, batch norm and a loss with weights of its own, recorded from the third step on.
func TestStepsOnDevice(t *testing.T) {
	gputest.Prepare(t)
	for _, c := range []optim.Config{
		{}, {Name: "adamw", WeightDecay: 0.1}, {Name: "sgd", LR: 0.05}, {Name: "sgd", LR: 0.05, Momentum: 0.9, Nesterov: true, WeightDecay: 0.01},
		{Name: "rmsprop"}, {Name: "rmsprop", Momentum: 0.5},
	} {
		t.Run(c.Name, func(t *testing.T) {
			const n = 8
			var steppers [2]*Stepper
			for i, device := range []string{"cpu", "cuda"} {
				s, err := NewStepper(StepperConfig{
					Net:  nets.Config{Channels: []int{3, 5}, Embedding: 4, Height: side, Width: side},
					Loss: "ce:scale=8+triplet", Solver: c, Batch: n, Classes: 4, Clip: 0.5, Device: device,
				})
				require.NoError(t, err)
				defer func() { require.NoError(t, s.Close()) }()
				steppers[i] = s
			}
			for step := range 6 {
				var loss [2]float64
				for i, s := range steppers {
					for k := range s.Pictures() {
						s.Pictures()[k] = float32(math.Sin(float64(k*(step+1)) * 0.7))
					}
					for k := range s.Labels() {
						s.Labels()[k] = float32(k / 2)
					}
					var err error
					loss[i], err = s.Step()
					require.NoError(t, err)
				}
				require.InEpsilon(t, loss[0], loss[1], 1e-4, "step %d", step)
				want, got := steppers[0].train.embed.Float32s(), steppers[1].train.embed.Float32s()
				for k, v := range want {
					require.InDelta(t, v, got[k], 1e-3, "embedding, step %d", step)
				}
			}
			onDevice := steppers[1]
			require.NoError(t, onDevice.device.Read(learnedIn(onDevice.solver.Tensors())...))
			for i, s := range steppers[0].solver.Tensors() {
				for k, v := range s.Weights {
					require.InDelta(t, v, onDevice.solver.Tensors()[i].Weights[k], 1e-3, s.Name)
				}
			}
		})
	}
}

// Whole networks stay together with the CPU for fifty steps: each step begins from one state,
// so that differences of rounding do not grow.
func TestNetworksOnDevice(t *testing.T) {
	gputest.Prepare(t)
	for name, c := range map[string]StepperConfig{
		"mlp":     {Net: nets.Config{Backbone: "mlp", Hidden: []int{32, 16}, Embedding: 8, Height: side, Width: side}, Loss: "triplet"},
		"cnn":     {Net: nets.Config{Channels: []int{4, 8}, Embedding: 8, Height: side, Width: side, Norm: "none"}, Loss: "contrastive"},
		"cnn-bn":  {Net: nets.Config{Channels: []int{4, 8}, Embedding: 8, Height: side, Width: side}, Loss: "lifted"},
		"dropout": {Net: nets.Config{Channels: []int{4, 8}, Embedding: 8, Height: side, Width: side, Dropout: 0.3}, Loss: "multi-similarity"},
		"miners": {Net: nets.Config{Backbone: "mlp", Hidden: []int{32, 16}, Embedding: 8, Height: side, Width: side},
			Loss: "triplet(miner=distance-weighted) + contrastive(miner=uniform-histogram(bins=4)) + triplet(miner=angular, swap=true) + contrastive(miner=hdc)"},
		"resnet18": {Net: nets.Config{Backbone: "resnet18", Embedding: 8, InChannels: 3, Height: 32, Width: 32}, Loss: "triplet:mining=all"},
	} {
		t.Run(name, func(t *testing.T) {
			steps := 50
			switch {
			case testing.Short():
				steps = 3
			case os.Getenv(gputest.OnGPU) == "" && !long(t): // the fake device's time goes with the steps
				steps = 12
			}
			c.Batch, c.Classes = 8, 4
			share := 2e-3
			if name == "miners" { // in which the fake device goes through pairs one by one
				steps = min(steps, 8)
			}
			if name == "resnet18" {
				// Of its first gradient, 20 layers of ReLU back, the CPU's own kernels for AVX-512 and
				// portable ones are 5e-3 apart, of which the losses agree to 1e-7.
				share = 2e-2
				c.Batch, c.Classes = 16, 8
				if os.Getenv(gputest.OnGPU) == "" { // the fake device is a thousand times as slow
					c.Net.Channels, steps = []int{2, 4, 4, 4}, min(steps, 5)
				}
			}
			onCPU, err := NewStepper(c)
			require.NoError(t, err)
			defer onCPU.Close()
			c.Device = "cuda"
			onDevice, err := NewStepper(c)
			require.NoError(t, err)
			defer func() { require.NoError(t, onDevice.Close()) }()
			for step := range steps {
				for k := range onCPU.Pictures() {
					onCPU.Pictures()[k] = float32(math.Sin(float64(k*(step+1)) * 0.7))
				}
				for k := range onCPU.Labels() {
					onCPU.Labels()[k] = float32(k / 2)
				}
				copy(onDevice.Pictures(), onCPU.Pictures())
				copy(onDevice.Labels(), onCPU.Labels())
				want, err := onCPU.Step()
				require.NoError(t, err)
				got, err := onDevice.Step()
				require.NoError(t, err)
				require.InDelta(t, want, got, 1e-4*max(1, math.Abs(want)), "loss of step %d", step)
				for i, s := range onCPU.solver.Tensors() {
					near(t, s.Grad.Float32s(), onDevice.solver.Tensors()[i].Grad.Float32s(), share, "step %d: gradient to %s", step, s.Name)
				}
				theirs, mine := onDevice.tensors(), onCPU.tensors()
				for i := range mine {
					copy(theirs[i], mine[i])
				}
				onDevice.device.Wrote(theirs...)
			}
		})
	}
}

// tensors is everything that a step changes.
func (s *Stepper) tensors() [][]float32 {
	return append(graph.Tensors(s.params), moments(s.solver)...)
}

func moments(s *optim.Solver) (out [][]float32) {
	for _, m := range s.State() {
		out = append(out, m.F32)
	}
	return out
}

// near compares the difference with the length of what is wanted. A hinge or a maximum may fall
// on the other side by rounding, so single numbers are not held to it.
func near(t *testing.T, want, got []float32, share float64, what string, args ...any) {
	t.Helper()
	var off, length float64
	for k, v := range want {
		d := float64(got[k]) - float64(v)
		off, length = off+d*d, length+float64(v)*float64(v)
	}
	require.LessOrEqual(t, math.Sqrt(off), share*math.Sqrt(length)+1e-6, append([]any{what}, args...)...)
}

// A label that is no class, and a loss that is not finite, leave everything as it was.
func TestRefusedStepOnDevice(t *testing.T) {
	gputest.Prepare(t)
	s, err := NewStepper(StepperConfig{
		Net:  nets.Config{Channels: []int{3}, Embedding: 4, Height: side, Width: side},
		Loss: "ce", Batch: 4, Classes: 2, Device: "cuda",
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	for k := range s.Pictures() {
		s.Pictures()[k] = float32(k % 7)
	}
	copy(s.Labels(), []float32{0, 1, 1, 0})
	_, err = s.Step()
	require.NoError(t, err)
	before := learned(t, s)
	s.Labels()[2] = 5
	_, err = s.Step()
	require.ErrorContains(t, err, "label at position 2, want a whole number from 0 to 1")
	s.Labels()[2] = 1
	old := s.Pictures()[3]
	s.Pictures()[3] = float32(math.NaN())
	_, err = s.Step()
	require.ErrorContains(t, err, "not made")
	s.Pictures()[3] = old
	require.Equal(t, before, learned(t, s))
	_, err = s.Step()
	require.NoError(t, err)
	require.NotEqual(t, before, learned(t, s))
}

// A batch that the device holds gives the steps that one gives which is copied each time.
func TestHeldBatchOnDevice(t *testing.T) {
	gputest.Prepare(t)
	var losses [2][]float64
	for i := range losses {
		s, err := NewStepper(StepperConfig{
			Net:  nets.Config{Channels: []int{3}, Embedding: 4, Height: side, Width: side},
			Loss: "triplet", Batch: 4, Device: "cuda",
		})
		require.NoError(t, err)
		defer func() { require.NoError(t, s.Close()) }()
		for k := range s.Pictures() {
			s.Pictures()[k] = float32(math.Sin(float64(k) * 0.7))
		}
		copy(s.Labels(), []float32{0, 0, 1, 1})
		if i == 1 {
			require.NoError(t, s.PinBatch())
			for k := range s.Pictures() {
				s.Pictures()[k] = 0 // is not looked at again
			}
		}
		for range 4 {
			loss, err := s.Step()
			require.NoError(t, err)
			losses[i] = append(losses[i], loss)
		}
		require.Greater(t, s.DeviceMemory(), int64(4*len(s.Pictures())))
	}
	require.Equal(t, losses[0], losses[1])
}

// learned is a copy of what the device has learned.
func learned(t *testing.T, s *Stepper) [][]float32 {
	t.Helper()
	var out [][]float32
	for _, item := range s.params.All() {
		require.NoError(t, s.device.Read(item.Value.Float32s()))
		out = append(out, append([]float32(nil), item.Value.Float32s()...))
	}
	return out
}

// A run goes over from one device to another at any checkpoint, and ends where it would have.
func TestRunChangesDevice(t *testing.T) {
	gputest.Prepare(t)
	path := pictures(t)
	cfg := small(path)
	cfg.Steps, cfg.CheckpointEvery, cfg.EvalEvery = 24, 4, 8
	run := func(first, second string) Result {
		dir := filepath.Join(t.TempDir(), "run")
		c := cfg
		c.Device = first
		data, err := Load(c.Data, c.Seed, LoadOptions{})
		require.NoError(t, err)
		defer data.Close()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stop := Hook{Step: func(_ context.Context, i StepInfo) error {
			if i.Step == 10 {
				cancel()
			}
			return nil
		}}
		tr, err := New(c, data, Options{Dir: dir, Hooks: []Hook{stop}})
		require.NoError(t, err)
		r, err := tr.Run(ctx)
		require.NoError(t, err)
		require.Equal(t, StopInterrupted, r.Stop)
		require.NoError(t, tr.Close())
		tr, err = Resume(data, Options{Dir: dir, Device: second})
		require.NoError(t, err)
		r, err = tr.Run(context.Background())
		require.NoError(t, err)
		require.NoError(t, tr.Close())
		return r
	}
	want := run("cpu", "cpu")
	for _, devices := range [][2]string{{"cuda", "cuda:0"}, {"cpu", "cuda"}, {"cuda", "cpu"}} {
		got := run(devices[0], devices[1])
		require.InEpsilon(t, want.FinalLoss, got.FinalLoss, 0.02, "%v", devices)
		require.InDelta(t, want.After.Recall[0], got.After.Recall[0], 0.1, "%v", devices)
	}
}

// Where the device has too little memory, the error says how much, and the run can go on
// elsewhere.
func TestTooLittleMemoryOnDevice(t *testing.T) {
	fake := gputest.Prepare(t)
	if fake == nil {
		t.Skip("memory runs out on the fake device only")
	}
	cfg := small(pictures(t))
	cfg.Steps, cfg.Device, cfg.EvalEvery = 6, "cuda", -1
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	dir := filepath.Join(t.TempDir(), "run")
	tr, err := New(cfg, data, Options{Dir: dir})
	require.NoError(t, err)
	fake.Inject("cuMemAlloc_v2", 7, cuda.OutOfMemory)
	_, err = tr.Run(context.Background())
	require.ErrorContains(t, err, "make the batch, the pictures or the network smaller")
	require.NoError(t, tr.Close())
	for _, device := range []string{"cpu", "cuda"} {
		tr, err = Resume(data, Options{Dir: dir, Device: device})
		require.NoError(t, err)
		r, err := tr.Run(context.Background())
		require.NoError(t, err)
		require.Equal(t, 6, r.Steps)
		require.NoError(t, tr.Close())
	}
}

// A step may be begun before the last one has ended; if that fails, so does it.
func TestStepsUnderWayOnDevice(t *testing.T) {
	gputest.Prepare(t)
	make := func() *Stepper {
		s, err := NewStepper(StepperConfig{
			Net:  nets.Config{Channels: []int{3}, Embedding: 4, Height: side, Width: side, Dropout: 0.2},
			Loss: "ce", Batch: 4, Classes: 2, Device: "cuda",
		})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return s
	}
	fill := func(s *Stepper, step int) {
		for k := range s.Pictures() {
			s.Pictures()[k] = float32((k*k + step) % 11)
		}
		copy(s.Labels(), []float32{0, 1, 1, 0})
	}
	one, two := make(), make()
	for step := range 7 {
		fill(one, step)
		fill(two, step)
		want, err := one.Step()
		require.NoError(t, err)
		require.NoError(t, two.Begin())
		if step%3 == 2 {
			got, err := two.Finish()
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	_, err := two.Finish()
	require.NoError(t, err)
	require.Equal(t, learned(t, one), learned(t, two))
	_, err = two.Finish()
	require.ErrorContains(t, err, "no step is under way")

	for name, spoil := range map[string]func(){
		"not made": func() { two.Pictures()[3] = float32(math.Inf(1)) },
		"label":    func() { two.Labels()[2] = 7 },
	} {
		fill(two, 8)
		spoil()
		require.NoError(t, two.Begin())
		fill(two, 9)
		require.NoError(t, two.Begin())
		_, err = two.Finish()
		require.ErrorContains(t, err, name)
		require.Equal(t, learned(t, one), learned(t, two), name)
	}
	fill(one, 10)
	fill(two, 10)
	want, err := one.Step()
	require.NoError(t, err)
	got, err := two.Step()
	require.NoError(t, err)
	require.Equal(t, want, got, "the solver is as before, too")
	require.Equal(t, learned(t, one), learned(t, two))
}

// What a run learns does not depend on when its steps are looked at.
func TestRunWithStepsUnderWayOnDevice(t *testing.T) {
	gputest.Prepare(t)
	cfg := small(pictures(t))
	cfg.Steps, cfg.EvalEvery, cfg.Device, cfg.Loss = 20, 9, "cuda", "ce:scale=8"
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	run := func(logEvery int, hooks ...Hook) (dir string, losses []float64, err error) {
		cfg.LogEvery = logEvery
		dir = filepath.Join(t.TempDir(), "run")
		hooks = append(hooks, Hook{Step: func(_ context.Context, i StepInfo) error {
			losses = append(losses, i.Loss)
			return nil
		}})
		tr, err := New(cfg, data, Options{Dir: dir, Hooks: hooks})
		require.NoError(t, err)
		_, err = tr.Run(context.Background())
		require.NoError(t, tr.Close())
		return dir, losses, err
	}
	dir1, want, err := run(1)
	require.NoError(t, err)
	dir2, got, err := run(1000)
	require.NoError(t, err)
	require.Len(t, want, 20)
	require.Equal(t, want, got)
	require.Equal(t, weightsOf(t, dir1), weightsOf(t, dir2))

	// An error while a step is under way leaves a checkpoint behind that step.
	broken := errors.New("broken")
	dir3, _, err := run(1000, Hook{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 12 {
			return broken
		}
		return nil
	}})
	require.ErrorIs(t, err, broken)
	tr, err := Resume(data, Options{Dir: dir3})
	require.NoError(t, err)
	require.Equal(t, 13, tr.state.Step)
	_, err = tr.Run(context.Background())
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	require.Equal(t, weightsOf(t, dir1), weightsOf(t, dir3))
}

// weightsOf is the bytes of a run's weights, without what is timed.
func weightsOf(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, ModelFile))
	require.NoError(t, err)
	return b
}

// A GPU that breaks in the middle of a run ends it with what CUDA says; the last checkpoint
// stays, and the run goes on from it elsewhere.
func TestBrokenDevice(t *testing.T) {
	fake := gputest.Prepare(t)
	if fake == nil {
		t.Skip("a GPU is not broken on purpose")
	}
	cfg := small(pictures(t))
	cfg.Steps, cfg.Device, cfg.EvalEvery, cfg.CheckpointEvery, cfg.LogEvery = 12, "cuda", -1, 4, 5
	data, err := Load(cfg.Data, cfg.Seed, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	for _, lag := range []int{6, 7, 8} { // the step before which it breaks
		dir := filepath.Join(t.TempDir(), "run")
		broken := false
		hook := Hook{Step: func(_ context.Context, i StepInfo) error {
			if i.Step == lag && !broken {
				broken = true
				fake.Inject("work", 3, cuda.IllegalAddress)
			}
			return nil
		}}
		tr, err := New(cfg, data, Options{Dir: dir, Hooks: []Hook{hook}})
		require.NoError(t, err)
		_, err = tr.Run(context.Background())
		require.ErrorContains(t, err, "CUDA_ERROR_ILLEGAL_ADDRESS")
		require.Regexp(t, `trainer: (step|the checkpoint of step) \d`, err.Error())
		_ = tr.Close() // has its own complaint of the GPU
		fake.Reset()
		fake.Forget() // what a broken GPU could not give back
		tr, err = Resume(data, Options{Dir: dir, Device: "cpu"})
		require.NoError(t, err)
		require.Contains(t, []int{4, 8}, tr.state.Step)
		r, err := tr.Run(context.Background())
		require.NoError(t, err)
		require.Equal(t, 12, r.Steps)
		require.NoError(t, tr.Close())
	}
}

// How the device computes reaches it from the configuration.
func TestOptionsOfDevice(t *testing.T) {
	fake := gputest.Prepare(t)
	if fake == nil {
		t.Skip("counts the fake device's calls")
	}
	data, err := Load(DataConfig{Path: pictures(t), Val: "none", Test: "none"}, 1, LoadOptions{})
	require.NoError(t, err)
	defer data.Close()
	loss := func(change func(c *Config)) float64 {
		cfg := Config{Net: nets.Config{Channels: []int{4}, Embedding: 8}, Loss: "triplet", Steps: 2, Device: "cuda", EvalEvery: -1, Sampler: samplers.Config{P: 4, K: 2}}
		change(&cfg)
		tr, err := New(cfg, data, Options{Dir: filepath.Join(t.TempDir(), "run")})
		require.NoError(t, err)
		r, err := tr.Run(context.Background())
		require.NoError(t, err)
		require.NoError(t, tr.Close())
		return r.FinalLoss
	}
	plain := loss(func(*Config) {})
	require.Equal(t, plain, loss(func(*Config) {}), "equal seed, equal bits")
	rounded := loss(func(c *Config) { c.TF32 = true })
	require.NotEqual(t, plain, rounded)
	require.InDelta(t, plain, rounded, 0.02)
	t.Setenv("MEDUSA_CUDA_LIBRARIES", "off")
	own := loss(func(c *Config) { c.TF32 = true })
	require.NotEqual(t, plain, own)
	require.InDelta(t, rounded, own, 0.005, "our own kernels round too")
	t.Setenv("MEDUSA_CUDA_LIBRARIES", "")

	// cuDNN is asked for its algorithms, of which AnyOrder takes the first.
	chosen := func(any bool) []string {
		fake.Set("quiet", 0)
		fake.ClearLog()
		loss(func(c *Config) { c.AnyOrder = any })
		return fake.Calls("cudnnConvolutionBackwardFilter")
	}
	ordered, free := chosen(false), chosen(true)
	require.NotEmpty(t, ordered)
	require.Equal(t, algorithms(ordered), algorithms(chosen(false)))
	require.NotEqual(t, algorithms(ordered), algorithms(free))
}

// algorithms is the calls without the addresses of memory.
func algorithms(calls []string) []string {
	address := regexp.MustCompile(`0x[0-9a-f]+`)
	var out []string
	for _, c := range calls {
		out = append(out, address.ReplaceAllString(c, "0x"))
	}
	return out
}
