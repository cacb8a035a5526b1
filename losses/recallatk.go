package losses

import (
	"cmp"
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// RecallAtK is one less the recall among the k nearest, with logistic functions in place of the
// steps by which ranks and hits count. Over the anchors a that have a positive, and over the Ks,
//
//	L = mean over a and k of 1 − min(k, Σ over p in P of h_kp) / min(k, |P|)
//	h_kp = 1/(1 + e^{−(k − r_p)/τ₁})
//	r_p = 1 + Σ over x ≠ p in P ∪ N of 1/(1 + e^{(s_ap − s_ax)/τ₂})
//
// where s is the similarity, P and N are the positives and negatives of a, r_p is about the rank of
// p, h_kp about whether it is among the k nearest, τ₁ the HitTemperature and τ₂ the Temperature.
// What is divided by is the number of hits that there could be. With a distance d in place of s,
// s_ap − s_ax stands for d_ax − d_ap. It takes time in proportion to B·|P|·B, and O(B²) memory.
//
// Y. Patel, G. Tolias and J. Matas, "Recall@k Surrogate Loss with Large Batches and Similarity
// Mixup", CVPR 2022; here without the mixup.
type RecallAtK struct {
	Ks             []int         `doc:"the numbers k of nearest rows among which positives are looked for" min:"1" max:"1e6"`
	Temperature    float64       `doc:"τ₂, how far apart in similarity two pairs are surely in order" min:"1e-6" max:"1e6"`
	HitTemperature float64       `doc:"τ₁, how many ranks from k a positive surely is a hit, or none" min:"1e-6" max:"1e6"`
	Metric         pairs.Metric  `name:"distance" doc:"how embeddings are compared; the temperature is in its units" none:"cosine"`
	Miner          miners.Miner  `doc:"which pairs are ranked" none:"all"`
	Reducer        pairs.Reducer `doc:"how the anchors' terms become one number" none:"mean"`
}

var defaultRecallAtK = RecallAtK{Ks: []int{1, 2, 4, 8, 16}, Temperature: 0.01, HitTemperature: 1, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}

func init() {
	Register("recall-at-k", "recall among each anchor's k nearest, made smooth (Patel 2022)", defaultRecallAtK)
}

var _ Termed = RecallAtK{}

// Loss returns a scalar.
func (l RecallAtK) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultRecallAtK.Reducer))
}

// Terms are those of anchors that have a positive. None is ever 0: anchors are active of which a
// negative is nearer than a positive.
func (l RecallAtK) Terms(b pairs.Batch) pairs.Terms {
	if err := check("recall-at-k", l); err != nil {
		return failed(err)
	}
	c, err := neighbours(b, l.Miner, cmp.Or(l.Metric, defaultRecallAtK.Metric))
	if err != nil {
		return failed(err)
	}
	rank := graph.SoftRanks(c.D, c.Pos, c.Pos, l.Temperature).Add(graph.SoftRanks(c.D, c.Pos, c.Neg, l.Temperature)).Plus(1) // (B, M)
	positives := graph.RowCount(c.Pos)                                                                                       // (B, 1)
	var recall graph.Expr
	for i, k := range l.Ks {
		k := float64(k)
		hits, _ := graph.RowTerms(c.Pos, rank.Affine(-1/l.HitTemperature, k/l.HitTemperature).Sigmoid(), math.Inf(-1), math.Inf(1))
		share := hits.Clamp(0, k).Div(positives.Clamp(1, k))
		if i == 0 {
			recall = share
			continue
		}
		recall = recall.Add(share)
	}
	terms := recall.Scale(1 / float64(len(l.Ks))).Not()
	return pairs.Terms{b.Rows("loss", terms).Where(positives.Above(0)).WithActivity(func() (active, all graph.Expr) { return disorder(c) })}
}

// Validate says what is missing.
func (l RecallAtK) Validate() error {
	if len(l.Ks) == 0 {
		return errors.New("ks: no k, want at least one, such as [1]")
	}
	return nil
}
