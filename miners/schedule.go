package miners

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Schedule changes the miner in training: the first of Miners chooses until the training made
// Steps[0] steps, the second one until it made Steps[1], and so on; the last one for ever. A nil
// miner chooses all. The count of steps is part of the run: a resumed one goes on with it.
//
// At every step all of the miners run, and the choice of all but one is dropped.
type Schedule struct {
	Miners []Miner `doc:"what chooses, one after another" none:"all"`
	Steps  []int   `doc:"numbers of steps after which the next one follows, one less than miners" min:"1"`

	params *graph.Params
}

func init() {
	Register("schedule", "one miner after another, by the number of steps made", &Schedule{Miners: []Miner{nil, BatchHard{}}, Steps: []int{1000}})
}

var _ Stateful = (*Schedule)(nil)

// Validate says what does not go together.
func (m *Schedule) Validate() error {
	if len(m.Miners) == 0 || len(m.Steps) != len(m.Miners)-1 {
		return errors.Errorf("miners: schedule: %d miners and %d steps, want at least one miner, and a step after each but the last", len(m.Miners), len(m.Steps))
	}
	last := 0
	for _, s := range m.Steps {
		if s <= last {
			return errors.Errorf("miners: schedule: steps %v, want numbers above 0, each above the one before", m.Steps)
		}
		last = s
	}
	for i, part := range m.Miners {
		if part == nil {
			continue
		}
		if err := given(part); err != nil {
			return errors.Wrapf(err, "miners: schedule: miner %d", i)
		}
	}
	return nil
}

// Mine chooses what the miner of this step does.
func (m *Schedule) Mine(b pairs.Batch) pairs.Selection {
	if err := m.Validate(); err != nil {
		return Fail(err)
	}
	if err := b.Check(); err != nil {
		return Fail(err)
	}
	step := m.Params().Counter(b.X.Graph(), "step", b.X.Dtype())
	var first *pairs.Selection
	at := &first
	for i := range m.Miners {
		one := b
		if m.Miners[i] != nil {
			one.Chosen = m.Miners[i].Mine(b)
		}
		s := one.When(m.on(step, i))
		for *at = &s; *at != nil; at = &(*at).Or {
		}
	}
	return *first
}

// on is 1 while miner i is the one that chooses.
func (m *Schedule) on(step graph.Expr, i int) graph.Expr {
	on := step.Constant(1)
	if i > 0 {
		on = step.AtLeast(step.Constant(float64(m.Steps[i-1])))
	}
	if i < len(m.Steps) {
		on = on.Mul(step.AtLeast(step.Constant(float64(m.Steps[i]))).Not())
	}
	return on
}

// Params are the count of steps, and the states of the miners under their positions.
func (m *Schedule) Params() *graph.Params { return stateOf(&m.params, 0, m.Miners...) }

// SetSeed hands the seed on.
func (m *Schedule) SetSeed(seed uint64) { seedAll(seed, m.Miners...) }
