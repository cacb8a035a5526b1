package trainer

import (
	"cmp"
	"context"
	"io"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/exclusive"
	"medusa/internal/needs"
	"medusa/losses"
	"medusa/machine"
	"medusa/model"
	"medusa/nets"
	"medusa/optim"
)

// StepperConfig says what a Stepper trains. Channels, height and width of the pictures
// are those of Net.
type StepperConfig struct {
	Net       nets.Config
	Loss      string              // as losses.Parse reads it; triplet if empty
	Solver    optim.Config        // adam if zero; the learning rate stays as it is
	Batch     int                 // B, pictures in a batch
	Classes   int                 // that labels come from, for losses with weights for each class
	Clip      float64             // largest global norm of the gradient; 0: not clipped
	ClipValue float64             // largest size of a number of the gradient; 0: not clipped
	Average   optim.AverageConfig // of the weights, for Embed and Save; none if zero
	Seed      uint64              // of the initial weights
	Device    string              // cpu, cuda, cuda:N or auto; cpu if empty
	TF32      bool                // whether a GPU may round the factors of products to 10 bits

	Accumulate int  // parts that a batch is computed in: see Config.Accumulate
	Recompute  bool // takes less memory for more time: see Config.Recompute

	AnyOrder bool // whether a GPU may make sums in any order

	// LossValue and Backbone, if not nil, stand in for Loss and Net.Backbone, and Rate is a factor
	// on learning rates: see Options.
	LossValue losses.Loss
	Backbone  nets.Builder
	Rate      func(step int, parameter string) float64

	// LRScales multiplies the learning rate of the parameters whose names begin with its keys; the
	// longest key that fits counts, and 0 freezes: see Options.LRScales.
	LRScales map[string]float64
}

// Stepper is a run's training step without what stands around it: pictures and labels
// come from the caller, and nothing is measured, or saved but when asked for. It is for benchmarks and for
// loops of one's own. One goroutine uses it at a time, and another one gets an error.
type Stepper struct {
	use exclusive.Use
	*learner
	lossText string
}

// NewStepper builds network, loss, gradients and solver.
func NewStepper(cfg StepperConfig) (*Stepper, error) {
	if cfg.Batch < 1 {
		return nil, errors.Errorf("trainer: a batch of %d pictures, want at least 1", cfg.Batch)
	}
	run := Config{Net: cfg.Net, Loss: cfg.Loss, Solver: cfg.Solver, Clip: cfg.Clip, ClipValue: cfg.ClipValue, Average: cfg.Average, Seed: cfg.Seed, Device: cfg.Device, Accumulate: cfg.Accumulate, Recompute: cfg.Recompute}
	given := Options{Loss: cfg.LossValue, Backbone: cfg.Backbone}
	run, err := given.applyTo(run)
	if err != nil {
		return nil, err
	}
	cfg.Net, cfg.LossValue = run.Net, given.Loss
	if err := run.validate(given); err != nil {
		return nil, err
	}
	run = run.Defaults()
	device, err := machine.Open(cfg.Device, machine.Options{TF32: cfg.TF32, AnyOrder: cfg.AnyOrder})
	if err != nil {
		return nil, errors.Wrap(err, "trainer")
	}
	l, err := newLearner(run, learnerParts{
		net: withPictures(cfg.Net), device: device, batch: cfg.Batch, evalBatch: model.Batch, rate: cfg.Rate, scales: cfg.LRScales,
		loss: func(embedding, trunk int) (losses.Loss, error) {
			return lossOf(cfg.LossValue, run.Loss, losses.Setting{Classes: cfg.Classes, EmbeddingSize: embedding, TrunkSize: trunk, Seed: cfg.Seed})
		},
	})
	if err != nil {
		device.Close()
		return nil, err
	}
	return &Stepper{learner: l, lossText: run.Loss}, nil
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
func (s *Stepper) Pictures() []float32 { return s.train.x }

// Labels is the memory of the batch's labels (B), whole numbers, to be filled before
// Step.
func (s *Stepper) Labels() []float32 { return s.train.y }

// PinBatch copies pictures and labels, as they are now, to the device and leaves them there: every
// Step learns from that batch, and none copies it again. Call it before the first Step. On the CPU it
// does nothing.
func (s *Stepper) PinBatch() error {
	if err := s.use.Begin(theStepper); err != nil {
		return err
	}
	defer s.use.End()
	return errors.Wrap(s.device.Change(s.train.x, s.train.y), "trainer")
}

// Params is the parameters of network and loss as they are, under the prefixes backbone.,
// embedding. and loss. What is written into them, such as by Load, counts from the next Step,
// Begin, Embed or Save on; it is written before that, after a call of Params. No step may be
// under way. Averages follow what is written once steps were made, and begin with it before.
func (s *Stepper) Params() (*graph.Params, error) {
	if err := s.pause(); err != nil {
		return nil, err
	}
	defer s.use.End()
	return s.lend()
}

// pause begins the use for what needs all steps to have ended, and brings to the device what was
// written into Params.
func (s *Stepper) pause() error {
	if err := s.use.Begin(theStepper); err != nil {
		return err
	}
	var err error
	if s.underWay() > 0 {
		err = errors.New("trainer: a step is under way: call Finish first")
	} else {
		err = s.takeBack(false)
	}
	if err != nil {
		s.use.End()
	}
	return err
}

// Save writes the network as it is as a model file, which model.Load reads. info says what the
// stepper does not know, such as the pictures' normalisation; its Net and Loss are the
// stepper's, and its Step, if 0, is the number of steps made.
func (s *Stepper) Save(w io.Writer, info model.Info) error {
	if err := s.pause(); err != nil {
		return err
	}
	defer s.use.End()
	info.Net, info.Loss, info.Step = s.net, s.lossText, cmp.Or(info.Step, s.solver.Steps())
	return inTrainer(model.Write(w, info, s.averaged, s.device))
}

// Embed is the embeddings (N, E) of normalised pictures (N, C, H, W) with the weights as they
// are, row-major.
func (s *Stepper) Embed(ctx context.Context, pictures []float32) ([]float32, error) {
	if err := needs.Context("trainer", ctx); err != nil {
		return nil, err
	}
	if err := s.pause(); err != nil {
		return nil, err
	}
	defer s.use.End()
	return s.embedPixels(ctx, pictures)
}

// EmbeddingSize is the length E of an embedding.
func (s *Stepper) EmbeddingSize() int { return s.train.size }

// DeviceMemory is how many bytes of the device's memory the stepper has taken; 0 on the CPU.
func (s *Stepper) DeviceMemory() int64 { return s.device.Allocated() }

// Step learns from the batch and returns its loss. If loss or gradient are not finite the
// weights stay as they are and the error says so.
func (s *Stepper) Step() (loss float64, err error) {
	if err := s.use.Begin(theStepper); err != nil {
		return 0, err
	}
	defer s.use.End()
	if err := s.beginStep(); err != nil {
		return 0, err
	}
	return s.finish()
}

const theStepper = "trainer: the stepper"

// Begin is Step without its result: on a device it only puts the step there, and the next
// batch may be filled in and begun while it is at work. It waits for steps begun before if more
// than one is under way, and its error may be one of theirs.
func (s *Stepper) Begin() error {
	if err := s.use.Begin(theStepper); err != nil {
		return err
	}
	defer s.use.End()
	return s.beginStep()
}

func (s *Stepper) beginStep() error {
	if err := s.takeBack(false); err != nil {
		return err
	}
	for s.underWay() >= optim.MaxPending {
		if _, err := s.await(); err != nil {
			return err
		}
	}
	return s.begin(s.solver.Config().LR)
}

// Finish waits for all steps begun and returns the loss of the last.
func (s *Stepper) Finish() (loss float64, err error) {
	if err := s.use.Begin(theStepper); err != nil {
		return 0, err
	}
	defer s.use.End()
	return s.finish()
}

func (s *Stepper) finish() (loss float64, err error) {
	if s.underWay() == 0 {
		return 0, errors.New("trainer: no step is under way: call Begin first")
	}
	for s.underWay() > 0 {
		if loss, err = s.await(); err != nil {
			break
		}
	}
	return loss, err
}

func (s *Stepper) await() (loss float64, err error) {
	r, err := s.end()
	if err == nil && !r.Made() {
		err = errors.Errorf("trainer: the loss is %v, the square of the gradient's norm %v: the step was not made; lower the learning rate or clip the gradient", r.Loss, r.Squared)
	}
	return r.Loss, err
}

// Close gives back what the stepper holds.
func (s *Stepper) Close() error {
	if err := s.use.Begin(theStepper); err != nil {
		return err
	}
	defer s.use.End()
	return s.close()
}
