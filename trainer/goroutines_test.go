package trainer

import (
	"context"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const busy = "is used by another goroutine at this moment"

// Steppers of their own, side by side, make the steps of one alone: they share the kernels'
// workers and scratch memory, and no numbers.
func TestSteppersSideBySide(t *testing.T) {
	steps := func(s *Stepper) (out []float64) {
		for range 20 {
			loss, err := s.Step()
			assert.NoError(t, err)
			out = append(out, loss)
		}
		return out
	}
	want := steps(smallStepper(t, nil))
	var wg sync.WaitGroup
	for range 8 {
		s := smallStepper(t, nil)
		wg.Go(func() { assert.Equal(t, want, steps(s)) })
	}
	wg.Wait()
}

func TestStepperIsOneGoroutines(t *testing.T) {
	s := smallStepper(t, nil)
	require.NoError(t, s.use.Begin(theStepper))
	_, err := s.Step()
	require.ErrorContains(t, err, busy)
	require.ErrorContains(t, s.Begin(), busy)
	_, err = s.Finish()
	require.ErrorContains(t, err, busy)
	require.ErrorContains(t, s.PinBatch(), busy)
	require.ErrorContains(t, s.Close(), busy)
	s.use.End()
	_, err = s.Step()
	require.NoError(t, err)
}

func TestTrainerIsOneGoroutines(t *testing.T) {
	tr := start(t, small(pictures(t)), Options{})
	ctx := context.Background()
	require.NoError(t, tr.use.Begin(theTrainer))
	_, err := tr.Run(ctx)
	require.ErrorContains(t, err, busy)
	_, err = tr.Embed(ctx, tr.data.Test)
	require.ErrorContains(t, err, busy)
	_, err = tr.EmbedUntrained(ctx, tr.data.Test)
	require.ErrorContains(t, err, busy)
	_, err = tr.Evaluate(ctx, tr.data.Test)
	require.ErrorContains(t, err, busy)
	require.ErrorContains(t, tr.Close(), busy)
	tr.use.End()
	_, err = tr.Run(ctx)
	require.NoError(t, err, "what was refused has left nothing behind")
}

// A hook is part of Run: it may embed, and cannot close the trainer under Run's feet. While
// the trainer embeds for a hook or for others, Run waits.
func TestHooksUseTheTrainer(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 3
	var tr *Trainer
	var others sync.WaitGroup
	tr = start(t, cfg, Options{Hooks: []Hook{{Step: func(ctx context.Context, i StepInfo) error {
		others.Wait() // beside one of them what follows is refused for that one's sake
		x, err := tr.Embed(ctx, tr.data.Test)
		assert.NoError(t, err)
		assert.ErrorContains(t, tr.Close(), "Close is called by a hook")
		for range 4 { // these may come too late
			others.Go(func() {
				if y, err := tr.Embed(ctx, tr.data.Test); err != nil {
					assert.ErrorContains(t, err, busy)
				} else {
					assert.Len(t, y, len(x))
				}
			})
		}
		return nil
	}}}})
	_, err := tr.Run(context.Background())
	require.NoError(t, err)
	others.Wait()
}
