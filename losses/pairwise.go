package losses

import (
	"medusa/miners"
	"medusa/pairs"
)

// What losses over pairs and triplets have in common.

// compare compares the batch, with what the miner chooses of it.
func compare(b pairs.Batch, miner miners.Miner, m pairs.Metric) pairs.Compared {
	return miners.Choose(miner, b, m).Compare(m)
}

// failed are terms that carry err.
func failed(err error) pairs.Terms { return pairs.Terms{pairs.Fail("loss", err)} }
