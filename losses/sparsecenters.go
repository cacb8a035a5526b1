package losses

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// SparseCenters draws the centers of a class together where a class has several, so that those
// that a class does not need become one:
//
//	R = ½ · mean over pairs of centers w, w' of one class of √(2 − 2·cos(w, w'))
//
// which is the distance of the centers once they are normalised. Where two are equal, the
// gradient is 0.
//
// It is for weights of classes; of embeddings it says nothing.
//
// Q. Qian, L. Shang, B. Sun, J. Hu, H. Li and R. Jin, "SoftTriple Loss: Deep Metric Learning
// Without Triplet Sampling", ICCV 2019, equation 9: with its Σ over t < s divided by C·K·(K−1).
type SparseCenters struct{}

func init() {
	RegisterRegularizer("sparse-centers", "the centers of a class together, where it has several (Qian 2019)", SparseCenters{})
}

var _ Regularizer = SparseCenters{}

// Regularize returns a scalar.
func (SparseCenters) Regularize(rows graph.Expr, centers int) graph.Expr {
	if centers < 2 {
		return graph.Fail(errors.New("losses: sparse-centers: each class has one vector, want a loss with several centers of a class"))
	}
	d := pairs.LP{}.Between(rows, rows) // (C·K, C·K)
	same, _ := graph.PairMasks(graph.Groups(rows, rows.Shape()[0]/centers, centers))
	return graph.MeanOver(same, d).Scale(0.5)
}
