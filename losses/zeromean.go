package losses

import (
	"medusa/graph"
	"medusa/pairs"
)

// ZeroMean keeps the mean of a vector's numbers near 0:
//
//	R = mean over rows x of |Σ_k x_k|
//
// As a loss it is of the embeddings before they are normalised.
//
// T. Yuan, W. Deng, J. Tang, Y. Tang and B. Chen, "Signal-to-Noise Ratio: A Robust Distance Metric
// for Deep Metric Learning", CVPR 2019: it lets the variance of a vector be its power.
type ZeroMean struct{}

func init() {
	Register("zero-mean", "keeps the sum of an embedding's numbers near 0, before it is normalised (Yuan 2019)", ZeroMean{})
	RegisterRegularizer("zero-mean", "the mean of |Σ x_k| (Yuan 2019)", ZeroMean{})
}

var _ Regularizer = ZeroMean{}

// Loss returns a scalar.
func (r ZeroMean) Loss(b pairs.Batch) graph.Expr { return ofEmbeddings(r, b) }

// Regularize returns a scalar.
func (ZeroMean) Regularize(rows graph.Expr, _ int) graph.Expr { return rows.SumAxis(1).Abs().Mean() }
