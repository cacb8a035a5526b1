package pairs

import (
	"cmp"

	"medusa/graph"
)

// SNR is the distance (var(x − y) / var(x))^power, the noise that y is to the anchor x, of
// rows that are first divided by their Lp norm, unless Raw. Variances are those of a sample,
// with E − 1 in the denominator, and var(x) is at least 10⁻¹². It is not symmetric.
//
// T. Yuan, W. Deng, J. Tang, Y. Tang and B. Chen, "Signal-to-Noise Ratio: A Robust Distance
// Metric for Deep Metric Learning", CVPR 2019.
type SNR struct {
	P     float64 `doc:"p of the norm that rows are divided by, at least 1, or inf" min:"1" max:"inf" unset:"2"`
	Power float64 `doc:"to which the distance is raised" above:"0" max:"1e3" unset:"1"`
	Raw   bool    `doc:"embeddings are taken as they are, not normalised first"`
}

// Between is the matrix (N, M) of distances.
func (m SNR) Between(x, y graph.Expr) graph.Expr {
	p, power := cmp.Or(m.P, 2), cmp.Or(m.Power, 1)
	if err := checkNorm("snr", p, power); err != nil {
		return graph.Fail(err)
	}
	if !m.Raw {
		x, y = normalized(x, y, p)
	}
	return raised(graph.SNRDistances(x, y), power)
}

// Similarity is false.
func (SNR) Similarity() bool { return false }
