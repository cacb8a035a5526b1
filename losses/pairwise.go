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

// metricOr is the default metric if a literal names none.
func metricOr(m, def pairs.Metric) pairs.Metric {
	if m == nil {
		return def
	}
	return m
}

// reducerOr is the default reducer if a literal names none.
func reducerOr(r, def pairs.Reducer) pairs.Reducer {
	if r == nil {
		return def
	}
	return r
}

// failed are terms that carry err.
func failed(err error) pairs.Terms { return pairs.Terms{pairs.Fail("loss", err)} }
