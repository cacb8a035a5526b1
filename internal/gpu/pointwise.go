package gpu

import (
	"slices"

	"medusa/internal/spec"
)

func init() {
	registerSome((*builder).unary)
	registerSome((*builder).unaryGrad)
}

// functions are those of point.cu, in the order of its numbers.
var functions = []spec.Func{spec.Affine, spec.Relu, spec.Hinge, spec.Square, spec.Sqrt, spec.Exp, spec.Log,
	spec.Softplus, spec.Sigmoid, spec.Abs, spec.Clamp, spec.Step, spec.Equal, spec.Tanh, spec.Power, spec.Acos, spec.Cos,
	spec.Gelu, spec.GeluTanh, spec.Swish, spec.HardSwish}

func (b *builder) unary(s spec.Unary) bool {
	f := slices.Index(functions, s.F)
	if f >= 0 {
		b.launchUnary(flat(s.N), s.N, f, f32(s.A), f32(s.B), in(0), out)
	}
	return f >= 0
}

func (b *builder) unaryGrad(s spec.UnaryGrad) bool {
	f := slices.Index(functions, s.F)
	if f < 0 {
		return false
	}
	needX, needY := s.F.Needs()
	dy := in(btoi(needX) + btoi(needY))
	x, y := dy, dy // not looked at
	if needX {
		x = in(0)
	}
	if needY {
		y = in(btoi(needX))
	}
	b.launchUnaryGrad(flat(s.N), s.N, f, f32(s.A), f32(s.B), x, y, dy, out)
	return true
}
