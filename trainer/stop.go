package trainer

import "github.com/pkg/errors"

// ErrStop, which a hook returns, alone or wrapped, ends the run well: the step at hand is
// finished (on a device also the one that was begun behind it), the validation classes are
// measured, and the run has its model, figures, report and result, with StopHook. Such a run is
// finished: Resume makes what is missing of it, and no more steps.
var ErrStop = errors.New("trainer: a hook asks the run to end")

// noteStop takes note of a hook's ErrStop, until the run is over.
func (t *Trainer) noteStop() {
	if !t.state.Stopped {
		t.state.Stopped, t.unsaved = true, true
	}
}
