package miners

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// UniformHistogram draws pairs of all distances alike. The range of the distances of positive pairs
// is cut into Bins of one width, and of each that has a pair Pos are drawn, with replacement; of
// negative pairs likewise Neg. A pair counts as often as it was drawn.
//
// The draws are part of the run: one seed gives one run, and a resumed one draws what it would have
// drawn.
type UniformHistogram struct {
	Bins   int          `doc:"of the range of distances" min:"1" max:"1e4"`
	Pos    int          `name:"pos-per-bin" doc:"positive pairs that are drawn from a bin" min:"1" max:"1e4"`
	Neg    int          `name:"neg-per-bin" doc:"negative pairs that are drawn from a bin" min:"1" max:"1e4"`
	Metric pairs.Metric `name:"distance" doc:"how embeddings are compared" none:"as the loss does"`
	Seed   uint64       `name:"-"` // of the draws

	params *graph.Params
}

func init() {
	Register("uniform-histogram", "pairs drawn from all distances alike", &UniformHistogram{Bins: 100, Pos: 10, Neg: 10})
}

var _ Stateful = (*UniformHistogram)(nil)

// Params are the state of the draws.
func (m *UniformHistogram) Params() *graph.Params { return stateOf(&m.params, m.Seed) }

// SetSeed sets the seed of the draws.
func (m *UniformHistogram) SetSeed(seed uint64) { m.Seed = seed }

// mostDrawn is how many pairs of a kind are drawn at most.
const mostDrawn = 1 << 22

// Validate says what does not go together.
func (m *UniformHistogram) Validate() error {
	for _, n := range []int{m.Pos, m.Neg} {
		if m.Bins < 1 || n < 1 || m.Bins > mostDrawn/n {
			return errors.Errorf("miners: uniform-histogram: %d bins, %d positive and %d negative pairs of each, want at least 1 of each, and at most %d draws", m.Bins, m.Pos, m.Neg, mostDrawn)
		}
	}
	return nil
}

// Mine draws pairs.
func (m *UniformHistogram) Mine(b pairs.Batch) pairs.Selection {
	if err := m.Validate(); err != nil {
		return Fail(err)
	}
	c := compare(b, m.Metric)
	if err := c.D.Err(); err != nil {
		return Fail(err)
	}
	r := m.Params().Random(b.X.Graph(), draws, b.X.Dtype())
	return pairs.Selection{
		Pos:  r.Stream(0).Levelled(c.Pos, c.D, m.Bins, m.Pos),
		Neg:  r.Stream(1).Levelled(c.Neg, c.D, m.Bins, m.Neg),
		Hold: pairs.Counts,
	}
}
