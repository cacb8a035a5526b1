package gpu

import (
	"math"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/device"
)

// The places of solver.cu's control.
const (
	controlLR      = 2
	controlFirst   = 3
	controlSecond  = 4
	controlClip    = 5
	controlLoss    = 6
	controlSquared = 7
	controlSize    = 8
)

// squaresAtOnce is how many numbers a block of sum_squares adds up.
const squaresAtOnce = 4096

type solver struct {
	d       *Device
	rule    device.SolverRule
	control *cuda.Buffer
	given   *cuda.Pinned // what the host fills of control, until the copy is done
	copied  *cuda.Event
	squares []step
	decide  *launch
	moves   []step
	answer  []float64
}

// NewSolver makes a solver of tensors.
func (d *Device) NewSolver(rule device.SolverRule, tensors []device.SolverTensor) (device.Solver, error) {
	s := &solver{d: d, rule: rule, answer: make([]float64, controlSize)}
	var err error
	if s.control, err = d.buffer(2 * controlSize); err != nil {
		return nil, err
	}
	if err := d.stream.FillWords(s.control, 0, 2*controlSize); err != nil {
		return nil, errors.Wrap(err, "gpu: solver")
	}
	if s.given, err = d.pinned(8 * controlSize); err != nil {
		return nil, err
	}
	if s.copied, err = d.event(); err != nil {
		return nil, err
	}
	count := 0
	for _, t := range tensors {
		count += (t.N + squaresAtOnce - 1) / squaresAtOnce
	}
	parts, err := d.buffer(2 * max(count, 1))
	if err != nil {
		return nil, err
	}
	b := &builder{d: d}
	at := 0
	for _, t := range tensors {
		n := (t.N + squaresAtOnce - 1) / squaresAtOnce
		b.launch("sum_squares", blocks(n), t.N, remote(t.G), fixed(parts).from(2*at))
		at += n
	}
	s.squares, b.steps = b.steps, nil
	b.launch("control_step", blocks(1), count, fixed(parts), in(0), d.reportTo(), fixed(s.control))
	if b.err == nil {
		s.decide = b.steps[0].(*launch)
	}
	b.steps = nil
	for _, t := range tensors {
		b.move(rule, t, fixed(s.control))
	}
	s.moves = b.steps
	return s, errors.Wrap(b.err, "gpu: solver")
}

// remote is memory of the device as an operand, null if it is nil.
func remote(r device.Remote) operand {
	if b, ok := r.(*cuda.Buffer); ok && b != nil {
		return fixed(b)
	}
	return null
}

// move is the step of one tensor.
func (b *builder) move(r device.SolverRule, t device.SolverTensor, control operand) {
	w, g, first, second := remote(t.W), remote(t.G), remote(t.First), remote(t.Second)
	switch r.Name {
	case "sgd":
		b.launch("sgd", flat(t.N), t.N, t.Rate, f32(r.Momentum), f32(t.Decay), r.Nesterov, control, g, w, first)
	case "adam", "adamw":
		b.launch("adam", flat(t.N), t.N, t.Rate, t.Decay, r.Name == "adamw", f32(1-r.Beta1), f32(r.Beta2), f32(1-r.Beta2), f32(r.Eps), control, g, w, first, second)
	case "rmsprop":
		b.launch("rmsprop", flat(t.N), t.N, t.Rate, f32(r.Momentum), f32(t.Decay), f32(r.Alpha), f32(1-r.Alpha), f32(r.Eps), control, g, w, second, first)
	default:
		b.err = errors.Errorf("gpu: no solver %q", r.Name)
	}
}

// Step puts one step on the stream.
func (s *solver) Step(loss device.Remote, lr, clip float64, count int) error {
	at, ok := loss.(*cuda.Buffer)
	if !ok {
		return errors.New("gpu: solver: the loss is not on the device")
	}
	if err := s.copied.Synchronize(); err != nil {
		return errors.Wrap(err, "gpu: solver")
	}
	given := cuda.View[float64](s.given)
	given[0] = lr
	given[1] = 1 / (1 - math.Pow(s.rule.Beta1, float64(count)))
	given[2] = math.Sqrt(1 - math.Pow(s.rule.Beta2, float64(count)))
	given[3] = clip
	part, err := s.control.Part(8*controlLR, 8*(controlClip-controlLR+1))
	if err != nil {
		return err
	}
	if err := s.d.stream.CopyIn(part, s.given, 8*(controlClip-controlLR+1)); err != nil {
		return errors.Wrap(err, "gpu: solver")
	}
	if err := s.copied.Record(s.d.stream); err != nil {
		return errors.Wrap(err, "gpu: solver")
	}
	b := &buffers{d: s.d, in: []*cuda.Buffer{at}}
	for _, steps := range [][]step{s.squares, {s.decide}, s.moves} {
		for _, l := range steps {
			if err := l.run(b); err != nil {
				return errors.Wrap(err, "gpu: solver")
			}
		}
	}
	return nil
}

// Result waits for the step.
func (s *solver) Result() (loss, squared float64, err error) {
	if err := cuda.Download(s.d.stream, s.answer, s.control); err != nil {
		return 0, 0, errors.Wrap(err, "gpu: solver")
	}
	if err := s.d.Check(); err != nil {
		return 0, 0, err
	}
	return s.answer[controlLoss], s.answer[controlSquared], nil
}
