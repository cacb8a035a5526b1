package pairs

import (
	"github.com/pkg/errors"

	"medusa/graph"
)

// TripletBins is graph.TripletBins of the triplets of the batch that count, of distances by m. They
// are triplets of pairs that count or do not, in a window of the distances if there is one.
func (b Batch) TripletBins(m Metric, low, high float64, bins int) (numbers, parts graph.Expr) {
	c := b.compare(m)
	if err := c.D.Err(); err != nil {
		return c.D, c.D
	}
	w, err := c.window()
	if err != nil {
		return graph.Fail(err), graph.Fail(err)
	}
	return graph.TripletBins(c.D, c.Pos, c.Neg, w, low, high, bins)
}

// window is that of the selection, or all triplets.
func (c Compared) window() (graph.Window, error) {
	all := graph.EveryTriplet()
	chosen := c.batch.Chosen
	w := chosen.Window
	if (chosen != Selection{Pos: chosen.Pos, Neg: chosen.Neg, Single: chosen.Single, Window: Window{D: w.D, Above: w.Above, AtMost: w.AtMost}}) {
		return all, errors.New("pairs: bins of triplets take masks of pairs and a window of differences: take a miner that chooses so, such as triplet-margin")
	}
	if !given(w.D) {
		return all, nil
	}
	if c.D.Detach() != w.D.Detach() {
		return all, errors.New("pairs: the miner's window of triplets compares by another metric than the loss: give the miner no distance, or the loss's")
	}
	all.Above, all.AtMost = w.Above, w.AtMost
	return all, nil
}
