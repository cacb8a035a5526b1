package trainer

import (
	"medusa/graph"
	"medusa/machine"
	"medusa/optim"
)

// engine makes training steps. On a device a step may be begun before the one before it has
// ended, so that the device never waits for the program.
type engine struct {
	step    *step
	solver  *optim.Solver
	guard   guard
	nextEnd int // the guard's turn of the first of them
}

// begin puts a step on the device, for the batch in step.x and step.y, which may be filled anew
// when it returns. At most two may be under way.
func (e *engine) begin(lr float64) error {
	turn := (e.nextEnd + e.flying()) % guardTurns
	if err := e.guard.remember(turn); err != nil {
		return err
	}
	if err := e.step.run(); err != nil {
		return e.guard.undo(turn, err)
	}
	if err := e.solver.Begin(e.step.loss, lr); err != nil {
		return e.guard.undo(turn, err)
	}
	return nil
}

// end waits for the first step under way. If that failed, everything is as before it, and
// those begun since are dropped.
func (e *engine) end() (optim.Result, error) {
	turn := e.nextEnd
	r, err := e.solver.End()
	if err != nil || !r.Made() {
		e.nextEnd = 0
		return r, e.guard.undo(turn, err)
	}
	e.nextEnd = (turn + 1) % guardTurns
	return r, nil
}

// flying is how many steps were begun and have not ended.
func (e *engine) flying() int { return e.solver.Pending() }

// newEngine takes what a step changes besides learned tensors from params.
func newEngine(s *step, solver *optim.Solver, dev *machine.Device, params *graph.Params) (*engine, error) {
	e := &engine{step: s, solver: solver}
	return e, e.guard.open(dev, params)
}
