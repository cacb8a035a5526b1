package device

import (
	"math"

	"medusa/internal/device/cpu"
)

// Func names a function of one variable.
type Func string

// The functions of Unary. a and b are the spec's parameters.
const (
	Affine    Func = "affine"    // a·x + b
	Relu      Func = "relu"      // max(0, x); derivative 0 at 0
	Hinge     Func = "hinge"     // max(0, a·x + b); derivative 0 where it is 0
	Square    Func = "square"    // x²
	Sqrt      Func = "sqrt"      // √max(x, 0); derivative 0 at 0
	Exp       Func = "exp"       // eˣ
	Log       Func = "log"       // ln x
	Softplus  Func = "softplus"  // ln(1 + eˣ), without overflow
	Sigmoid   Func = "sigmoid"   // 1/(1 + e⁻ˣ)
	Tanh      Func = "tanh"      // tanh x
	Abs       Func = "abs"       // |x|; derivative 0 at 0
	Power     Func = "power"     // xᵃ; derivative 0 at 0 if 0 ≤ a < 1
	Clamp     Func = "clamp"     // min(max(x, a), b); derivative 0 outside [a, b]
	Acos      Func = "acos"      // arc cosine of x clamped to [−1, 1]; derivative 0 at the ends and beyond
	Cos       Func = "cos"       // cosine
	Gelu      Func = "gelu"      // x·Φ(x), Φ the normal distribution's function
	GeluTanh  Func = "gelutanh"  // ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))
	Swish     Func = "swish"     // x/(1 + e^(−a·x))
	HardSwish Func = "hardswish" // x·min(max(x/6 + ½, 0), 1); derivative x/3 + ½ from −3 to 3
	Step      Func = "step"      // 1 if x > a, else 0; derivative 0
	Equal     Func = "equal"     // 1 if x = a, else 0; derivative 0
)

// Unary computes f(x) at every one of N elements.
type Unary struct {
	F    Func
	A, B float64
	N    int
}

func (s Unary) cpu() Kernel { return host(unary[float32](s), unary[float64](s)) }

// UnaryGrad computes dx = dy·f′(x) from those of x and y = f(x) that F.Needs tells, and dy.
type UnaryGrad Unary

// Needs tells what the derivative is computed from, besides the gradient: x, y = f(x),
// both or neither. What is not needed need not be kept.
func (f Func) Needs() (x, y bool) {
	switch f {
	case Affine:
		return false, false
	case Relu, Hinge, Exp, Sqrt, Sigmoid, Tanh:
		return false, true
	}
	return true, false
}

func (s UnaryGrad) cpu() Kernel { return host(unaryGrad[float32](s), unaryGrad[float64](s)) }

func unary[T cpu.Float](s Unary) func(out []T, in [][]T) {
	f := value[T](s)
	var x, y []T
	body := func(lo, hi int) { f(y[lo:hi], x[lo:hi]) }
	return func(out []T, in [][]T) {
		x, y = in[0], out
		forEach(s.N, body)
	}
}

func unaryGrad[T cpu.Float](s UnaryGrad) func(out []T, in [][]T) {
	d := derivative[T](Unary(s))
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
func value[T cpu.Float](s Unary) func(y, x []T) {
	a, b := T(s.A), T(s.B)
	switch s.F {
	case Affine:
		return func(y, x []T) { cpu.Affine(y, x, a, b) }
	case Relu:
		return func(y, x []T) { cpu.Relu(x, y) }
	case Hinge:
		return func(y, x []T) { cpu.Hinge(y, x, a, b) }
	case Exp:
		return cpu.Exp[T]
	case Log:
		return cpu.Log[T]
	case Square:
		return func(y, x []T) { cpu.Mul(y, x, x) }
	case Sqrt:
		return cpu.Sqrt[T]
	case Softplus:
		return cpu.Softplus[T]
	case Sigmoid:
		return cpu.Sigmoid[T]
	case Clamp:
		return func(y, x []T) { cpu.Clamp(y, x, a, b) }
	case Gelu:
		return cpu.Gelu[T]
	case GeluTanh:
		return cpu.GeluTanh[T]
	case Swish:
		return func(y, x []T) { cpu.Swish(y, x, a) }
	case HardSwish:
		return cpu.HardSwish[T]
	case Step:
		return func(y, x []T) { cpu.Above(y, x, a) }
	case Equal:
		return func(y, x []T) { cpu.Equals(y, x, a) }
	}
	f := scalarValue(s)
	return func(y, x []T) {
		for i, v := range x {
			y[i] = T(f(float64(v)))
		}
	}
}

func scalarValue(s Unary) func(float64) float64 {
	switch s.F {
	case Tanh:
		return math.Tanh
	case Abs:
		return math.Abs
	case Power:
		return func(x float64) float64 { return math.Pow(x, s.A) }
	case Acos:
		return func(x float64) float64 { return math.Acos(min(max(x, -1), 1)) }
	case Cos:
		return math.Cos
	}
	panic("device: unknown function " + string(s.F)) // a programmer's mistake in package graph
}

// derivative returns the loop dx = dy·f′.
func derivative[T cpu.Float](s Unary) func(dx, x, y, dy []T) {
	a, b := T(s.A), T(s.B)
	switch s.F {
	case Affine:
		return func(dx, _, _, dy []T) { cpu.Affine(dx, dy, a, 0) }
	case Relu:
		return func(dx, _, y, dy []T) { cpu.ReluGrad(y, dy, dx) }
	case Hinge:
		return func(dx, _, y, dy []T) { cpu.HingeGrad(dx, y, dy, a) }
	case Square:
		return func(dx, x, _, dy []T) { cpu.SquareGrad(dx, x, dy) }
	case Sqrt:
		return func(dx, _, y, dy []T) { cpu.SqrtGrad(dx, y, dy) }
	case Log:
		return func(dx, x, _, dy []T) { cpu.Div(dx, dy, x) }
	case Softplus:
		return func(dx, x, _, dy []T) { cpu.SoftplusGrad(dx, x, dy) }
	case Sigmoid:
		return func(dx, _, y, dy []T) { cpu.SigmoidGrad(dx, y, dy) }
	case Exp:
		return func(dx, _, y, dy []T) { cpu.Mul(dx, y, dy) }
	case Clamp:
		return func(dx, x, _, dy []T) { cpu.ClampGrad(dx, x, dy, a, b) }
	case Gelu:
		return func(dx, x, _, dy []T) { cpu.GeluGrad(dx, x, dy) }
	case GeluTanh:
		return func(dx, x, _, dy []T) { cpu.GeluTanhGrad(dx, x, dy) }
	case Swish:
		return func(dx, x, _, dy []T) { cpu.SwishGrad(dx, x, dy, a) }
	case HardSwish:
		return func(dx, x, _, dy []T) { cpu.HardSwishGrad(dx, x, dy) }
	case Step, Equal:
		return func(dx, _, _, _ []T) { clear(dx) }
	}
	d := scalarDerivative(s)
	return func(dx, x, y, dy []T) {
		for i, g := range dy {
			dx[i] = T(d(float64(x[i]), float64(y[i])) * float64(g))
		}
	}
}

func scalarDerivative(s Unary) func(x, y float64) float64 {
	switch s.F {
	case Tanh:
		return func(_, y float64) float64 { return 1 - y*y }
	case Abs:
		return func(x, _ float64) float64 { return sign(x) }
	case Power:
		return func(x, _ float64) float64 {
			if s.A == 0 || x == 0 && s.A > 0 && s.A < 1 {
				return 0
			}
			return s.A * math.Pow(x, s.A-1)
		}
	case Acos:
		return func(x, _ float64) float64 {
			if math.Abs(x) >= 1 {
				return 0
			}
			return -1 / math.Sqrt((1-x)*(1+x))
		}
	case Cos:
		return func(x, _ float64) float64 { return -math.Sin(x) }
	}
	panic("device: no derivative of " + string(s.F))
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

func indicator[T cpu.Float](b bool) T {
	if b {
		return 1
	}
	return 0
}
