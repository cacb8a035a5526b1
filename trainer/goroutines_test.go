package trainer

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const busy = "is used by another goroutine at this moment"

// Fifty goroutines share one Model, with requests of all sizes, below and above a batch: each
// gets the bits that it gets alone.
func TestModelOfManyGoroutines(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 5
	tr, _ := run(t, cfg, Options{})
	m, err := LoadModel(tr.dir.Path(ModelFile))
	require.NoError(t, err)
	ctx := context.Background()
	whole, err := m.Embed(ctx, tr.data.Test)
	require.NoError(t, err)

	rng := rand.New(rand.NewPCG(5, 6))
	type request struct{ pixels, want []float32 }
	requests := make([]request, 50)
	for i := range requests {
		n := 1 + rng.IntN(5)
		if i%10 == 0 {
			n = modelBatch + rng.IntN(modelBatch)
		}
		pixels := make([]float32, n*side*side)
		for j := range pixels {
			pixels[j] = float32(rng.NormFloat64())
		}
		want, err := m.EmbedPixels(ctx, pixels)
		require.NoError(t, err)
		requests[i] = request{pixels, want}
	}
	var wg sync.WaitGroup
	for i, r := range requests {
		wg.Go(func() {
			for range 5 {
				got, err := m.EmbedPixels(ctx, r.pixels)
				assert.NoError(t, err)
				assert.True(t, slices.Equal(r.want, got), "request %d", i)
			}
			if i%10 == 0 {
				got, err := m.Embed(ctx, tr.data.Test)
				assert.NoError(t, err)
				assert.True(t, slices.Equal(whole, got), "data set of request %d", i)
			}
		})
	}
	wg.Wait()
	require.NoError(t, m.Close())
}

// Who waits for a turn stops waiting when its context ends, and Close lets nobody find half
// a model.
func TestModelIsClosedWhileOthersUseIt(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 2
	tr, _ := run(t, cfg, Options{})
	m, err := LoadModel(tr.dir.Path(ModelFile))
	require.NoError(t, err)
	pixels := make([]float32, 3*side*side)
	want, err := m.EmbedPixels(context.Background(), pixels)
	require.NoError(t, err)

	m.eval.turn <- struct{}{} // somebody embeds for ever
	ctx, cancel := context.WithCancel(context.Background())
	waiting := make(chan error)
	go func() {
		_, err := m.EmbedPixels(ctx, pixels)
		waiting <- err
	}()
	cancel()
	err = <-waiting
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "embedding stopped at picture 0 of 3")
	<-m.eval.turn

	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if i == 10 {
				assert.NoError(t, m.Close())
			}
			got, err := m.EmbedPixels(context.Background(), pixels)
			if err != nil {
				assert.ErrorIs(t, err, errEmbedderClosed)
				return
			}
			assert.Equal(t, want, got)
		})
	}
	wg.Wait()
	_, err = m.EmbedPixels(context.Background(), pixels)
	require.ErrorIs(t, err, errEmbedderClosed)
	require.NoError(t, m.Close(), "twice")
}

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
	require.ErrorContains(t, s.Hold(), busy)
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
