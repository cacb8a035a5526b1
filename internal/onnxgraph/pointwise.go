package onnxgraph

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

// function is an operator of one input, element by element.
func function(e func(c *call, x graph.Expr) graph.Expr, f func(float64) float64) operator {
	op := operator{least: 1, build: func(c *call) ([]value, error) { return one(e(c, c.x(0))) }}
	if f != nil {
		op.fold = func(c *call) ([]*constant, error) { return []*constant{mapped(c.in[0].fixed, f)}, nil }
	}
	return op
}

// plain is function of a method of Expr.
func plain(e func(graph.Expr) graph.Expr, f func(float64) float64) operator {
	return function(func(_ *call, x graph.Expr) graph.Expr { return e(x) }, f)
}

// mapped applies f to each number.
func mapped(k *constant, f func(float64) float64) *constant {
	out := &constant{shape: k.shape, whole: k.whole}
	for i := range k.size() {
		v := f(k.at(i))
		if k.whole {
			out.ints = append(out.ints, integer(v))
		} else {
			out.floats = append(out.floats, v)
		}
	}
	return out
}

// signs are max(0, x) and min(0, x).
func signs(x graph.Expr) (above, below graph.Expr) {
	above = x.Unfused().Relu()
	return above, x.Sub(above)
}

func leakyRelu(c *call, x graph.Expr) graph.Expr {
	alpha := c.float("alpha", 0.01)
	if alpha <= 1 {
		return x.Max(x.Scale(alpha))
	}
	above, below := signs(x)
	return above.Add(below.Scale(alpha))
}

// elu is γ·x above 0 and γ·α·(eˣ − 1) below.
func elu(alpha, gamma float64) func(c *call, x graph.Expr) graph.Expr {
	return func(c *call, x graph.Expr) graph.Expr {
		a, g := c.float("alpha", alpha), c.float("gamma", gamma)
		above, below := signs(x)
		return above.Add(below.Exp().Plus(-1).Scale(a)).Scale(g)
	}
}

// celu is x above 0 and α·(e^(x/α) − 1) below.
func celu(c *call, x graph.Expr) graph.Expr {
	a := c.float("alpha", 1)
	above, below := signs(x)
	return above.Add(below.Scale(1 / a).Exp().Plus(-1).Scale(a))
}

func hardSigmoid(c *call, x graph.Expr) graph.Expr {
	return x.Affine(c.float("alpha", 0.2), c.float("beta", 0.5)).Clamp(0, 1)
}

func gelu(c *call, x graph.Expr) graph.Expr {
	if c.text("approximate", "none") == "tanh" {
		return x.GELUTanh()
	}
	return x.GELU()
}

// prelu is x above 0, and slope·x below; the slope stretches to x.
func prelu(c *call) ([]value, error) {
	x, slope := c.x(0), c.x(1)
	s, a := x.Shape(), slope.Shape()
	if channels := sizeOf(a); len(a) > 0 && len(s) >= 2 && (channels == 1 || channels == s[1] && len(a) == len(s)-1 && a[0] == channels) {
		return one(c.layer("prelu", x.PReLU(slope.Reshape(channels)), 0))
	}
	x, slope, err := aligned(x, slope)
	if err != nil {
		return nil, err
	}
	above, below := signs(x)
	return one(above.Add(below.Mul(slope)))
}

// clip reads its bounds from inputs, before version 11 from attributes.
func clip(c *call) ([]value, error) {
	low, high, err := c.bounds()
	if err != nil {
		return nil, err
	}
	if math.IsInf(low, -1) && math.IsInf(high, 1) {
		return one(c.x(0))
	}
	if low == 0 && high >= math.MaxFloat32 {
		return one(c.x(0).Relu())
	}
	if low > high { // all of it is the higher bound
		low = high
	}
	return one(c.x(0).Clamp(low, high))
}

func (c *call) bounds() (low, high float64, err error) {
	low, high = c.float("min", math.Inf(-1)), c.float("max", math.Inf(1))
	if low, err = c.number(1, low); err == nil {
		high, err = c.number(2, high)
	}
	return low, high, err
}

func clipConstant(c *call) ([]*constant, error) {
	low, high, err := c.bounds()
	return []*constant{mapped(c.in[0].fixed, func(v float64) float64 { return min(max(v, low), high) })}, err
}

// aligned gives two expressions as many axes, those of the shorter one behind new ones.
func aligned(x, y graph.Expr) (graph.Expr, graph.Expr, error) {
	if err := x.Err(); err != nil {
		return x, y, err
	}
	if err := y.Err(); err != nil {
		return x, y, err
	}
	rank := max(len(x.Shape()), len(y.Shape()))
	return ranked(x, rank), ranked(y, rank), nil
}

// ranked is x with axes of length 1 before its own.
func ranked(x graph.Expr, rank int) graph.Expr { return x.Reshape(wide(x.Shape(), rank)...) }

// wide is a shape with axes of length 1 before its own.
func wide(shape []int, rank int) []int {
	out := make([]int, 0, rank)
	for range rank - len(shape) {
		out = append(out, 1)
	}
	return append(out, shape...)
}

// pairwise is an operator of two inputs, which stretch.
func pairwise(e func(x, y graph.Expr) graph.Expr, byNumber func(x graph.Expr, k float64) graph.Expr, f func(a, b float64) float64) operator {
	return operator{least: 2, fold: func(c *call) ([]*constant, error) {
		k, err := combined(c.in[0].fixed, c.in[1].fixed, f)
		return []*constant{k}, err
	}, build: func(c *call) ([]value, error) {
		x, k := c.in[0], c.in[1].fixed
		if byNumber != nil && k != nil && k.size() == 1 && len(k.shape) <= len(x.shape()) {
			return one(byNumber(x.e, k.at(0)))
		}
		a, b, err := aligned(c.x(0), c.x(1))
		if err != nil {
			return nil, err
		}
		return one(e(a, b))
	}}
}

// swapped is pairwise of an operation whose first input may be a number too.
func swapped(op operator, byNumber func(x graph.Expr, k float64) graph.Expr) operator {
	build := op.build
	op.build = func(c *call) ([]value, error) {
		if k := c.in[0].fixed; k != nil && k.size() == 1 && len(k.shape) <= len(c.in[1].shape()) {
			return one(byNumber(c.in[1].e, k.at(0)))
		}
		return build(c)
	}
	return op
}

// several is an operator of one input or more, which stretch.
func several(e func(x, y graph.Expr) graph.Expr, f func(a, b float64) float64, mean bool) operator {
	return operator{least: 1, build: func(c *call) ([]value, error) {
		y := c.x(0)
		for i := 1; i < len(c.in); i++ {
			a, b, err := aligned(y, c.x(i))
			if err != nil {
				return nil, err
			}
			y = e(a, b)
		}
		if mean {
			y = y.Scale(1 / float64(len(c.in)))
		}
		return one(y)
	}, fold: func(c *call) ([]*constant, error) {
		k := c.in[0].fixed
		var err error
		for i := 1; i < len(c.in) && err == nil; i++ {
			k, err = combined(k, c.in[i].fixed, f)
		}
		if mean && err == nil {
			k = mapped(k, func(v float64) float64 { return v / float64(len(c.in)) })
		}
		return []*constant{k}, err
	}}
}

// power is xʸ; the exponent is known.
func power(x graph.Expr, p float64) graph.Expr {
	switch p {
	case 1:
		return x
	case 2:
		return x.Square()
	case 0.5:
		return x.Sqrt()
	case -1:
		return x.Constant(1, x.Shape()...).Div(x)
	}
	return x.Power(p)
}

func powers(_, _ graph.Expr) graph.Expr {
	return graph.Fail(errors.New("the exponents are many numbers, or computed: one is supported"))
}
