package losses

import (
	"fmt"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// What losses over histograms have in common.

// inOrder checks the bounds of bins.
func inOrder(low, high float64) error {
	if !(low < high) {
		return errors.Errorf("bins from low=%g to high=%g, want low below high", low, high)
	}
	return nil
}

// cumulative are the sums of the rows of x (N, M) from their beginnings, (N, M).
func cumulative(x graph.Expr) graph.Expr {
	if x.Err() != nil {
		return x
	}
	n := x.Shape()[1]
	ones := make([]float64, n*n)
	for i := range n {
		for j := i; j < n; j++ {
			ones[i*n+j] = 1
		}
	}
	return x.MatMul(fixedMatrix(x, fmt.Sprintf("ones above the diagonal of %d", n), ones, n, n))
}

// fixedMatrix is a matrix of numbers, of e's graph and type. Gorgonia merges inputs of one name, so
// the name says what the numbers are.
func fixedMatrix(e graph.Expr, name string, numbers []float64, rows, columns int) graph.Expr {
	v, err := graph.Tensor(numbers, e.Dtype(), rows, columns)
	if err != nil {
		return graph.Fail(err)
	}
	return graph.Data(gorgonia.NewMatrix(e.Graph(), e.Dtype(), gorgonia.WithName(name), gorgonia.WithShape(rows, columns), gorgonia.WithValue(v)))
}
