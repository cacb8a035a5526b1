package trainer

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"medusa/optim"

	"github.com/stretchr/testify/require"
)

// recording notes every point of a run in its order.
func recording(to *[]string) Hook {
	note := func(format string, args ...any) error {
		*to = append(*to, fmt.Sprintf(format, args...))
		return nil
	}
	return Hook{
		Start:      func(_ context.Context, i StartInfo) error { return note("start %d", i.Step) },
		BeforeStep: func(_ context.Context, step int) error { return note("before %d", step) },
		Step:       func(_ context.Context, i StepInfo) error { return note("step %d", i.Step) },
		Evaluated:  func(_ context.Context, i EvalInfo) error { return note("%s %s %d", i.Phase, i.Set, i.Step) },
		Between:    func(_ context.Context, i BetweenInfo) error { return note("between %d %s", i.Step, i.Stop) },
		Saved:      func(_ context.Context, i SaveInfo) error { return note("saved %s %d", i.Kind, i.Step) },
		Warned:     func(_ context.Context, w Warning) error { return note("warned %s %d", w.Kind, w.Step) },
		Ended:      func(_ context.Context, r Result) error { return note("ended %s %d", r.Stop, r.Steps) },
	}
}

// hookRun is a run of three steps, saved after each.
func hookRun(t *testing.T) Config {
	cfg := small(pictures(t))
	cfg.Data.Val, cfg.Schedule = "none", optim.ScheduleConfig{}
	cfg.Steps, cfg.EvalEvery, cfg.CheckpointEvery, cfg.LogEvery = 3, -1, 1, 1
	return cfg
}

// The points come in one order: a checkpoint is written before anybody else is told that a step is
// over.
func TestPointsOfARunInTheirOrder(t *testing.T) {
	var told []string
	run(t, hookRun(t), Options{NoReport: true, Hooks: []Hook{recording(&told)}})
	require.Equal(t, []string{
		"start 0", "pixels test 0", "before test 0", "saved last 0", "between 0 ",
		"before 1", "step 1", "saved last 1", "between 1 ",
		"before 2", "step 2", "saved last 2", "between 2 ",
		"before 3", "step 3", "saved last 3", "between 3 done",
		"saved model 3", "after test 3", "ended done 3",
	}, told)
}

// An error of a hook at any point ends the run there, and Resume makes of it what the unbroken run
// is; ErrStop ends it well.
func TestHooksEndARunAtTheNewPoints(t *testing.T) {
	cfg := hookRun(t)
	whole, _ := run(t, cfg, Options{NoReport: true})
	wrong := errors.New("wrong")
	for name, hook := range map[string]func(err error) Hook{
		"before a step": func(err error) Hook {
			return Hook{BeforeStep: func(_ context.Context, step int) error {
				if step == 2 {
					return err
				}
				return nil
			}}
		},
		"between steps": func(err error) Hook {
			return Hook{Between: func(_ context.Context, i BetweenInfo) error {
				if i.Step == 1 {
					return err
				}
				return nil
			}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			tr := start(t, cfg, Options{Dir: dir, NoReport: true, Hooks: []Hook{hook(wrong)}})
			_, err := tr.Run(context.Background())
			var ours *HookError
			require.ErrorAs(t, err, &ours)
			require.ErrorIs(t, err, wrong)
			require.Equal(t, 1, ours.Step)
			require.NoError(t, tr.Close())
			on, err := Resume(tr.data.data(), Options{Dir: dir, NoReport: true})
			require.NoError(t, err)
			_, err = on.Run(context.Background())
			require.NoError(t, err)
			require.NoError(t, on.Close())
			x, err := whole.dir.Sum(ModelFile)
			require.NoError(t, err)
			y, err := on.dir.Sum(ModelFile)
			require.NoError(t, err)
			require.Equal(t, x, y)

			_, r := run(t, cfg, Options{NoReport: true, Hooks: []Hook{hook(ErrStop)}})
			require.Equal(t, StopHook, r.Stop)
			require.NotEmpty(t, r.Model)
			require.Less(t, r.Steps, cfg.Steps)
		})
	}
}

// Ended finds the whole run folder, cannot close the trainer, and its error leaves a finished run.
func TestEndedComesLast(t *testing.T) {
	cfg := hookRun(t)
	wrong := errors.New("no room for a copy")
	var tr *Trainer
	ended := 0
	tr = start(t, cfg, Options{NoReport: true, Hooks: []Hook{{Ended: func(ctx context.Context, r Result) error {
		ended++
		missing, err := Missing(r.Dir, Options{NoReport: true})
		require.NoError(t, err)
		require.Empty(t, missing)
		_, err = tr.Embed(ctx, tr.data.Test.Set)
		require.NoError(t, err)
		require.ErrorContains(t, tr.Close(), "Close is called by a hook")
		return wrong
	}}}})
	r, err := tr.Run(context.Background())
	var ours *HookError
	require.ErrorAs(t, err, &ours)
	require.ErrorIs(t, err, wrong)
	require.Equal(t, r.Model, ours.Model)
	require.Equal(t, StopDone, r.Stop)
	require.Equal(t, 1, ended)
}
