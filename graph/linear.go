package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Linear is x·wᵀ + bias (B, O) for x (B, F), w (O, F) and bias (O); pass the zero Expr
// for none.
func Linear(x, w, bias Expr) Expr {
	if err := firstError(x, w); err != nil {
		return Fail(err)
	}
	sx, sw := x.Shape(), w.Shape()
	if sx.Dims() != 2 || sw.Dims() != 2 || sx[1] != sw[1] {
		return Fail(errors.Errorf("graph: linear of shapes x %v and w %v, want (B, F) and (O, F)", sx, sw))
	}
	in, err := withBias([]Expr{x, w}, bias, sw[0])
	if err != nil {
		return Fail(errors.Wrap(err, "graph: linear"))
	}
	what := spec.Linear{B: sx[0], F: sx[1], O: sw[0], Bias: len(in) == 3}
	return apply(what, tensor.Shape{sx[0], sw[0]}, linearGradient(what), in...)
}

func linearGradient(s spec.Linear) gradient {
	return func(in []Expr, out, g Expr, need []bool) []Expr {
		if s.Relu {
			g = reluGrad(out, g)
		}
		grads := make([]Expr, len(in))
		if need[0] {
			grads[0] = g.MatMul(in[1])
		}
		if need[1] {
			grads[1] = matMul(g, in[0], true, false)
		}
		if len(in) == 3 && need[2] {
			grads[2] = channelSum(g)
		}
		return grads
	}
}

// withBias appends bias (n) to an op's inputs, unless it is the zero Expr.
func withBias(in []Expr, bias Expr, n int) ([]Expr, error) {
	if bias == (Expr{}) {
		return in, nil
	}
	if err := bias.Err(); err != nil {
		return nil, err
	}
	if !slices.Equal(bias.Shape(), tensor.Shape{n}) {
		return nil, errors.Errorf("bias has shape %v, want (%d)", bias.Shape(), n)
	}
	return append(in, bias), nil
}

// channelSum adds x (N, C, …) up to (C).
func channelSum(x Expr) Expr {
	s := x.Shape()
	what := spec.ChannelSum{N: s[0], C: s[1], Plane: s[2:].TotalSize()}
	if len(s) == 2 {
		what.Plane = 1
	}
	return apply(what, tensor.Shape{s[1]}, nil, x)
}

// reluGrad is the gradient to x of y = max(0, x), given y: where y is 0 it is 0.
func reluGrad(y, g Expr) Expr {
	what := spec.UnaryGrad{F: spec.Relu, N: y.Shape().TotalSize()}
	return apply(what, y.Shape(), nil, y, g)
}

// addReluGradient is the gradient to x and to y of max(0, x + y).
func addReluGradient(_ []Expr, out, g Expr, _ []bool) []Expr {
	d := reluGrad(out, g)
	return []Expr{d, d}
}
