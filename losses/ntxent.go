package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/internal/catalog"
	"medusa/miners"
	"medusa/pairs"
)

// NTXent is the normalised temperature-scaled cross-entropy, or InfoNCE: each positive of an
// anchor competes with the anchor's negatives,
//
//	L = R over positive pairs (i,p) of −ln( e^{s_ip/τ} / (e^{s_ip/τ} + Σ over n of e^{s_in/τ}) )
//
// where s is the similarity, τ the Temperature, n goes over the negatives of i and R is the
// Reducer. Other positives of i are not in the sum. Where each label names two views of one picture
// it is SimCLR's loss; between a batch and a reference set of second views it is InfoNCE, of
// which CLIP's is the mean of both directions. An anchor without a negative has terms of 0.
//
// With a distance d in place of s it enters as −d.
//
// K. Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", NIPS 2016.
// A. van den Oord, Y. Li and O. Vinyals, "Representation Learning with Contrastive Predictive
// Coding", arXiv 1807.03748, 2018 (InfoNCE). T. Chen, S. Kornblith, M. Norouzi and G. Hinton, "A
// Simple Framework for Contrastive Learning of Visual Representations", ICML 2020 (NT-Xent).
type NTXent struct {
	Temperature float64       `doc:"τ, in units of similarity; the lower, the more the hardest negatives count" min:"1e-4" max:"1e4"`
	Metric      pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"cosine"`
	Miner       miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer     pairs.Reducer `doc:"how terms become one number" none:"mean"`
}

var defaultNTXent = NTXent{Temperature: 0.07, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}

func init() {
	kinds.Add("ntxent", "a positive among the anchor's negatives, by softmax; also named infonce (Oord 2018, SimCLR 2020)", defaultNTXent, catalog.OldNames("infonce"))
}

var _ Termed = NTXent{}

// Loss returns a scalar.
func (l NTXent) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultNTXent.Reducer))
}

// Terms are those of positive pairs, which all always teach.
func (l NTXent) Terms(b pairs.Batch) pairs.Terms {
	if err := check("ntxent", l); err != nil {
		return failed(err)
	}
	c := compare(b, l.Miner, cmp.Or(l.Metric, defaultNTXent.Metric))
	near := c.D.Scale(-1 / l.Temperature) // (B, M)
	return pairs.Terms{c.Term("loss", c.Pos, againstNegatives(c, near, near)).NeverIdle()}
}

// againstNegatives is −ln( e^pull / (e^pull + Σ over n of e^push) ) of each entry of pull (B, M),
// where n goes over the negatives of the entry's row.
func againstNegatives(c pairs.Compared, pull, push graph.Expr) graph.Expr {
	return c.RowLogSumExp(c.Neg, push, math.Inf(-1)).Sub(pull).Softplus()
}
