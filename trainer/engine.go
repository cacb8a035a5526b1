package trainer

import (
	"medusa/graph"
	"medusa/machine"
)

// engine makes training steps. On a device a step may be begun before the one before it has
// ended, so that the device never waits for the program.
type engine struct {
	step    *step
	solver  *solver
	guard   guard
	nextEnd int // the guard's turn of the first of them
}

// stepResult is what a step was made of.
type stepResult struct {
	loss, squared float64  // squared: of the gradient's norm
	broken        []string // the tensors whose gradient is not finite
}

// made tells whether the step was: whether loss and gradient are finite.
func (r stepResult) made() bool { return finite(r.loss) && finite(r.squared) }

// begin puts a step on the device, for the batch in step.x and step.y, which may be filled anew
// when it returns. At most two may be under way.
func (e *engine) begin(lr, clip float64) error {
	turn := (e.nextEnd + e.flying()) % guardTurns
	if err := e.guard.remember(turn); err != nil {
		return err
	}
	if err := e.step.run(); err != nil {
		return e.guard.undo(turn, err)
	}
	if err := e.solver.begin(e.step.loss, lr, clip); err != nil {
		return e.guard.undo(turn, err)
	}
	return nil
}

// end waits for the first step under way. If that failed, everything is as before it, and
// those begun since are dropped.
func (e *engine) end() (stepResult, error) {
	turn := e.nextEnd
	r, err := e.solver.end()
	if err != nil || !r.made() {
		e.nextEnd = 0
		return r, e.guard.undo(turn, err)
	}
	e.nextEnd = (turn + 1) % guardTurns
	return r, nil
}

// flying is how many steps were begun and have not ended.
func (e *engine) flying() int { return e.solver.flying }

// newEngine takes what a step changes besides learned tensors from params.
func newEngine(s *step, solver *solver, dev *machine.Device, params *graph.Params) (*engine, error) {
	e := &engine{step: s, solver: solver}
	return e, e.guard.open(dev, params)
}
