package losses

import (
	"cmp"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/miners"
	"medusa/pairs"
)

// Triplet asks that an anchor be nearer to a positive than to a negative, by Margin:
//
//	L = R over triplets (a, p, n) of [D_ap − D_an + m]₊
//
// where (a, p) are of one class and n of another, m is the Margin and R the Reducer. Triplets
// are all of the batch unless a Miner chooses. Options:
//   - Metric: pairs.LP{Power: 2} makes the terms FaceNet's, miners.TripletMargin its semi-hard
//     triplets,
//   - Miner: miners.BatchHard{} is Hermans' batch-hard loss; no miner with R the average of
//     the non-zero terms his batch-all,
//   - Soft takes ln(1 + eᵛ) in place of [v]₊ (Hermans' soft margin, usual with m = 0; PML's
//     smooth_loss),
//   - Swap takes min(D_an, D_pn) in place of D_an (Balntas et al.).
//
// With a similarity s in place of D the terms are [s_an − s_ap + m]₊.
//
// All triplets of a batch take O(B² log B) time, with Soft or Swap time proportional to
// their number, and O(B²) memory in every case; see graph.Triplets.
//
// F. Schroff, D. Kalenichenko and J. Philbin, "FaceNet", CVPR 2015 (the loss, semi-hard
// mining). A. Hermans, L. Beyer and B. Leibe, "In Defense of the Triplet Loss for Person
// Re-Identification", arXiv 1703.07737, 2017 (batch-hard, batch-all, soft margin).
// V. Balntas et al., "Learning local feature descriptors with triplets and shallow
// convolutional neural networks", BMVC 2016 (swap).
type Triplet struct {
	Margin  float64       `doc:"m, in units of distance" min:"0" max:"1e3"`
	Soft    bool          `doc:"softplus in place of the hinge; often with margin=0"`
	Swap    bool          `doc:"the nearer of anchor-negative and positive-negative counts"`
	Metric  pairs.Metric  `name:"distance" doc:"how embeddings are compared; margins are in its units" none:"lp"`
	Miner   miners.Miner  `doc:"which triplets of the batch count" none:"all"`
	Reducer pairs.Reducer `doc:"how terms become one number" none:"non-zero"`
}

var defaultTriplet = Triplet{Margin: 0.2, Metric: pairs.LP{}, Miner: miners.BatchHard{}, Reducer: pairs.NonZero{}}

func init() {
	kinds.Add("triplet", "an anchor is nearer to a positive than to a negative by a margin (FaceNet 2015, Hermans 2017)", defaultTriplet, catalog.Upgrade(upgradeTriplet))
}

var _ Termed = Triplet{}

// Loss returns a scalar.
func (l Triplet) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultTriplet.Reducer))
}

// Terms are those of the triplets.
func (l Triplet) Terms(b pairs.Batch) pairs.Terms {
	if err := check("triplet", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultTriplet.Metric)
	t := graph.Triplets{Margin: l.Margin, Smooth: l.Soft, Swap: l.Swap}
	return pairs.Terms{miners.Choose(l.Miner, b, m).Triplets("loss", m, t)}
}
