package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/internal/exclusive"
)

// NewForward makes a machine as NewMachine does, for graphs without gradients that take
// little time a run, such as the embedding of one picture: it runs the ops one after the
// other where it is called, whereas Gorgonia's machine starts a goroutine on another
// system thread and waits for it, which takes up to 0.05 ms a run. A graph with ops of
// Gorgonia's own gets NewMachine's.
func NewForward(g *gorgonia.ExprGraph) (vm gorgonia.VM, err error) {
	defer Guard("making a machine", &err)
	if g == nil {
		return nil, errors.New("graph: no graph to make a machine of")
	}
	whole := pruned(g)
	sorted, err := gorgonia.Sort(whole)
	if err != nil {
		return nil, errors.Wrap(err, "graph: order of ops")
	}
	f := &forward{}
	for i := len(sorted) - 1; i >= 0; i-- { // Sort has what reads before what is read
		n := sorted[i]
		if n.Op() == nil || n.Op().Arity() == 0 {
			continue
		}
		o, ok := n.Op().(*op)
		if !ok || !o.isAt(n) {
			return NewMachine(g)
		}
		f.steps = append(f.steps, forwardStep{op: o, in: make([]gorgonia.Value, len(o.from))})
	}
	newPlan(whole).chain(whole)
	return f, nil
}

// forward is a gorgonia.VM without gradients.
type forward struct {
	use   exclusive.Use
	steps []forwardStep
}

type forwardStep struct {
	op *op
	in []gorgonia.Value
}

// RunAll runs all ops.
func (f *forward) RunAll() error {
	if err := f.use.Begin(theMachine); err != nil {
		return err
	}
	defer f.use.End()
	for _, s := range f.steps {
		for i, n := range s.op.from {
			if p, ok := n.Op().(*op); ok {
				s.in[i] = p.value
			} else {
				s.in[i] = n.Value()
			}
			if s.in[i] == nil {
				return errors.Errorf("graph: running %s: input %d, %s, has no value; bind one with gorgonia.Let", s.op, i, n.Name())
			}
		}
		if _, err := s.op.Do(s.in...); err != nil {
			return err
		}
	}
	return nil
}

// Reset is called between runs; there is nothing to do.
func (f *forward) Reset() {}

// Close frees nothing that the garbage collector does not.
func (f *forward) Close() error { return nil }
