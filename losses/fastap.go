package losses

import (
	"cmp"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// FastAP is one less the average precision of each anchor's ranking of the batch, of histograms of
// its distances. Over the anchors a that have a positive,
//
//	L = mean over a of 1 − (1/|P|) Σ over z of h⁺(z)·H⁺(z) / H(z)
//
// where z goes over the edges of Bins bins between Low and High, h⁺ is the histogram of the
// anchor's positives P, H⁺ how many of them lie up to z, and H how many positives and negatives do.
// A pair counts at the two edges of its bin, the more at the nearer.
//
// The bins suit the metric: squared Euclidean distances of normalised embeddings lie between 0 and
// 4, distances between 0 and 2. Of a similarity s, Low and High are bounds of s.
//
// What a Miner chooses is ranked, and nothing else. With MinerWeighs rankings stay whole, and an anchor
// weighs the more the more often the miner names it, as in pytorch-metric-learning.
//
// F. Cakir, K. He, X. Xia, B. Kulis and S. Sclaroff, "Deep Metric Learning to Rank", CVPR 2019.
type FastAP struct {
	Bins        int           `doc:"number of bins" min:"1" max:"10000"`
	Low         float64       `doc:"distance at which the bins begin" min:"-1e6" max:"1e6"`
	High        float64       `doc:"distance at which the bins end" min:"-1e6" max:"1e6"`
	Metric      pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"lp(power=2)"`
	Miner       miners.Miner  `doc:"which pairs are ranked" none:"all"`
	MinerWeighs bool          `doc:"the miner's choice weighs anchors, and rankings stay whole"`
	Reducer     pairs.Reducer `doc:"how the anchors' terms become one number" none:"mean"`
}

var defaultFastAP = FastAP{Bins: 10, High: 4, Metric: pairs.LP{Power: 2}, Reducer: pairs.Mean{}}

func init() {
	Register("fastap", "average precision of each anchor's ranking, of histograms of distances (Cakir 2019)", defaultFastAP)
}

var _ Termed = FastAP{}

// Loss returns a scalar.
func (l FastAP) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultFastAP.Reducer))
}

// Terms are those of anchors that have a positive.
func (l FastAP) Terms(b pairs.Batch) pairs.Terms {
	if err := check("fastap", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultFastAP.Metric)
	low, high := l.Low, l.High
	if m.Similarity() { // as the distance has its sign turned
		low, high = -high, -low
	}
	b = miners.Choose(l.Miner, b, m)
	weights, some, err := l.weights(b)
	if err != nil {
		return failed(err)
	}
	if some {
		b.Chosen = pairs.Selection{}
	}
	c := b.Compare(m)
	pos := graph.SoftHistogram(graph.RowBins(c.Pos, c.D, low, high, l.Bins)) // (B, bins+1)
	neg := graph.SoftHistogram(graph.RowBins(c.Neg, c.D, low, high, l.Bins))
	nearer, all := cumulative(pos), cumulative(pos.Add(neg))
	number := pos.Detach().SumAxis(1) // (B, 1), |P|
	ranked := number.Above(0)
	precision := pos.Mul(nearer).Div(all.Add(all.Is(0))).SumAxis(1).Div(number.Add(ranked.Not()))
	t := b.Rows("loss", precision.Not()).Where(ranked).WithActivity(func() (active, all graph.Expr) { return disorder(c) })
	if some {
		t = t.Weighted(weights)
	}
	return pairs.Terms{t}
}

// weights are those of the anchors, if what was chosen weighs them.
func (l FastAP) weights(b pairs.Batch) (weights graph.Expr, some bool, err error) {
	if !l.MinerWeighs {
		return weights, false, nil
	}
	if weights, some = b.SampleWeights(b.HasReference()); !some {
		err = errors.New("losses: fastap: miner-weighs, and no miner chooses: give it a miner, or leave miner-weighs out")
	}
	return weights, some, err
}

// Validate says what fields do not go together.
func (l FastAP) Validate() error { return inOrder(l.Low, l.High) }
