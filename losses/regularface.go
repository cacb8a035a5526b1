package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// RegularFace drives each vector, of a class in the paper, away from the one that is nearest:
//
//	R = mean over rows i of max over j ≠ i of s(x_i, x_j)
//
// where s is the cosine, or another similarity. One vector alone gives 0. As a loss it is of the
// embeddings before they are normalised.
//
// K. Zhao, J. Xu and M.-M. Cheng, "RegularFace: Deep Face Recognition via Exclusive
// Regularization", CVPR 2019.
type RegularFace struct {
	Metric pairs.Metric `name:"distance" doc:"how vectors are compared: a similarity" none:"cosine"`
}

var defaultRegularFace = RegularFace{Metric: pairs.Cosine{}}

func init() {
	Register("regular-face", "drives each embedding away from the nearest other one (Zhao 2019)", defaultRegularFace)
	RegisterRegularizer("regular-face", "each vector away from the nearest other one (Zhao 2019)", defaultRegularFace)
}

var _ Regularizer = RegularFace{}

// Loss returns a scalar.
func (r RegularFace) Loss(b pairs.Batch) graph.Expr { return ofEmbeddings(r, b) }

// Regularize returns a scalar.
func (r RegularFace) Regularize(rows graph.Expr, _ int) graph.Expr {
	if err := checkFields("regular-face", r); err != nil {
		return graph.Fail(err)
	}
	m := r.metric()
	n := rows.Shape()[0]
	others := graph.Identity(rows, n).Not() // (N, N)
	return graph.RowMax(others, m.Between(rows, rows), 0).Mean()
}

func (r RegularFace) metric() pairs.Metric {
	if r.Metric == nil {
		return defaultRegularFace.Metric
	}
	return r.Metric
}

// Validate says what the metric must be.
func (r RegularFace) Validate() error {
	if !r.metric().Similarity() {
		return errors.New("the metric is a distance, want a similarity, such as cosine")
	}
	return nil
}
