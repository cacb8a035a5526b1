package trainer

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/losses"
	"medusa/nets"
)

// StepperConfig says what a Stepper trains. Channels, height and width of the pictures
// are those of Net.
type StepperConfig struct {
	Net     nets.Config
	Loss    string       // as losses.Parse reads it; triplet if empty
	Solver  SolverConfig // adam if zero; the learning rate stays as it is
	Batch   int          // B, pictures in a batch
	Classes int          // that labels come from, for losses with weights for each class
	Clip    float64      // largest global norm of the gradient; 0: not clipped
	Seed    uint64       // of the initial weights
}

// Stepper is a run's training step without what stands around it: pictures and labels
// come from the caller, and nothing is measured or saved. It is for benchmarks and for
// loops of one's own, and not safe for concurrent use.
type Stepper struct {
	step   *step
	solver *solver
	params *graph.Params
	own    *graph.Params // of the loss; nil if it has none
	clip   float64
	guard  guard
}

// NewStepper builds network, loss, gradients and solver.
func NewStepper(cfg StepperConfig) (*Stepper, error) {
	if cfg.Batch < 1 {
		return nil, errors.Errorf("trainer: a batch of %d pictures, want at least 1", cfg.Batch)
	}
	run := Config{Net: cfg.Net, Loss: cfg.Loss, Solver: cfg.Solver, Clip: cfg.Clip}
	if err := run.Validate(); err != nil {
		return nil, err
	}
	run = run.Defaults()
	s := &Stepper{params: graph.NewParams(cfg.Seed), clip: cfg.Clip}
	net := withPictures(cfg.Net)
	var loss losses.Loss
	var err error
	s.step, loss, err = newStep(net, s.params, cfg.Batch, func(embedding, trunk int) (losses.Loss, error) {
		return losses.Parse(run.Loss, losses.Setting{Classes: cfg.Classes, EmbeddingSize: embedding, TrunkSize: trunk, Seed: cfg.Seed})
	})
	if err != nil {
		return nil, err
	}
	if l, ok := loss.(losses.Trainable); ok {
		s.own = l.Params()
	}
	for _, slot := range s.step.slots[len(s.step.slots)-s.step.ownSlots:] {
		slot.rate *= run.Solver.LossLR
	}
	s.solver = newSolver(run.Solver, s.step.slots)
	return s, nil
}

// withPictures fills in the size of pictures that nets.Config's zero value stands for.
func withPictures(c nets.Config) nets.Config {
	for p, def := range map[*int]int{&c.InChannels: 1, &c.Height: 28, &c.Width: 28} {
		if *p == 0 {
			*p = def
		}
	}
	return c
}

// Pictures is the memory of the batch's pictures (B, C, H, W), to be filled before Step.
func (s *Stepper) Pictures() []float32 { return s.step.x }

// Labels is the memory of the batch's labels (B), whole numbers, to be filled before
// Step.
func (s *Stepper) Labels() []float32 { return s.step.y }

// Step learns from the batch and returns its loss. If loss or gradient are not finite the
// weights stay as they are and the error says so.
func (s *Stepper) Step() (loss float64, err error) {
	s.guard.remember(s.params, s.own)
	if err := s.step.run(); err != nil {
		s.guard.undo()
		return 0, err
	}
	loss, squared := s.step.loss.Scalar(), s.solver.squaredNorm()
	if !finite(loss) || !finite(squared) {
		s.guard.undo()
		return loss, errors.Errorf("trainer: the loss is %v, the square of the gradient's norm %v: the step was not made; lower the learning rate or clip the gradient", loss, squared)
	}
	s.solver.apply(s.solver.cfg.LR, clipping(s.clip, math.Sqrt(squared)))
	return loss, nil
}

// clipping is the factor that brings a gradient of that norm down to at most clip.
func clipping(clip, norm float64) float64 {
	if clip > 0 && norm > clip {
		return clip / norm
	}
	return 1
}

// Close gives back what the stepper holds.
func (s *Stepper) Close() error { return s.step.close() }
