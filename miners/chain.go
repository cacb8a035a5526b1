package miners

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// Chain lets a second miner choose of what a first one chose, such as a share of the hardest pairs
// of those within a margin. If the first one chose triplets, the second one sees their pairs, each
// as often as it is in a triplet.
type Chain struct {
	First  Miner `doc:"what chooses of the batch"`
	Second Miner `doc:"what chooses of that"`

	params *graph.Params
}

func init() {
	Register("chain", "one miner chooses of what another one chose", &Chain{First: PairMargin{Pos: 0.2, Neg: 0.8}, Second: HDC{Share: 0.5}})
}

var _ Stateful = (*Chain)(nil)

// Mine chooses twice.
func (m *Chain) Mine(b pairs.Batch) pairs.Selection {
	for i, part := range []Miner{m.First, m.Second} {
		if err := given(part); err != nil {
			return Fail(errors.Wrapf(err, "miners: chain: miner %d", i))
		}
	}
	b.Chosen = m.First.Mine(b)
	return m.Second.Mine(b)
}

// Params are those of both miners, under "0." and "1.".
func (m *Chain) Params() *graph.Params { return stateOf(&m.params, 0, m.First, m.Second) }

// SetSeed hands the seed on.
func (m *Chain) SetSeed(seed uint64) { seedAll(seed, m.First, m.Second) }
