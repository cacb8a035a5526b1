package graph

import (
	"math"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// unary applies f to every element.
func (e Expr) unary(f spec.Func, a, b float64) Expr {
	if e.Err() != nil {
		return e
	}
	s := spec.Unary{F: f, A: a, B: b, N: e.Shape().TotalSize()}
	if f == spec.Step || f == spec.Equal {
		return apply(s, e.Shape(), nil, e)
	}
	return apply(s, e.Shape(), func(in []Expr, out, grad Expr, _ []bool) []Expr {
		var from []Expr
		x, y := f.Needs()
		if x {
			from = append(from, in[0])
		}
		if y {
			from = append(from, out)
		}
		return []Expr{apply(spec.UnaryGrad(s), in[0].Shape(), nil, append(from, grad)...)}
	}, e)
}

// Scale is k·x.
func (e Expr) Scale(k float64) Expr { return e.unary(spec.Affine, k, 0) }

// Plus is x + c.
func (e Expr) Plus(c float64) Expr { return e.unary(spec.Affine, 1, c) }

// Affine is k·x + c.
func (e Expr) Affine(k, c float64) Expr { return e.unary(spec.Affine, k, c) }

// Neg is −x.
func (e Expr) Neg() Expr { return e.Scale(-1) }

// Not is 1 − x, the other way round of a mask.
func (e Expr) Not() Expr { return e.unary(spec.Affine, -1, 1) }

// Relu is max(0, x); its derivative at 0 is 0.
func (e Expr) Relu() Expr { return e.unary(spec.Relu, 0, 0) }

// Hinge is max(0, k·x + c); its derivative where it is 0 is 0.
func (e Expr) Hinge(k, c float64) Expr { return e.unary(spec.Hinge, k, c) }

// Square is x².
func (e Expr) Square() Expr { return e.unary(spec.Square, 0, 0) }

// Sqrt is √max(x, 0); its derivative at 0 is 0, not infinite.
func (e Expr) Sqrt() Expr { return e.unary(spec.Sqrt, 0, 0) }

// Exp is eˣ.
func (e Expr) Exp() Expr { return e.unary(spec.Exp, 0, 0) }

// Log is the natural logarithm.
func (e Expr) Log() Expr { return e.unary(spec.Log, 0, 0) }

// Softplus is ln(1 + eˣ), a smooth Relu.
func (e Expr) Softplus() Expr { return e.unary(spec.Softplus, 0, 0) }

// Sigmoid is 1/(1 + e⁻ˣ).
func (e Expr) Sigmoid() Expr { return e.unary(spec.Sigmoid, 0, 0) }

// Tanh is the hyperbolic tangent.
func (e Expr) Tanh() Expr { return e.unary(spec.Tanh, 0, 0) }

// Abs is |x|; its derivative at 0 is 0.
func (e Expr) Abs() Expr { return e.unary(spec.Abs, 0, 0) }

// Power is xᵖ; for p below 1 its derivative at 0 is 0, not infinite.
func (e Expr) Power(p float64) Expr { return e.unary(spec.Power, p, 0) }

// Clamp is min(max(x, lo), hi), lo ≤ hi; its derivative outside of [lo, hi] is 0.
func (e Expr) Clamp(lo, hi float64) Expr {
	if !(lo <= hi) && e.Err() == nil {
		return Fail(errors.Errorf("graph: clamp to between %g and %g, want two numbers in order", lo, hi))
	}
	return e.unary(spec.Clamp, lo, hi)
}

// Acos is the arc cosine in radians of x, taken as ±1 beyond ±1 (cosines are, by rounding).
// Its derivative there and at ±1 is 0, not infinite.
func (e Expr) Acos() Expr { return e.unary(spec.Acos, 0, 0) }

// Cos is the cosine of x in radians.
func (e Expr) Cos() Expr { return e.unary(spec.Cos, 0, 0) }

// Above is 1 where x > c and 0 elsewhere; no gradient flows through it.
func (e Expr) Above(c float64) Expr { return e.unary(spec.Step, c, 0) }

// Is is 1 where x = c and 0 elsewhere; no gradient flows through it.
func (e Expr) Is(c float64) Expr { return e.unary(spec.Equal, c, 0) }

// binary combines two expressions; sides of length 1, and scalars, are stretched.
func (e Expr) binary(op spec.Operator, f Expr, grad gradient) Expr {
	if err := firstError(e, f); err != nil {
		return Fail(err)
	}
	a, b := e.Shape(), f.Shape()
	out, err := stretched(a, b)
	if err != nil {
		return Fail(errors.Wrapf(err, "graph: %v %s %v", a, op, b))
	}
	return apply(spec.Binary{Op: op, A: ranked(a, out), B: ranked(b, out)}, out, grad, e, f)
}

// stretched is the shape of the result of a binary operation.
func stretched(a, b tensor.Shape) (tensor.Shape, error) {
	if a.Dims() == 0 {
		return b.Clone(), nil
	}
	if b.Dims() == 0 {
		return a.Clone(), nil
	}
	if a.Dims() != b.Dims() {
		return nil, errors.Errorf("shapes of %d and %d dimensions do not go together; reshape one", a.Dims(), b.Dims())
	}
	out := a.Clone()
	for i, n := range b {
		switch {
		case out[i] == n || n == 1:
		case out[i] == 1:
			out[i] = n
		default:
			return nil, errors.Errorf("dimension %d is %d on the left and %d on the right, want equal or 1", i, a[i], n)
		}
	}
	return out, nil
}

// ranked is s, or a shape of ones of the output's rank for a scalar.
func ranked(s, out tensor.Shape) []int {
	if s.Dims() > 0 || out.Dims() == 0 {
		return s.Clone()
	}
	ones := make([]int, out.Dims())
	for i := range ones {
		ones[i] = 1
	}
	return ones
}

// Add is x + y. Like all operations of two expressions it stretches sides of length 1
// and scalars.
func (e Expr) Add(f Expr) Expr {
	return e.binary(spec.Add, f, func(in []Expr, _, g Expr, need []bool) []Expr {
		return fitted(in, need, func() Expr { return g }, func() Expr { return g })
	})
}

// Sub is x − y.
func (e Expr) Sub(f Expr) Expr {
	return e.binary(spec.Sub, f, func(in []Expr, _, g Expr, need []bool) []Expr {
		return fitted(in, need, func() Expr { return g }, g.Neg)
	})
}

// Mul is x·y, element by element.
func (e Expr) Mul(f Expr) Expr {
	return e.binary(spec.Mul, f, func(in []Expr, _, g Expr, need []bool) []Expr {
		return fitted(in, need,
			func() Expr { return g.Mul(in[1]) },
			func() Expr { return g.Mul(in[0]) })
	})
}

// Div is x/y, element by element.
func (e Expr) Div(f Expr) Expr {
	return e.binary(spec.Div, f, func(in []Expr, out, g Expr, need []bool) []Expr {
		return fitted(in, need,
			func() Expr { return g.Div(in[1]) },
			func() Expr { return g.Mul(out).Div(in[1]).Neg() })
	})
}

// Max is the larger of x and y; where they are equal each gets half of the gradient.
func (e Expr) Max(f Expr) Expr { return e.choose(spec.Max, f) }

// Min is the smaller of x and y; where they are equal each gets half of the gradient.
func (e Expr) Min(f Expr) Expr { return e.choose(spec.Min, f) }

func (e Expr) choose(op spec.Operator, f Expr) Expr {
	chosen := func(x, y Expr) Expr { // 1 where x is chosen of x and y, ½ at a tie
		if op == spec.Min {
			x, y = y, x
		}
		return x.Greater(y).Add(x.Equal(y).Scale(0.5))
	}
	return e.binary(op, f, func(in []Expr, _, g Expr, need []bool) []Expr {
		return fitted(in, need,
			func() Expr { return g.Mul(chosen(in[0], in[1])) },
			func() Expr { return g.Mul(chosen(in[1], in[0])) })
	})
}

// Greater is 1 where x > y and 0 elsewhere; no gradient flows through it.
func (e Expr) Greater(f Expr) Expr { return e.binary(spec.Greater, f, nil) }

// AtLeast is 1 where x ≥ y and 0 elsewhere; no gradient flows through it.
func (e Expr) AtLeast(f Expr) Expr { return e.binary(spec.GreaterEqual, f, nil) }

// Equal is 1 where x = y and 0 elsewhere; no gradient flows through it.
func (e Expr) Equal(f Expr) Expr { return e.binary(spec.Same, f, nil) }

// fitted makes the gradients that are needed and adds each up to its input's shape.
func fitted(in []Expr, need []bool, makers ...func() Expr) []Expr {
	grads := make([]Expr, len(in))
	for i, mk := range makers {
		if need[i] {
			grads[i] = mk().SumTo(in[i].Shape())
		}
	}
	return grads
}

// Constant is a tensor of the given shape filled with c, of e's graph and type.
func (e Expr) Constant(c float64, shape ...int) Expr {
	if math.IsNaN(c) {
		return Fail(errors.New("graph: a constant is NaN"))
	}
	if err := checkShape(shape); err != nil {
		return Fail(errors.Wrap(err, "graph: a constant"))
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	return apply(spec.Constant{N: n, Value: c}, shape, nil, e.Detach())
}
