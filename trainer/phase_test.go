package trainer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/gpu/gputest"
	"medusa/nets"
	"medusa/optim"
)

// tunedRun is a run of 27 steps in epochs of 11, whose backbone thaws conv2 first and then the rest.
func tunedRun(t *testing.T, device string) Config {
	cfg := memoryRun(t, "ce:scale=8 + triplet", device)
	cfg.Net = nets.Config{Channels: []int{3, 4}, Embedding: 4, Height: side, Width: side, Dropout: 0.2}
	cfg.Steps, cfg.EvalEvery, cfg.CheckpointEvery, cfg.Clip = 27, 3, 5, 1
	cfg.Average = optim.AverageConfig{Decay: 0.9}
	cfg.FineTune = FineTune{Freeze: "all", Unfreeze: "conv2:1,2"}
	return cfg
}

// moves runs tr and tells in which steps each parameter changed.
func moves(t *testing.T, cfg Config) (changed map[string][]int, epoch int) {
	t.Helper()
	changed = map[string][]int{}
	var tr *Trainer
	before := map[string][]float32{}
	look := func(step int) {
		require.NoError(t, tr.device.Read(tr.tensors()...))
		for _, x := range tr.params.Tensors() {
			if old, ok := before[x.Name]; ok && !equalNumbers(old, x.F32) {
				changed[x.Name] = append(changed[x.Name], step)
			}
			before[x.Name] = append([]float32(nil), x.F32...)
		}
	}
	tr = start(t, cfg, Options{NoReport: true, NoEmbeddings: true, Hooks: []Hook{{
		Step: func(_ context.Context, i StepInfo) error { look(i.Step); return nil },
	}}})
	look(0)
	_, err := tr.Run(context.Background())
	require.NoError(t, err)
	return changed, tr.Sampler().BatchesPerEpoch()
}

func equalNumbers(a, b []float32) bool { return unchanged(a, b) }

func stepsFrom(first, last int) (steps []int) {
	for s := first; s <= last; s++ {
		steps = append(steps, s)
	}
	return steps
}

// Weights and running statistics stay until their step and move in each from then on.
func TestPhases(t *testing.T) {
	gputest.Prepare(t)
	for _, device := range []string{"cpu", "cuda"} {
		t.Run(device, func(t *testing.T) {
			changed, epoch := moves(t, tunedRun(t, device))
			require.Equal(t, 11, epoch)
			for _, name := range []string{"backbone.conv1.weight", "backbone.bn1.weight", "backbone.bn1.running_mean", "backbone.bn1.running_var"} {
				require.Equal(t, stepsFrom(23, 27), changed[name], name)
			}
			for _, name := range []string{"backbone.conv2.weight", "backbone.bn2.bias", "backbone.bn2.running_mean", "backbone.bn2.running_var"} {
				require.Equal(t, stepsFrom(12, 27), changed[name], name)
			}
			for _, name := range []string{"embedding.fc.weight", "loss.classifier.weight"} {
				require.Equal(t, stepsFrom(1, 27), changed[name], name)
			}
		})
	}
}

func TestWarmupAndFrozenNorm(t *testing.T) {
	cfg := tunedRun(t, "cpu")
	cfg.Steps, cfg.FineTune = 14, FineTune{Freeze: "conv1", WarmupHead: 1, FreezeNorm: true}
	changed, _ := moves(t, cfg)
	for _, name := range []string{"backbone.conv2.weight", "backbone.bn2.weight", "backbone.bn2.bias"} {
		require.Equal(t, stepsFrom(12, 14), changed[name], name)
	}
	for name := range changed {
		require.NotContains(t, name, "conv1")
		require.NotContains(t, name, "bn1")
		require.NotContains(t, name, "running")
	}
	require.Equal(t, stepsFrom(1, 14), changed["embedding.fc.weight"])
}

// Until something thaws, a run is that of a frozen backbone; Adam's moments of what thaws begin then.
func TestPhaseBeginsWhereTheLastEnded(t *testing.T) {
	cfg := tunedRun(t, "cpu")
	cfg.Steps = 12
	cfg.FineTune.Unfreeze = "conv2:1"
	got := ended(t, start(t, cfg, Options{NoReport: true, NoEmbeddings: true}))
	require.NotContains(t, got, "solver/backbone.conv1.weight/first")
	cfg.Steps, cfg.FineTune.Unfreeze = 11, ""
	frozen := ended(t, start(t, cfg, Options{NoReport: true, NoEmbeddings: true}))
	require.NotContains(t, frozen, "solver/backbone.conv2.weight/first")
	scaled := cfg
	scaled.FineTune = FineTune{}
	require.Equal(t, frozen, ended(t, start(t, scaled, Options{NoReport: true, NoEmbeddings: true, LRScales: map[string]float64{"backbone.": 0}})))

	// The first step of Adam is lr in each number, whatever its gradient: there are no moments of earlier steps.
	first, before := got["backbone.conv2.weight"], frozen["backbone.conv2.weight"]
	for i := range first {
		require.InEpsilon(t, 0.01, max(first[i]-before[i], before[i]-first[i]), 1e-3)
	}
}

// A run that is broken off in any phase, or between two, becomes what the unbroken one does, with averages, parts of a batch
// and the best weights of another phase.
func TestPhasesAreResumed(t *testing.T) {
	gputest.Prepare(t)
	for _, c := range []struct {
		device     string
		accumulate int
		steps      []int // broken off after them
	}{{"cpu", 1, []int{5, 11, 12, 24}}, {"cpu", 2, []int{12}}, {"cuda", 1, []int{12}}} {
		cfg := tunedRun(t, c.device)
		cfg.Accumulate = c.accumulate
		whole := start(t, cfg, Options{NoReport: true, NoEmbeddings: true})
		want := ended(t, whole)
		model := fileOf(t, whole.dir.Path(ModelFile))
		for _, step := range c.steps {
			o := Options{NoReport: true, NoEmbeddings: true, Dir: filepath.Join(t.TempDir(), "broken")}
			breakOff(t, cfg, o, step)
			tr, err := Resume(load(t, cfg), o)
			require.NoError(t, err)
			require.Equal(t, want, ended(t, tr), "%s, %d parts, broken off at step %d", c.device, c.accumulate, step)
			require.Equal(t, model, fileOf(t, tr.dir.Path(ModelFile)))
			require.NoError(t, tr.Close())
		}
	}
}

// What is saved by averages in one phase is what evaluations see in the next.
func TestBestOfAnEarlierPhase(t *testing.T) {
	cfg := tunedRun(t, "cpu")
	cfg.Solver.LR = 0.3 // soon worse than at the start
	tr := start(t, cfg, Options{NoReport: true, NoEmbeddings: true})
	r, err := tr.Run(context.Background())
	require.NoError(t, err)
	require.Less(t, r.ModelStep, 23, "the test wants a best step of an earlier phase")
	require.Equal(t, tr.parts.plan.phase(r.ModelStep), tr.phase)
	best, err := tr.readBest(BestFile)
	require.NoError(t, err)
	for _, x := range best.tensors {
		if name, ok := strings.CutPrefix(x.Name, "solver/average/"); ok {
			require.Equal(t, x.F32, tr.params.Lookup(name).Value.Float32s(), name)
		}
	}
}

func TestPhasesAreTold(t *testing.T) {
	var told []string
	cfg := tunedRun(t, "cpu")
	tr := start(t, cfg, Options{NoReport: true, NoEmbeddings: true, Notice: func(s string) { told = append(told, s) }})
	finishes(t, tr)
	require.Contains(t, told, "step 12: conv2, 116 parameters, learn from here on")
	require.Contains(t, told, "step 23: conv1, 33 parameters, learn from here on")
}

func fileOf(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return text
}
