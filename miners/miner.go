package miners

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/pairs"
)

// Miner chooses which pairs and triplets of a batch count. It
//   - chooses of those that the batch's own selection leaves,
//   - compares by a metric of its own, which may be another than the loss's,
//   - depends on the order of the batch in no way but where distances are equal.
//
// Its error travels in the selection's masks.
type Miner interface {
	Mine(b pairs.Batch) pairs.Selection
}

// Fail is a selection that carries err.
func Fail(err error) pairs.Selection {
	return pairs.Selection{Pos: graph.Fail(err), Neg: graph.Fail(err)}
}

// Choose is the batch with what m chooses of it for a loss that compares by a metric; as it is
// if m is nil.
func Choose(m Miner, b pairs.Batch, metric pairs.Metric) pairs.Batch {
	if m == nil {
		return b
	}
	if catalog.IsNil(m) {
		b.Chosen = Fail(errors.Errorf("miners: the miner is a nil %T", m))
		return b
	}
	b.Metric = metric
	among := b.Chosen.Among
	b.Chosen = m.Mine(b)
	if b.Chosen.Among == (graph.Expr{}) { // of a miner that chooses among all
		b.Chosen.Among = among
	}
	return b
}

// compare compares by a miner's metric or, if it has none, by the loss's.
func compare(b pairs.Batch, own pairs.Metric) pairs.Compared { return b.Compare(metricOf(b, own)) }

// metricOf is a miner's own metric or, if it has none, the loss's.
func metricOf(b pairs.Batch, own pairs.Metric) pairs.Metric {
	for _, m := range []pairs.Metric{own, b.Metric} {
		if m != nil {
			return m
		}
	}
	return pairs.LP{}
}
