package optim

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/device"
)

// stepRemote puts a step on the device.
func (s *Solver) stepRemote(loss *graph.Kept, lr float64, rates []float64) error {
	if s.changes == nil {
		s.changes = append(s.weights(), s.memory()...)
	}
	if err := s.o.Device.Change(s.changes...); err != nil {
		return err
	}
	if s.remote == nil { // the gradients have their memory since the graph ran
		if err := s.makeRemote(loss); err != nil {
			return err
		}
	}
	step := device.SolverStep{Loss: loss.Remote(), LR: lr, Clip: s.o.Clip, Count: s.count + s.pending + 1, Rates: rates}
	s.correctLate(&step)
	if s.averages != nil {
		step.Average = 1 - s.averages.Kept(step.Count)
	}
	return s.remote.Step(step)
}

func (s *Solver) makeRemote(loss *graph.Kept) (err error) {
	if loss.Remote() == nil {
		return errors.Errorf("optim: the loss is not on %s: run the graph there first, with a machine of machine.On", s.o.Device.Name())
	}
	c, dev := s.cfg, s.o.Device
	rule := device.SolverRule{Name: c.Name, Momentum: c.Momentum, Beta1: c.Beta1, Beta2: c.Beta2, Alpha: c.Alpha, Eps: c.Eps, Nesterov: c.Nesterov, ClipValue: s.o.ClipValue}
	var tensors []device.SolverTensor
	for _, t := range s.slots {
		if t.Grad.Remote() == nil {
			return errors.Errorf("optim: the gradient to %s is not on %s: run its graph there first, with a machine of machine.On", t.Name, dev.Name())
		}
		x := device.SolverTensor{
			N: len(t.Weights), W: dev.Memory(t.Weights), G: t.Grad.Remote(), First: dev.Memory(t.first), Second: dev.Memory(t.second), Decay: t.decay, Rate: t.rate, Adapt: !t.vector,
		}
		if t.Rows != nil {
			n := t.Rows.Indices().Shape().TotalSize()
			x.Rows = &device.SolverRows{Indices: t.Rows.Indices().Remote(), N: n, Cols: t.Grad.Shape()[1], All: c.AllRows}
		}
		tensors = append(tensors, x)
	}
	s.remote, err = dev.Accelerator().NewSolver(rule, tensors, s.averages.remote(dev))
	return err
}

// endRemote waits for the device.
func (s *Solver) endRemote() (Result, error) {
	got, err := s.remote.Result()
	r := Result{Loss: got.Loss, Squared: got.Squared}
	for _, i := range got.Broken {
		r.Broken = append(r.Broken, s.slots[i].Name)
	}
	if err != nil || !r.Made() {
		s.pending = 0
		return r, err
	}
	s.pending--
	s.count++
	return r, nil
}
