package onnxgraph

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

// erf is the error function, where it is not a part of GELU.
type erf struct{}

// Shape is that of the input.
func (erf) Shape(in [][]int) ([]int, error) {
	if len(in) != 1 {
		return nil, errors.Errorf("erf of %d inputs, want one", len(in))
	}
	return in[0], nil
}

// Float32 computes in float64.
func (erf) Float32(out []float32, in [][]float32) error {
	for i, v := range in[0] {
		out[i] = float32(math.Erf(float64(v)))
	}
	return nil
}

// Float64 computes.
func (erf) Float64(out []float64, in [][]float64) error {
	for i, v := range in[0] {
		out[i] = math.Erf(v)
	}
	return nil
}

// Gradient is 2/√π·e^(−x²).
func (erf) Gradient(in []graph.Expr, _, grad graph.Expr) []graph.Expr {
	return []graph.Expr{in[0].Square().Neg().Exp().Scale(2 / math.Sqrt(math.Pi)).Mul(grad)}
}
