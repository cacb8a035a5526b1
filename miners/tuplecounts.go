package miners

import (
	"medusa/graph"
	"medusa/pairs"
)

// TupleCounts tells of each row in how many of the tuples it is that m chooses, in any role: of the
// triplets of a miner that chooses triplets, else of the positive and negative pairs, whose anchors and
// others count each. The metric is that of a loss, which m may have another one than.
func TupleCounts(m Miner, metric pairs.Metric, batch Rows) ([]float64, error) {
	triplets := false
	values, n, err := run(m, metric, batch, Rows{}, func(b pairs.Batch) []graph.Expr {
		triplets = b.Chosen.OfTriplets()
		c := b.Compare(metric)
		return []graph.Expr{c.Pos, c.Neg}
	})
	if err != nil {
		return nil, err
	}
	counts := make([]float64, n)
	for side, of := range values {
		for i, times := range of {
			counts[i%n] += times
			if side == 0 || !triplets { // an anchor has one positive in each of its triplets
				counts[i/n] += times
			}
		}
	}
	return counts, nil
}
