package gpu

import "medusa/internal/spec"

func init() {
	registerSome((*builder).unary)
	registerSome((*builder).unaryGrad)
}

// functions are their numbers in point.cu.
var functions = map[spec.Func]int{
	spec.Affine:    functionAffine,
	spec.Relu:      functionRelu,
	spec.Hinge:     functionHinge,
	spec.Square:    functionSquare,
	spec.Sqrt:      functionSqrt,
	spec.Exp:       functionExp,
	spec.Log:       functionLog,
	spec.Softplus:  functionSoftplus,
	spec.Sigmoid:   functionSigmoid,
	spec.Abs:       functionAbs,
	spec.Clamp:     functionClamp,
	spec.Step:      functionStep,
	spec.Equal:     functionEqual,
	spec.Tanh:      functionTanh,
	spec.Power:     functionPower,
	spec.Acos:      functionAcos,
	spec.Cos:       functionCos,
	spec.Gelu:      functionGelu,
	spec.GeluTanh:  functionGeluTanh,
	spec.Swish:     functionSwish,
	spec.HardSwish: functionHardSwish,
}

func (b *builder) unary(s spec.Unary) bool {
	f, ok := functions[s.F]
	if ok {
		b.launchUnary(flat(s.N), s.N, f, f32(s.A), f32(s.B), in(0), out)
	}
	return ok
}

func (b *builder) unaryGrad(s spec.UnaryGrad) bool {
	f, ok := functions[s.F]
	if !ok {
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
