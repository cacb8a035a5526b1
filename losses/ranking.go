package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// What losses over the order of an anchor's neighbours have in common.

// neighbours compares the batch for a loss that looks at the pairs of an anchor as a set.
func neighbours(b pairs.Batch, miner miners.Miner, m pairs.Metric) (pairs.Compared, error) {
	c := compare(b, miner, m)
	if err := c.D.Err(); err != nil {
		return c, err
	}
	if c.Hold == pairs.Weights {
		return c, errors.New("losses: a ranking of pairs that have weights: leave the weights out, so that each pair counts or does not")
	}
	return c.Once(), nil
}

// disorder counts the anchors of which a negative is nearer than a positive, among all that have
// a positive, both as masks (B, 1).
func disorder(c pairs.Compared) (active, all graph.Expr) {
	far, some := graph.RowMaxOf(c.Pos, c.D)
	near, others := graph.RowMinOf(c.Neg, c.D)
	return far.Greater(near).Mul(some).Mul(others), some
}
