package losses

import (
	"cmp"

	"medusa/graph"
	"medusa/miners"
	"medusa/pairs"
)

// SNRContrastive is Contrastive by the signal-to-noise ratio, in its linear form:
//
//	L = R over P of [d_ij − p]₊  +  R over N of [m − d_ij]₊,   d_ij = (var(x_i − x_j) / var(x_i))^power
//
// where P are the positive and N the negative pairs, p is the PosMargin, m the NegMargin and R the
// Reducer; see pairs.SNR for d, the noise that x_j is to the anchor x_i. The paper adds λ times the
// mean of |Σ_k x_ik|, so that the variance of an embedding is its mean square.
//
// T. Yuan, W. Deng, J. Tang, Y. Tang and B. Chen, "Signal-to-Noise Ratio: A Robust Distance
// Metric for Deep Metric Learning", CVPR 2019.
type SNRContrastive struct {
	PosMargin float64       `doc:"distance up to which a positive pair costs nothing" min:"0" max:"1e3"`
	NegMargin float64       `doc:"distance from which on a negative pair costs nothing" min:"0" max:"1e3"`
	Power     float64       `doc:"to which the distance is raised" above:"0" max:"1e3" unset:"1"`
	Raw       bool          `doc:"embeddings are taken as they are, not normalised first"`
	Miner     miners.Miner  `doc:"which pairs count" none:"all"`
	Reducer   pairs.Reducer `doc:"how terms become one number" none:"non-zero"`
}

var defaultSNRContrastive = SNRContrastive{NegMargin: 1, Power: 1, Reducer: pairs.NonZero{}}

func init() {
	Register("snr-contrastive", "contrastive by the signal-to-noise ratio of embeddings (Yuan 2019)", defaultSNRContrastive)
}

var _ Termed = SNRContrastive{}

// Loss returns a scalar.
func (l SNRContrastive) Loss(b pairs.Batch) graph.Expr {
	return l.Terms(b).Reduce(cmp.Or(l.Reducer, defaultSNRContrastive.Reducer))
}

// Terms are those of positive and of negative pairs.
func (l SNRContrastive) Terms(b pairs.Batch) pairs.Terms {
	if err := check("snr-contrastive", l); err != nil {
		return failed(err)
	}
	return Contrastive{PosMargin: l.PosMargin, NegMargin: l.NegMargin, Metric: pairs.SNR{Power: l.Power, Raw: l.Raw}, Miner: l.Miner}.Terms(b)
}
