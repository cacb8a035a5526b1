package trainer

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/optim"
)

func shortRun(t *testing.T, s optim.ScheduleConfig) Config {
	cfg := memoryRun(t, "ce:scale=8 + triplet", "cpu")
	cfg.Steps, cfg.EvalEvery, cfg.CheckpointEvery, cfg.Schedule = 12, 4, 5, s
	cfg.Average = optim.AverageConfig{Decay: 0.9}
	return cfg
}

// A run that is lengthened, after its end or before, has the weights of one that was begun so long.
func TestLengthenedRun(t *testing.T) {
	for _, s := range []optim.ScheduleConfig{{}, {Name: "step", Every: 5, Gamma: 0.5}, {Name: "plateau", Wait: 1, Gamma: 0.5}, {Warmup: 14}} {
		for _, done := range []int{12, 7} {
			t.Run(s.Name, func(t *testing.T) {
				cfg := shortRun(t, s)
				o := Options{NoReport: true, NoEmbeddings: true, Dir: filepath.Join(t.TempDir(), "run")}
				if done == 12 {
					tr := start(t, cfg, o)
					finishes(t, tr)
					require.NoError(t, tr.Close())
				} else {
					breakOff(t, cfg, o, done)
				}
				o.Steps = 20
				tr, err := Resume(load(t, cfg), o)
				require.NoError(t, err)
				require.NoFileExists(t, filepath.Join(o.Dir, ResultFile))
				got := ended(t, tr)
				require.NoError(t, tr.Close())

				whole := cfg
				whole.Steps = 20
				other := start(t, whole, Options{NoReport: true, NoEmbeddings: true})
				require.Equal(t, ended(t, other), got)
				require.Equal(t, fileOf(t, other.dir.Path(ModelFile)), fileOf(t, filepath.Join(o.Dir, ModelFile)))
				stored, err := Stored(o.Dir)
				require.NoError(t, err)
				require.Equal(t, 20, stored.Steps)

				o.Steps = 0 // as a finished run of the new length
				tr, err = Resume(load(t, cfg), o)
				require.NoError(t, err)
				r, err := tr.Run(context.Background())
				require.NoError(t, err)
				require.Equal(t, 20, r.Steps)
				require.NoError(t, tr.Close())
			})
		}
	}
}

// In epochs, what followed from the first length stays: when weights are measured, and when a rate drops. Broken off once
// more, it goes on.
func TestLengthenedByEpochs(t *testing.T) {
	cfg := shortRun(t, optim.ScheduleConfig{Name: "step", Gamma: 0.5})
	cfg.Steps, cfg.Epochs, cfg.EvalEvery = 0, 1, 0
	o := Options{NoReport: true, NoEmbeddings: true, Dir: filepath.Join(t.TempDir(), "run")}
	tr := start(t, cfg, o)
	finishes(t, tr)
	every, eval := tr.cfg.Schedule.Every, tr.cfg.EvalEvery
	require.NoError(t, tr.Close())
	o.Epochs = 2
	ctx, cancel := context.WithCancel(context.Background())
	o.Hooks = []Hook{{Step: func(_ context.Context, i StepInfo) error {
		if i.Step == 15 {
			cancel()
		}
		return nil
	}}}
	tr, err := Resume(load(t, cfg), o)
	require.NoError(t, err)
	require.Equal(t, []int{every, eval, 22}, []int{tr.cfg.Schedule.Every, tr.cfg.EvalEvery, tr.cfg.Steps})
	_, err = tr.Run(ctx)
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	o.Epochs, o.Hooks = 0, nil
	tr, err = Resume(load(t, cfg), o)
	require.NoError(t, err)
	require.Equal(t, []int{every, eval, 22}, []int{tr.cfg.Schedule.Every, tr.cfg.EvalEvery, tr.cfg.Steps})
	got := ended(t, tr)

	cfg.Epochs, cfg.EvalEvery, cfg.Schedule.Every = 2, eval, every
	require.Equal(t, ended(t, start(t, cfg, Options{NoReport: true, NoEmbeddings: true})), got)
}

func TestWhatCannotBeLengthened(t *testing.T) {
	finished := func(change func(*Config)) (Config, string) {
		cfg := shortRun(t, optim.ScheduleConfig{})
		change(&cfg)
		tr := start(t, cfg, Options{NoReport: true, NoEmbeddings: true})
		finishes(t, tr)
		require.NoError(t, tr.Close())
		return cfg, string(tr.dir)
	}
	for want, c := range map[string]struct {
		change func(*Config)
		o      Options
	}{
		"Steps cannot lengthen the run: Schedule.Name is cosine, whose rate at every step depends on the length": {func(c *Config) { c.Schedule.Name = "cosine" }, Options{Steps: 20}},
		"Steps is 12, but the run has 12: want more":                                                             {func(*Config) {}, Options{Steps: 12}},
		"Steps is 20 and Epochs 2: give one of them":                                                             {func(*Config) {}, Options{Steps: 20, Epochs: 2}},
		"Epochs has the run end after 11 steps, but it has":                                                      {func(*Config) {}, Options{Epochs: 1}},
		"Patience (1) ended the run, at step":                                                                    {func(c *Config) { c.Patience, c.Solver.LR = 1, 1e-9 }, Options{Steps: 20}},
	} {
		t.Run(want, func(t *testing.T) {
			cfg, dir := finished(c.change)
			before := fileOf(t, filepath.Join(dir, ResultFile))
			o := c.o
			o.Dir = dir
			_, err := Resume(load(t, cfg), o)
			require.ErrorContains(t, err, want)
			require.Equal(t, before, fileOf(t, filepath.Join(dir, ResultFile)), "nothing was touched")
		})
	}
	cfg := shortRun(t, optim.ScheduleConfig{})
	_, err := New(cfg, load(t, cfg), Options{Dir: filepath.Join(t.TempDir(), "run"), Steps: 20})
	require.ErrorContains(t, err, "the length of a new one is Config.Steps or Config.Epochs")
	require.NoDirExists(t, filepath.Join(os.TempDir(), "run"))
}
