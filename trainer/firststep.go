package trainer

import (
	"context"
	"math"
	"slices"
	"strings"

	"medusa/internal/wording"
	"medusa/losses"
	"medusa/optim"
)

// firstStep checks at the first step that has a gradient that every learned tensor gets one and
// moves: Gorgonia does not say when it forgets one (gorgonia #402).
type firstStep struct {
	*learner
	before [][]float32 // the weights before the step
}

// checkFirstStep is the hook that makes the check, unless *moved says that it was made already; warn is
// told which tensors did not move.
func checkFirstStep(l *learner, moved *bool, warn func(Warning)) Hook {
	f := &firstStep{learner: l}
	return Hook{
		BeforeStep: func(context.Context, int) error {
			if *moved {
				return nil
			}
			return f.remember()
		},
		Step: func(_ context.Context, i StepInfo) error {
			if *moved || f.before == nil {
				return nil
			}
			unmoved, learned, err := f.compare()
			if err != nil || !learned {
				return err
			}
			*moved, f.before = true, nil
			if len(unmoved) > 0 {
				warn(Warning{
					Kind:    KindUnused,
					Message: "no step reaches " + wording.Few(unmoved) + ": the loss does not depend on them, or too little for their precision",
					Advice:  "take them out of the network or the loss, or look where the graph between them and the loss is cut",
				})
			}
			return nil
		},
	}
}

// remember copies the weights.
func (f *firstStep) remember() error {
	learned := f.solver.Tensors()
	if err := f.device.Read(learnedIn(learned)...); err != nil {
		return err
	}
	f.before = f.before[:0]
	for _, t := range learned {
		f.before = append(f.before, slices.Clone(t.Weights))
	}
	return nil
}

// compare names the tensors that should have moved and did not. learned is false if the batch had no
// gradient at all: then the next batch is the first to tell.
func (f *firstStep) compare() (unmoved []string, learned bool, err error) {
	tensors := f.solver.Tensors()
	if err := f.device.Read(learnedIn(tensors)...); err != nil {
		return nil, false, err
	}
	learning := 0
	for i, t := range tensors {
		if f.solver.LR(i) == 0 { // frozen by Options.Rate
			continue
		}
		if learning++; unchanged(t.Weights, f.before[i]) {
			unmoved = append(unmoved, t.Name)
		}
	}
	if len(unmoved) == learning {
		return nil, false, nil
	}
	if losses.RestsAtFirst(f.loss) { // its weights may stay where they are at first, by its schedule
		unmoved = slices.DeleteFunc(unmoved, func(name string) bool { return strings.HasPrefix(name, lossPrefix) })
	}
	return unmoved, true, nil
}

func learnedIn(tensors []optim.Tensor) [][]float32 {
	out := make([][]float32, len(tensors))
	for i, t := range tensors {
		out[i] = t.Weights
	}
	return out
}

func unchanged(a, b []float32) bool {
	for i, v := range a {
		if math.Float32bits(v) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}
