package trainer

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/metrics"
	"medusa/model"

	"medusa/datasets"
	"medusa/nets"
	"medusa/optim"
)

func TestRunLearns(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Data.Augment, cfg.Net.Dropout, cfg.Net.Head = datasets.Augment{}, 0, "flatten"
	cfg.Steps, cfg.Schedule, cfg.Clip, cfg.Loss, cfg.Keep = 150, optim.ScheduleConfig{}, 0, "triplet", Last
	tr, r := run(t, cfg, Options{})
	before, _ := r.Before.RecallOf(1)
	after, _ := r.After.RecallOf(1)
	assert.Greater(t, after, before+0.1, "Recall@1 on classes that were not learned")
	assert.Equal(t, StopDone, r.Stop)
	assert.Equal(t, 150, r.Steps)
	assert.Equal(t, SetTest, r.On)
	assert.Positive(t, r.ImagesPerSecond)
	assert.Positive(t, r.Seconds)
	if runtime.GOOS == "linux" {
		assert.Greater(t, r.PeakRSS, int64(1<<20))
	}
	for _, name := range []string{ConfigFile, MetricsFile, ModelFile, ResultFile, LastFile, BestFile} {
		info, err := os.Stat(tr.dir.Path(name))
		require.NoError(t, err)
		assert.Positive(t, info.Size(), name)
	}
	events, err := os.ReadDir(tr.dir.Path(BoardDir))
	require.NoError(t, err)
	require.Len(t, events, 1)
	text, err := os.ReadFile(tr.dir.Path(ResultFile))
	require.NoError(t, err)
	var keys map[string]any
	require.NoError(t, json.Unmarshal(text, &keys))
	for _, key := range []string{"before", "after", "steps", "images_per_second", "seconds", "peak_rss_bytes", "seed", "device"} {
		assert.Contains(t, keys, key)
	}
	for _, key := range []string{"recall_at_1", "recall_at_2", "recall_at_4", "recall_at_8", "map_at_r", "r_precision", "nmi"} {
		assert.Contains(t, keys["before"], key)
		assert.Contains(t, keys["after"], key)
	}
	again, err := tr.Evaluate(context.Background(), tr.data.Test)
	require.NoError(t, err)
	require.Equal(t, r.After.Values(), again.Values(), "after Run the weights are those of the model")
	_, err = tr.Run(context.Background())
	require.ErrorContains(t, err, "runs once")
}

// Threads, workers and pictures read ahead change nothing.
func TestRunDependsOnNoThreads(t *testing.T) {
	for _, sampler := range []string{"pk", "pk-hard"} {
		t.Run(sampler, func(t *testing.T) { dependsOnNoThreads(t, sampler) })
	}
}

func dependsOnNoThreads(t *testing.T, sampler string) {
	cfg := small(pictures(t))
	cfg.Sampler.Name = sampler
	cfg.Threads, cfg.Data.Workers, cfg.Data.Ahead = 1, 1, 1
	one, _ := run(t, cfg, Options{})
	cfg.Threads, cfg.Data.Workers, cfg.Data.Ahead = 3, 5, 7
	many, _ := run(t, cfg, Options{})
	sameRun(t, string(one.dir), string(many.dir))
	cfg.Seed++
	other, _ := run(t, cfg, Options{})
	require.NotEqual(t, journalOf(t, string(one.dir)), journalOf(t, string(other.dir)), "the seed changes it")
}

// A context that ends at any step, in an evaluation or between two, and a hook's error
// leave a checkpoint, from which the run goes on as if nothing had been.
func TestBrokenOffAndResumed(t *testing.T) {
	for _, sampler := range []string{"pk", "pk-hard"} {
		t.Run(sampler, func(t *testing.T) { brokenOffAndResumed(t, sampler, sampler == "pk" || long(t)) })
	}
}

// brokenOffAndResumed breaks off at a step, or in each of the other places too, which do not ask how
// batches are drawn.
func brokenOffAndResumed(t *testing.T, sampler string, everywhere bool) {
	cfg := small(pictures(t))
	cfg.Sampler.Name = sampler
	whole, _ := run(t, cfg, Options{})
	for name, hook := range map[string]func(cancel context.CancelFunc) Hook{
		"step": func(cancel context.CancelFunc) Hook {
			return Hook{Step: func(_ context.Context, i StepInfo) error {
				if i.Step == 23 {
					cancel()
				}
				return nil
			}}
		},
		"before the first step": func(cancel context.CancelFunc) Hook {
			return Hook{Start: func(context.Context, StartInfo) error { cancel(); return nil }}
		},
		"evaluation": func(cancel context.CancelFunc) Hook {
			return Hook{Evaluated: func(_ context.Context, i EvalInfo) error {
				if i.Step == 30 {
					cancel()
				}
				return nil
			}}
		},
		"a hook's error": func(context.CancelFunc) Hook {
			return Hook{Step: func(_ context.Context, i StepInfo) error {
				if i.Step == 41 {
					return errors.New("enough")
				}
				return nil
			}}
		},
		"a hook's error at the best": func(context.CancelFunc) Hook {
			return Hook{Saved: func(_ context.Context, i SaveInfo) error {
				if i.Kind == "best" && i.Step > 0 {
					return errors.New("enough")
				}
				return nil
			}}
		},
	} {
		if !everywhere && name != "step" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			tr := start(t, cfg, Options{Hooks: []Hook{hook(cancel)}})
			r, err := tr.Run(ctx)
			require.Equal(t, StopInterrupted, r.Stop)
			require.Less(t, r.Steps, cfg.Steps)
			require.NoFileExists(t, tr.dir.Path(ResultFile))
			if ctx.Err() != nil {
				require.NoError(t, err)
				require.NoFileExists(t, tr.dir.Path(ModelFile))
			} else {
				hookErrorLeavesAModel(t, tr, err)
			}
			on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
			require.NoError(t, err)
			defer on.Close()
			_, err = on.Run(context.Background())
			require.NoError(t, err)
			sameRun(t, string(whole.dir), string(tr.dir))
		})
	}
}

// hookErrorLeavesAModel checks that the error tells where the run goes on and where the
// model so far is, and that this is so.
func hookErrorLeavesAModel(t *testing.T, tr *Trainer, err error) {
	t.Helper()
	var hook *HookError
	require.True(t, errors.As(err, &hook), "%v", err)
	require.EqualError(t, hook.Err, "enough")
	require.ErrorContains(t, err, "resuming "+string(tr.dir)+" goes on from there")
	require.ErrorContains(t, err, tr.dir.Path(ModelFile))
	last, err := readCheckpoint(tr.dir.Path(LastFile))
	require.NoError(t, err)
	require.Equal(t, hook.Step, last.state.Step)
	m, err := model.Load(hook.Model, model.Options{})
	require.NoError(t, err)
	defer m.Close()
	require.Equal(t, hook.ModelStep, m.Info().Step)
	require.Equal(t, last.state.BestStep, m.Info().Step)
}

// What cannot be saved when the context ends is an error all the same.
func TestInterruptedButNotSaved(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	tr := start(t, small(pictures(t)), Options{})
	tr.o.Hooks = []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 5 {
			cancel()
			require.NoError(t, os.RemoveAll(tr.dir.Path("checkpoints")))
		}
		return nil
	}}}
	r, err := tr.Run(ctx)
	require.Equal(t, StopInterrupted, r.Stop)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorIs(t, err, context.Canceled)
}

func TestPatience(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Solver = optim.Config{Name: "sgd", LR: 1e-30} // nothing gets better
	cfg.Patience, cfg.Schedule = 2, optim.ScheduleConfig{}
	cfg.Net.Norm = "none" // nor do running statistics move
	_, r := run(t, cfg, Options{})
	require.Equal(t, StopPatience, r.Stop)
	require.Equal(t, 20, r.Steps)
	require.Equal(t, 20, r.BestStep, "of equals the later one")
	require.Equal(t, Best, r.Kept)
	require.Equal(t, 20, r.ModelStep)
	require.Equal(t, r.Before.Values(), r.After.Values())
}

func TestWithoutValidationTheLastAreKept(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Data.Val, cfg.Schedule = "none", optim.ScheduleConfig{}
	_, r := run(t, cfg, Options{})
	require.Equal(t, Last, r.Kept)
	require.Equal(t, cfg.Steps, r.ModelStep)
	require.Equal(t, SetTest, r.On)
	cfg.Data.Test = "none"
	_, r = run(t, cfg, Options{})
	require.Nil(t, r.Before)
	require.Nil(t, r.After)
}

func TestEpochs(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.Epochs = 0, 2
	tr, r := run(t, cfg, Options{})
	require.Equal(t, 2*tr.Sampler().BatchesPerEpoch(), r.Steps)
	stored, err := Stored(string(tr.dir))
	require.NoError(t, err)
	require.Equal(t, 2, stored.Epochs)
	require.Zero(t, stored.Steps)
	again, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
	require.NoError(t, err)
	require.NoError(t, again.Close())
}

func TestNotFinite(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Net.Norm = "batch"
	tr := start(t, cfg, Options{Hooks: nil})
	tr.o.Hooks = []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 17 {
			tr.train.learned[0].Weights[0] = float32(math.NaN())
		}
		return nil
	}}}
	_, err := tr.Run(context.Background())
	var e *NotFiniteError
	require.True(t, errors.As(err, &e), "%v", err)
	require.Equal(t, 18, e.Step)
	require.Len(t, e.Indices, tr.Batch())
	require.Len(t, e.Paths, tr.Batch())
	require.ErrorContains(t, err, "step 18: the loss is NaN")
	require.ErrorContains(t, err, e.Paths[0])
	c, err := readCheckpoint(tr.dir.Path(LastFile))
	require.NoError(t, err)
	require.Equal(t, 17, c.state.Step)
	for _, tensor := range c.tensors {
		for i, v := range tensor.F32 {
			poisoned := tensor.Name == tr.train.learned[0].Name && i == 0 // by this test itself
			require.Equal(t, poisoned, math.IsNaN(float64(v)), "%s: running statistics are put back", tensor.Name)
		}
	}
}

// Embeddings that grow beyond all numbers end the run, with the step: no loss of 0, and no
// figure in the log that is none.
func TestDivergenceIsNotConvergence(t *testing.T) {
	for loss, rate := range map[string]float64{
		"triplet:normalize=false":                           1e30,
		"triplet:normalize=false,metric=squared,mining=all": 1e15,
		"triplet:normalize=false,metric=dot,mining=hard":    1e15,
		"contrastive:normalize=false":                       1e30,
		"lifted:normalize=false,form=max-margin":            1e30,
		"multi-similarity:metric=squared,normalize=false":   1e30,
	} {
		cfg := small(pictures(t))
		cfg.Net.Raw, cfg.Loss, cfg.LogEvery, cfg.Clip = true, loss, 1, 0
		cfg.Schedule = optim.ScheduleConfig{}
		cfg.Solver = optim.Config{Name: "adam", LR: rate}
		tr := start(t, cfg, Options{})
		_, err := tr.Run(context.Background())
		var e *NotFiniteError
		require.True(t, errors.As(err, &e), "%s: %v", loss, err)
		require.ErrorContains(t, err, fmt.Sprintf("trainer: step %d: ", e.Step), loss)
	}
}

// What a loss of one's own hides from the check of loss and gradient the log would show: that ends the run, too.
func TestFiguresAreFinite(t *testing.T) {
	tr := start(t, small(pictures(t)), Options{})
	b := &datasets.Batch{Indices: []int{1, 2}}
	require.NoError(t, tr.finiteFigures(b, StepInfo{Step: 7, Loss: 0.5, EmbeddingNorm: 2}))
	for want, set := range map[string]func(i *StepInfo){
		"the mean length of the embeddings is NaN":          func(i *StepInfo) { i.EmbeddingNorm = math.NaN() },
		"the active share is NaN":                           func(i *StepInfo) { i.ActiveShare = math.NaN() },
		"the norm of the gradient is +Inf":                  func(i *StepInfo) { i.GradNorm = math.Inf(1) },
		"the mean distance of pairs of one class is +Inf":   func(i *StepInfo) { i.MeanPositive = math.Inf(1) },
		"the mean distance of pairs of two classes is -Inf": func(i *StepInfo) { i.MeanNegative = math.Inf(-1) },
	} {
		i := StepInfo{Step: 7, Loss: 0.5}
		set(&i)
		require.ErrorContains(t, tr.finiteFigures(b, i), "trainer: step 7: "+want+", though the loss is 0.5; the step was made")
	}
}

// A network or a batch that no memory holds is refused before any is taken.
func TestTooLargeForTheMachine(t *testing.T) {
	_, err := NewStepper(StepperConfig{Net: nets.Config{Channels: []int{1 << 16, 1 << 16}}, Batch: 4})
	require.ErrorContains(t, err, "of memory, and ")
	require.ErrorContains(t, err, "fewer channels")
	_, err = NewStepper(StepperConfig{Net: nets.Config{Channels: []int{4}}, Batch: 1 << 31})
	require.ErrorContains(t, err, "smaller batches")
}

// A weight decay beyond reason leaves nothing but the biases: a warning says what happened.
func TestCollapseIsExplained(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Net = nets.Config{Backbone: "mlp", Hidden: []int{16}, Embedding: 8}
	cfg.Loss, cfg.Schedule, cfg.Clip = "triplet:margin=0.2", optim.ScheduleConfig{}, 0
	cfg.Solver = optim.Config{Name: "sgd", LR: 0.1, WeightDecay: 9}
	cfg.LogEvery = 1
	var told []Warning
	_, r := run(t, cfg, Options{Hooks: []Hook{{Warned: func(_ context.Context, w Warning) error {
		told = append(told, w)
		return nil
	}}}})
	require.NotEmpty(t, told)
	require.Equal(t, told, r.Warnings)
	told = slices.DeleteFunc(told, func(w Warning) bool { return w.Kind == KindFew })
	require.Equal(t, KindCollapse, told[0].Kind)
	require.Contains(t, told[0].Message, "nearly one point")
	require.Contains(t, told[0].Advice, "lower the learning rate")
	require.Contains(t, told[0].Advice, "weight decay")
	require.InDelta(t, 0.2, r.FinalLoss, 1e-3, "the loss of a collapsed network is the margin")
}

// Steps make no garbage that grows: the heap after 300 more steps is what it was.
func TestHeapIsFlat(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.EvalEvery, cfg.CheckpointEvery = 400, -1, -1
	var heap [2]uint64
	var mallocs [2]uint64
	_, _ = run(t, cfg, Options{Hooks: []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if n := i.Step / 300; i.Step == 90 || i.Step == 390 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			heap[n], mallocs[n] = m.HeapAlloc, m.Mallocs
		}
		return nil
	}}}})
	// What was freed late lies in the first figure alone: a heap that shrank did not grow.
	require.Less(t, float64(heap[1]), float64(heap[0])+100<<10)
	t.Logf("%d objects a step", (mallocs[1]-mallocs[0])/300)
}

// What is told of the embeddings was measured, also in a resumed run before its first logged
// step.
func TestOnlyMeasuredSpreadIsTold(t *testing.T) {
	cfg := small(pictures(t))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	told := map[int]bool{}
	watching := func(end int) []Hook {
		return []Hook{{Step: func(_ context.Context, i StepInfo) error {
			told[i.Step] = i.HasSpread
			if i.HasSpread {
				require.Positive(t, i.EmbeddingNorm)
				require.Positive(t, i.MeanNegative)
			} else {
				require.False(t, i.HasActive)
			}
			if i.Step == end {
				cancel()
			}
			return nil
		}}}
	}
	tr := start(t, cfg, Options{NoReport: true, Hooks: watching(24)})
	_, err := tr.Run(ctx)
	require.NoError(t, err)
	on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir), NoReport: true, Hooks: watching(0)})
	require.NoError(t, err)
	defer on.Close()
	r, err := on.Run(context.Background())
	require.NoError(t, err)
	for step := 1; step <= cfg.Steps; step++ {
		require.Equal(t, step != 25 && step != 26, told[step], step)
	}
	require.Positive(t, r.TrainSeconds)
	require.Less(t, r.TrainSeconds, r.Seconds)
}

func TestWorseModelIsNamed(t *testing.T) {
	figures := func(recall, mapAtR float64) *metrics.Result {
		return &metrics.Result{RecallAt: []int{1}, Retrieval: metrics.Retrieval{Recall: []float64{recall}, MAPAtR: mapAtR}}
	}
	for name, c := range map[string]struct {
		pixels, before, after *metrics.Result
		want                  string
	}{
		"better":          {figures(.3, .1), figures(.2, .1), figures(.4, .2), ""},
		"equal":           {figures(1, .1), figures(1, .1), figures(1, .1), ""},
		"hardly":          {figures(.3004, .1), figures(.2, .1), figures(.2996, .1), ""},
		"pixels unknown":  {nil, figures(.2, .1), figures(.3, .1), ""},
		"nothing at all":  {nil, nil, nil, ""},
		"than the pixels": {figures(.3, .3), figures(.1, .1), figures(.2, .2), "the model is worse than comparing the raw pictures (Recall@1 0.200 in place of 0.300, MAP@R 0.200 in place of 0.300)"},
		"than before":     {figures(.1, .1), figures(.3, .3), figures(.3, .2), "the model is worse than the untrained network (MAP@R 0.200 in place of 0.300)"},
	} {
		message, advice := Result{Pixels: c.pixels, Before: c.before, After: c.after}.Worse(nil)
		require.Equal(t, c.want, message, name)
		require.Equal(t, c.want == "", advice == "", name)
		if advice != "" {
			require.Equal(t, "train longer (Steps), lower the learning rate (Solver.LR), learn more classes, and look whether labels belong to their pictures", advice)
		}
	}
}
