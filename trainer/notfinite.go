package trainer

import (
	"fmt"
	"strings"

	"medusa/datasets"
	"medusa/internal/wording"
	"medusa/optim"
)

// NotFiniteError says that a loss or a gradient became NaN or infinite. The step was not
// made; the checkpoint holds the state before it. With a Figure, loss and gradient were
// finite and the step was made, but something else that the log tells of it is not.
type NotFiniteError struct {
	Step    int
	Loss    float64
	Figure  string   // of a step that was made: what the log has of it that is no number
	Value   float64  // of Figure
	Tensors []string // learned tensors whose gradient is not finite
	Indices []int    // of the batch, in the training set
	Paths   []string // of the batch's pictures
}

func (e *NotFiniteError) Error() string {
	return "trainer: " + e.In(Naming(nil).of)
}

// In is the message in other words for the fields, as FieldError has it.
func (e *NotFiniteError) In(name func(field, value string) string) string {
	const shown = 8
	indices := fmt.Sprint(e.Indices[:min(shown, len(e.Indices))])
	if len(e.Indices) > shown {
		indices = strings.TrimSuffix(indices, "]") + " …]"
	}
	paths := strings.Join(e.Paths[:min(shown, len(e.Paths))], ", ")
	if len(e.Paths) > shown {
		paths += " …"
	}
	what := fmt.Sprintf("the loss is %v", e.Loss)
	if finite(e.Loss) {
		what = "the gradient is not finite to " + wording.Few(e.Tensors)
	}
	made := "the step was not made, and the checkpoint holds the state before it"
	if e.Figure != "" {
		what = fmt.Sprintf("the %s is %v, though the loss is %v", e.Figure, e.Value, e.Loss)
		made = "the step was made, and the checkpoint holds the state after it"
	}
	return fmt.Sprintf("step %d: %s; %s. "+
		"Begin a new run with a lower learning rate (%s), warm it up (%s), or clip the gradient (%s). The batch: indices %s, pictures %s",
		e.Step, what, made, name("Solver.LR", ""), name("Schedule.Warmup", ""), name("Clip", ""), indices, paths)
}

// finiteFigures returns an error if one of those that the log and the screen show of the step just
// made is not finite.
func (t *Trainer) finiteFigures(b *datasets.Batch, i StepInfo) error {
	for _, f := range []struct {
		name  string
		value float64
	}{
		{"norm of the gradient", i.GradNorm}, {"active share", i.ActiveShare},
		{"mean length of the embeddings", i.EmbeddingNorm},
		{"mean distance of pairs of one class", i.MeanPositive}, {"mean distance of pairs of two classes", i.MeanNegative},
	} {
		if !finite(f.value) {
			e := t.batchError(b, i.Step)
			e.Loss, e.Figure, e.Value = i.Loss, f.name, f.value
			return e
		}
	}
	return nil
}

func (t *Trainer) notFinite(b *datasets.Batch, r optim.Result) error {
	e := t.batchError(b, t.state.Step+1)
	e.Loss, e.Tensors = r.Loss, r.Broken
	return e
}

// batchError is an error that names step and batch.
func (t *Trainer) batchError(b *datasets.Batch, step int) *NotFiniteError {
	e := &NotFiniteError{Step: step, Indices: append([]int(nil), b.Indices...)}
	for _, i := range b.Indices {
		e.Paths = append(e.Paths, t.data.Train.Path(i))
	}
	return e
}
