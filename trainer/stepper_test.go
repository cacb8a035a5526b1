package trainer

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/nets"
	"medusa/optim"
)

func smallStepper(t testing.TB, change func(*StepperConfig)) *Stepper {
	t.Helper()
	cfg := StepperConfig{
		Net:  nets.Config{Backbone: "mlp", Height: side, Width: side, Hidden: []int{16}, Embedding: 8},
		Loss: "triplet:margin=0.5", Batch: 16, Classes: 4, Seed: 3,
	}
	if change != nil {
		change(&cfg)
	}
	s, err := NewStepper(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range s.Pictures() {
		s.Pictures()[i] = float32(rng.NormFloat64())
	}
	for i := range s.Labels() {
		s.Labels()[i] = float32(i / 4)
	}
	return s
}

func TestStepperLearnsABatchByHeart(t *testing.T) {
	s := smallStepper(t, func(c *StepperConfig) { c.Solver.LR = 0.01 })
	first, err := s.Step()
	require.NoError(t, err)
	require.Positive(t, first)
	last := first
	for range 100 {
		last, err = s.Step()
		require.NoError(t, err)
	}
	assert.Less(t, last, first/4)
}

// The Stepper's steps are the Trainer's, bit for bit: the same batches, copied by a hook.
func TestStepperMakesTheTrainersSteps(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.Keep, cfg.Schedule, cfg.Solver.LossLR = 5, Last, optim.ScheduleConfig{}, 3
	var tr *Trainer
	var s *Stepper
	follow := func(_ context.Context, i StepInfo) error {
		copy(s.Pictures(), tr.train.x)
		copy(s.Labels(), tr.train.y)
		loss, err := s.Step()
		require.Equal(t, i.Loss, loss, "step %d", i.Step)
		return err
	}
	tr = start(t, cfg, Options{Hooks: []Hook{{Step: follow}}})
	var err error
	s, err = NewStepper(StepperConfig{Net: tr.cfg.Net, Loss: tr.cfg.Loss, Solver: tr.cfg.Solver, Clip: tr.cfg.Clip,
		Batch: tr.Batch(), Classes: tr.data.Train.NumClasses(), Seed: tr.cfg.Seed})
	require.NoError(t, err)
	defer s.Close()
	_, err = tr.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, 5, s.solver.Steps())
	for i, slot := range s.solver.Tensors() {
		require.Equal(t, tr.solver.Tensors()[i].Weights, slot.Weights, slot.Name)
	}
}

func TestStepperRefusesABatchThatIsNotFinite(t *testing.T) {
	s := smallStepper(t, nil)
	before := append([]float32(nil), s.solver.Tensors()[0].Weights...)
	s.Pictures()[5] = float32(math.NaN())
	_, err := s.Step()
	require.ErrorContains(t, err, "the step was not made")
	require.Equal(t, before, s.solver.Tensors()[0].Weights)
}

func TestNewStepperSaysWhatIsWrong(t *testing.T) {
	for want, cfg := range map[string]StepperConfig{
		"a batch of 0 pictures": {},
		"Loss:":                 {Batch: 4, Loss: "triplit"},
		"Solver.LR is -1":       {Batch: 4, Solver: optim.Config{LR: -1}},
		"Net.Backbone is":       {Batch: 4, Net: nets.Config{Backbone: "cnm"}},
	} {
		_, err := NewStepper(cfg)
		assert.ErrorContains(t, err, want)
	}
}

func TestStepperTakesTheZeroNet(t *testing.T) {
	s, err := NewStepper(StepperConfig{Batch: 4})
	require.NoError(t, err)
	defer s.Close()
	require.Len(t, s.Pictures(), 4*28*28)
}
