package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// RankedList keeps the positives of an anchor within a sphere around it and its negatives outside
// of a larger one. Over the B anchors i,
//
//	L = (1/B) Σ over i of (1 − λ)·L_P(i) + λ·L_N(i)
//	L_P(i) = Σ over p of w_ip·(d_ip − (α − m)) / Σ over p of w_ip,   w_ip = e^{Tp·(d_ip − (α − m))}
//	L_N(i) = Σ over n of w_in·(α − d_in) / Σ over n of w_in,         w_in = e^{Tn·(α − d_in)}
//
// where p goes over the positives with d > α − m and n over the negatives with d < α, α is the
// radius Alpha, m the Margin, λ the Balance, Tp and Tn are the temperatures. A mean over no pairs
// is 0. The higher a temperature the more the worst pairs count; at 0 all count the same. The
// gradient flows through the weights, too.
//
// Epsilon is added to Σ w for each row that the anchor is compared with; pytorch-metric-learning
// has 10⁻⁵, which makes much of a batch that is large and of few pairs that are left. A pair that a
// miner chose several times counts once.
//
// With a similarity s in place of d the terms are α + m − s_ip and s_in − α.
//
// X. Wang, Y. Hua, E. Kodirov, G. Hu, R. Garnier and N. M. Robertson, "Ranked List Loss for Deep
// Metric Learning", CVPR 2019.
type RankedList struct {
	Margin         float64       `doc:"m, between the spheres" min:"0" max:"1e3"`
	Alpha          float64       `doc:"α, distance from which on a negative pair costs nothing" min:"-10" max:"1e3"`
	Balance        float64       `doc:"λ, share of the negatives in the loss" min:"0" max:"1"`
	PosTemperature float64       `doc:"Tp, how much more the worst positives count; 0: all alike" min:"0" max:"1e4"`
	NegTemperature float64       `doc:"Tn, how much more the worst negatives count; 0: all alike" min:"0" max:"1e4"`
	Epsilon        float64       `doc:"added to the sum of weights for each row that an anchor is compared with" min:"0" max:"1"`
	Metric         pairs.Metric  `name:"distance" doc:"how embeddings are compared; margins are in its units" none:"lp"`
	Miner          miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer        pairs.Reducer `doc:"how the anchors' terms become one number" none:"mean"`
}

var defaultRankedList = RankedList{Margin: 0.4, Alpha: 1.2, Balance: 0.5, NegTemperature: 10, Metric: pairs.LP{}, Reducer: pairs.Mean{}}

func init() {
	Register("ranked-list", "positives within a sphere around the anchor, negatives outside of a larger one (Wang 2019)", defaultRankedList)
}

var _ Termed = RankedList{}

// Loss returns a scalar.
func (l RankedList) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultRankedList.Reducer))
}

// Terms are those of anchors.
func (l RankedList) Terms(b pairs.Batch) pairs.Terms {
	if err := check("ranked-list", l); err != nil {
		return failed(err)
	}
	m := cmp.Or(l.Metric, defaultRankedList.Metric)
	if m.Similarity() { // as the distance has its sign turned
		l.Alpha = -l.Alpha
	}
	c, err := neighbours(b, l.Miner, m)
	if err != nil {
		return failed(err)
	}
	pull := l.side(c.Pos, c.D.Plus(l.Margin-l.Alpha), l.PosTemperature) // (B, 1)
	push := l.side(c.Neg, c.D.Affine(-1, l.Alpha), l.NegTemperature)
	return pairs.Terms{b.Rows("loss", pull.Scale(1-l.Balance).Add(push.Scale(l.Balance)))}
}

// side is each anchor's weighted mean of the violations v (B, M) above 0, (B, 1).
func (l RankedList) side(of, v graph.Expr, temperature float64) graph.Expr {
	epsilon := l.Epsilon * float64(v.Shape()[1])
	if temperature == 0 {
		sum, count := graph.RowTerms(of, v, 0, math.Inf(1))
		return sum.Div(count.Plus(epsilon).Max(count.Constant(leastWeights)))
	}
	rows := v.Shape()[0]
	hard := graph.Within(of, v, v.Constant(0, rows, 1), v.Constant(math.Inf(1), rows, 1))
	x := v.Scale(temperature)
	all := graph.RowLogSumExp(hard, x, 0) // ln Σ w, so that no weight overflows
	mean := graph.Where(hard, x.Sub(all), math.Inf(-1)).Exp().Mul(v).SumAxis(1)
	if epsilon == 0 {
		return mean
	}
	return mean.Div(all.Neg().Exp().Affine(epsilon, 1))
}

// leastWeights is what a sum of weights is divided by at least, where there is none: each is at
// least 1.
const leastWeights = 1e-30

// Validate says what fields do not go together.
func (l RankedList) Validate() error {
	return notBelow0(cmp.Or(l.Metric, defaultRankedList.Metric).Similarity(), margin{"alpha", l.Alpha})
}
