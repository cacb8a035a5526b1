package trainer

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/wording"
	"medusa/machine"
	"medusa/optim"
)

// guard remembers what a forward pass changes besides the graph's own values: running
// statistics and counters. They are put back when the pass was no good. There is a turn for
// each step that may be under way.
type guard struct {
	save, restore [guardTurns]func() error
}

const guardTurns = optim.MaxPending

func (g *guard) open(dev *machine.Device, params *graph.Params) error {
	var live [][]float32
	for _, item := range params.All() {
		if item.Buffer {
			live = append(live, item.Value.Float32s())
		}
	}
	for turn := range guardTurns {
		var old [][]float32
		for _, x := range live {
			old = append(old, make([]float32, len(x)))
		}
		var err error
		if g.save[turn], err = dev.Copier(old, live); err != nil {
			return err
		}
		if g.restore[turn], err = dev.Copier(live, old); err != nil {
			return err
		}
	}
	return nil
}

func (g *guard) remember(turn int) error { return g.save[turn]() }

// undo puts back what was remembered, and returns why that was needed.
func (g *guard) undo(turn int, why error) error {
	err := g.restore[turn]()
	if why != nil && err != nil {
		return bothErrors{why, err}
	}
	return cmp.Or(why, err)
}

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

// figures returns an error if one of those that the log and the screen show of the step just
// made is not finite.
func (t *Trainer) figures(b *datasets.Batch) error {
	i := t.info
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

// moved checks at the first step that has a gradient that every learned tensor gets one
// and moves: Gorgonia does not say when it forgets one (gorgonia #402).
type moved struct {
	dev *machine.Device
	old [][]float32
	// lossRests says that weights of the loss may stay where they are at first, by its schedule.
	lossRests bool
}

func (m *moved) before(s *optim.Solver, st *state) error {
	if st.Moved {
		return nil
	}
	learned := s.Tensors()
	if err := m.dev.Read(learnedIn(learned)...); err != nil {
		return err
	}
	m.old = m.old[:0]
	for _, t := range learned {
		m.old = append(m.old, slices.Clone(t.Weights))
	}
	return nil
}

func (m *moved) after(s *optim.Solver, st *state) ([]Warning, error) {
	if st.Moved || m.old == nil {
		return nil, nil
	}
	learned := s.Tensors()
	if err := m.dev.Read(learnedIn(learned)...); err != nil {
		return nil, err
	}
	var still []string
	learning := 0
	for i, t := range learned {
		if s.LR(i) == 0 { // frozen by Options.Rate
			continue
		}
		if learning++; unchanged(t.Weights, m.old[i]) {
			still = append(still, t.Name)
		}
	}
	if len(still) == learning { // a batch without any gradient: look at the next one
		return nil, nil
	}
	st.Moved, m.old = true, nil
	if m.lossRests {
		still = slices.DeleteFunc(still, func(name string) bool { return strings.HasPrefix(name, lossPrefix) })
	}
	if len(still) == 0 {
		return nil, nil
	}
	return []Warning{{
		Step: st.Step, Kind: KindUnused,
		Message: "no step reaches " + wording.Few(still) + ": the loss does not depend on them, or too little for their precision",
		Advice:  "take them out of the network or the loss, or look where the graph between them and the loss is cut",
	}}, nil
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
