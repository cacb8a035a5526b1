package trainer

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
)

// A hook that returns ErrStop ends the run well, whichever hook it is: the weights at hand are
// measured, and the run has all that a run has.
func TestErrStop(t *testing.T) {
	cfg := small(pictures(t))
	stop := errors.Wrap(ErrStop, "good enough")
	for name, c := range map[string]struct {
		hook Hook
		step int
	}{
		"step": {Hook{Step: func(_ context.Context, i StepInfo) error {
			if i.Step == 23 {
				return stop
			}
			return nil
		}}, 23},
		"start": {Hook{Start: func(context.Context, StartInfo) error { return stop }}, 0},
		"evaluation": {Hook{Evaluated: func(_ context.Context, i EvalInfo) error {
			if i.Step == 30 {
				return stop
			}
			return nil
		}}, 30},
		"checkpoint": {Hook{Saved: func(_ context.Context, i SaveInfo) error {
			if i.Step == 21 && i.Kind == "last" {
				return stop
			}
			return nil
		}}, 21},
	} {
		t.Run(name, func(t *testing.T) {
			told := 0
			o := Options{Hooks: []Hook{c.hook, {Step: func(context.Context, StepInfo) error { told++; return nil }}}}
			tr, r := run(t, cfg, o)
			require.Equal(t, StopHook, r.Stop)
			require.Equal(t, c.step, r.Steps)
			require.Equal(t, c.step, told, "other hooks are told of the last step too")
			require.Equal(t, c.step, tr.state.Evaluated)
			require.NotNil(t, r.After)
			for _, name := range []string{ModelFile, EmbeddingsFile, ReportFile, ResultFile, LastFile, BestFile} {
				require.FileExists(t, tr.dir.Path(name))
			}
			require.NoError(t, tr.Close())
			missing, err := Missing(r.Dir, Options{})
			require.NoError(t, err)
			require.Empty(t, missing, "the run is finished")

			require.NoError(t, os.Remove(filepath.Join(r.Dir, ResultFile))) // as if it was killed just before
			_, again, err := resumed(t, load(t, cfg), Options{Dir: r.Dir})
			require.NoError(t, err)
			require.Equal(t, StopHook, again.Stop)
			require.Equal(t, c.step, again.Steps, "no step is made")
			require.Equal(t, r.After.Values(), again.After.Values())
		})
	}
}

// One that is returned when all steps are made changes nothing.
func TestErrStopAtTheEnd(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 4
	_, r := run(t, cfg, Options{NoReport: true, Hooks: []Hook{{
		Step: func(_ context.Context, i StepInfo) error {
			if i.Step == 4 {
				return ErrStop
			}
			return nil
		},
		Saved: func(_ context.Context, i SaveInfo) error {
			if i.Kind == "model" {
				return ErrStop
			}
			return nil
		},
	}}})
	require.Equal(t, StopDone, r.Stop)
}
