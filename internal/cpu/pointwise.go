package cpu

import (
	"math"

	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(unary[float32], unary[float64])
	register(unaryGrad[float32], unaryGrad[float64])
}

func unary[T loops.Float](s spec.Unary) func(out []T, in [][]T) {
	f := value[T](s)
	var x, y []T
	body := func(lo, hi int) { f(y[lo:hi], x[lo:hi]) }
	return func(out []T, in [][]T) {
		x, y = in[0], out
		forEach(s.N, body)
	}
}

func unaryGrad[T loops.Float](s spec.UnaryGrad) func(out []T, in [][]T) {
	d := derivative[T](spec.Unary(s))
	var x, y, dy, dx []T
	body := func(lo, hi int) { d(dx[lo:hi], x[lo:hi], y[lo:hi], dy[lo:hi]) }
	needX, needY := s.F.Needs()
	return func(out []T, in [][]T) {
		dy, dx = in[len(in)-1], out
		x, y = dy, dy // not looked at
		if needX {
			x = in[0]
		}
		if needY {
			y = in[len(in)-2]
		}
		forEach(s.N, body)
	}
}

// value returns the loop of s.F.
func value[T loops.Float](s spec.Unary) func(y, x []T) {
	a, b := T(s.A), T(s.B)
	switch s.F {
	case spec.Affine:
		return func(y, x []T) { loops.Affine(y, x, a, b) }
	case spec.Relu:
		return func(y, x []T) { loops.Relu(x, y) }
	case spec.Hinge:
		return func(y, x []T) { loops.Hinge(y, x, a, b) }
	case spec.Exp:
		return loops.Exp[T]
	case spec.Log:
		return loops.Log[T]
	case spec.Square:
		return func(y, x []T) { loops.Mul(y, x, x) }
	case spec.Sqrt:
		return loops.Sqrt[T]
	case spec.Softplus:
		return loops.Softplus[T]
	case spec.Sigmoid:
		return loops.Sigmoid[T]
	case spec.Clamp:
		return func(y, x []T) { loops.Clamp(y, x, a, b) }
	case spec.Gelu:
		return loops.Gelu[T]
	case spec.GeluTanh:
		return loops.GeluTanh[T]
	case spec.Swish:
		return func(y, x []T) { loops.Swish(y, x, a) }
	case spec.HardSwish:
		return loops.HardSwish[T]
	case spec.Step:
		return func(y, x []T) { loops.Above(y, x, a) }
	case spec.Equal:
		return func(y, x []T) { loops.Equals(y, x, a) }
	}
	f := scalarValue(s)
	return func(y, x []T) {
		for i, v := range x {
			y[i] = T(f(float64(v)))
		}
	}
}

func scalarValue(s spec.Unary) func(float64) float64 {
	switch s.F {
	case spec.Tanh:
		return math.Tanh
	case spec.Abs:
		return math.Abs
	case spec.Power:
		return func(x float64) float64 { return math.Pow(x, s.A) }
	case spec.Acos:
		return func(x float64) float64 { return math.Acos(min(max(x, -1), 1)) }
	case spec.Cos:
		return math.Cos
	}
	panic("cpu: unknown function " + string(s.F)) // a programmer's mistake in package graph
}

// derivative returns the loop dx = dy·f′.
func derivative[T loops.Float](s spec.Unary) func(dx, x, y, dy []T) {
	a, b := T(s.A), T(s.B)
	switch s.F {
	case spec.Affine:
		return func(dx, _, _, dy []T) { loops.Affine(dx, dy, a, 0) }
	case spec.Relu:
		return func(dx, _, y, dy []T) { loops.ReluGrad(y, dy, dx) }
	case spec.Hinge:
		return func(dx, _, y, dy []T) { loops.HingeGrad(dx, y, dy, a) }
	case spec.Square:
		return func(dx, x, _, dy []T) { loops.SquareGrad(dx, x, dy) }
	case spec.Sqrt:
		return func(dx, _, y, dy []T) { loops.SqrtGrad(dx, y, dy) }
	case spec.Log:
		return func(dx, x, _, dy []T) { loops.Div(dx, dy, x) }
	case spec.Softplus:
		return func(dx, x, _, dy []T) { loops.SoftplusGrad(dx, x, dy) }
	case spec.Sigmoid:
		return func(dx, _, y, dy []T) { loops.SigmoidGrad(dx, y, dy) }
	case spec.Exp:
		return func(dx, _, y, dy []T) { loops.Mul(dx, y, dy) }
	case spec.Clamp:
		return func(dx, x, _, dy []T) { loops.ClampGrad(dx, x, dy, a, b) }
	case spec.Gelu:
		return func(dx, x, _, dy []T) { loops.GeluGrad(dx, x, dy) }
	case spec.GeluTanh:
		return func(dx, x, _, dy []T) { loops.GeluTanhGrad(dx, x, dy) }
	case spec.Swish:
		return func(dx, x, _, dy []T) { loops.SwishGrad(dx, x, dy, a) }
	case spec.HardSwish:
		return func(dx, x, _, dy []T) { loops.HardSwishGrad(dx, x, dy) }
	case spec.Step, spec.Equal:
		return func(dx, _, _, _ []T) { clear(dx) }
	}
	d := scalarDerivative(s)
	return func(dx, x, y, dy []T) {
		for i, g := range dy {
			dx[i] = T(d(float64(x[i]), float64(y[i])) * float64(g))
		}
	}
}

func scalarDerivative(s spec.Unary) func(x, y float64) float64 {
	switch s.F {
	case spec.Tanh:
		return func(_, y float64) float64 { return 1 - y*y }
	case spec.Abs:
		return func(x, _ float64) float64 { return sign(x) }
	case spec.Power:
		return func(x, _ float64) float64 {
			if s.A == 0 || x == 0 && s.A > 0 && s.A < 1 {
				return 0
			}
			return s.A * math.Pow(x, s.A-1)
		}
	case spec.Acos:
		return func(x, _ float64) float64 {
			if math.Abs(x) >= 1 {
				return 0
			}
			return -1 / math.Sqrt((1-x)*(1+x))
		}
	case spec.Cos:
		return func(x, _ float64) float64 { return -math.Sin(x) }
	}
	panic("cpu: no derivative of " + string(s.F))
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0 and NaN
}

func indicator[T loops.Float](b bool) T {
	if b {
		return 1
	}
	return 0
}
