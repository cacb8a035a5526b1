package trainer

import (
	"context"
	"fmt"
)

// HookError says that a hook ended the run. The run folder then holds a checkpoint of
// the step, from which Resume goes on, and the model of the weights so far.
type HookError struct {
	Err       error  // that the hook returned
	Step      int    // steps done
	ModelStep int    // the step that the weights of the model are of
	Model     string // path of the model; empty if none was written
	Dir       string // the run folder
}

func (e *HookError) Error() string {
	model := ""
	if e.Model != "" {
		model = fmt.Sprintf(", and the model so far, of step %d, is %s", e.ModelStep, e.Model)
	}
	return fmt.Sprintf("trainer: a hook stopped the run after step %d: %v; resuming %s goes on from there%s", e.Step, e.Err, e.Dir, model)
}

func (e *HookError) Unwrap() error { return e.Err }

// leaveModel writes the model of a run that a hook ended: of the weights that would be
// kept if the run were over. Before the first step there is nothing worth a model.
func (t *Trainer) leaveModel(ctx context.Context, hook *HookError, r *Result) error {
	if t.state.Step == 0 {
		return nil
	}
	if r.Model == "" {
		if err := t.makeModel(ctx, r); err != nil {
			return err
		}
	}
	hook.Model, hook.ModelStep = r.Model, r.ModelStep
	return nil
}
