package losses

import (
	"cmp"
	"math"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// SigLIP asks of each pair by itself whether it is positive, by a sigmoid in place of a softmax:
//
//	L = R over anchors i of Σ over p of ln(1 + e^{−(t·s_ip + b)}) + Σ over n of ln(1 + e^{t·s_in + b})
//
// where s is the similarity, p goes over the positives and n over the negatives of i, and R is the
// Reducer, by default the mean. The temperature t = e^{t'} and the bias b are learned: t' is the
// parameter "logit_scale", b is "logit_bias". They begin at ln of Scale and at Bias: most
// pairs are negative, and a large negative bias says so from the first step. The paper compares
// a batch of pictures with a reference set of texts, each with one positive.
//
// With a distance d in place of s it enters as −d.
//
// X. Zhai, B. Mustafa, A. Kolesnikov and L. Beyer, "Sigmoid Loss for Language Image Pre-Training",
// ICCV 2023.
type SigLIP struct {
	Scale   float64       `doc:"t, what similarities are multiplied with, at first" min:"1e-3" max:"1e4"`
	Bias    float64       `doc:"b, what is added to them, at first" min:"-1e4" max:"1e4"`
	LRScale float64       `doc:"learning rate of scale and bias over that of the network; 0: they stay" min:"0" max:"1e6"`
	Metric  pairs.Metric  `name:"distance" doc:"how embeddings are compared" none:"cosine"`
	Miner   miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer pairs.Reducer `doc:"how the anchors' terms become one number" none:"mean"`

	params *graph.Params
}

var defaultSigLIP = &SigLIP{Scale: 10, Bias: -10, LRScale: 1, Metric: pairs.Cosine{}, Reducer: pairs.Mean{}}

func init() {
	Register("siglip", "each pair by itself, by a sigmoid with a learned temperature and bias (Zhai 2023)", defaultSigLIP)
}

var (
	_ Trainable = (*SigLIP)(nil)
	_ Termed    = (*SigLIP)(nil)
)

// The names of the parameters, each of one number.
const (
	logitScale = "logit_scale"
	logitBias  = "logit_bias"
)

// Params are ln t, "logit_scale" (1), and b, "logit_bias" (1), made when the loss is first built.
func (l *SigLIP) Params() *graph.Params {
	if l == nil {
		return graph.NewParams(0) // Loss tells the error
	}
	return ownParams(&l.params, 0)
}

// Loss returns a scalar.
func (l *SigLIP) Loss(b pairs.Batch) graph.Expr {
	if err := checkGiven(l); err != nil {
		return graph.Fail(err)
	}
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultSigLIP.Reducer))
}

// Terms are those of anchors, which all always teach.
func (l *SigLIP) Terms(b pairs.Batch) pairs.Terms {
	if err := check("siglip", l); err != nil {
		return failed(err)
	}
	c := compare(b, l.Miner, cmp.Or(l.Metric, defaultSigLIP.Metric))
	if err := c.D.Err(); err != nil {
		return failed(err)
	}
	t, bias := l.number(c.D, logitScale, math.Log(l.Scale)).Exp(), l.number(c.D, logitBias, l.Bias) // (1, 1)
	logits := c.D.Neg().Mul(t).Add(bias)                                                            // (B, M)
	pull, _ := c.Term("", c.Pos, logits.Neg().Softplus()).Sums()                                    // (B, 1)
	push, _ := c.Term("", c.Neg, logits.Softplus()).Sums()
	return pairs.Terms{b.Rows("loss", pull.Add(push)).NeverIdle()}
}

// number is a parameter of one number, (1, 1), of the graph and the type of e.
func (l *SigLIP) number(e graph.Expr, name string, first float64) graph.Expr {
	if err := l.Params().LearnAt(name, l.LRScale); err != nil {
		return graph.Fail(err)
	}
	return l.Params().Weight(e.Graph(), name, e.Dtype(), graph.Fill(first), 1).Reshape(1, 1)
}
