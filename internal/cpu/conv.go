package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	register(conv[float32], conv[float64])
	register(convNorm[float32], convNorm[float64])
	register(convGradInput[float32], convGradInput[float64])
	registerSeveral(convGradWeight[float32], convGradWeight[float64])
}

func conv[T loops.Float](s spec.Conv) func(out []T, in [][]T) {
	spare := spareWorkspaces[T]()
	return func(out []T, in [][]T) {
		ws := spare.take()
		defer spare.giveBack(ws)
		var bias []T
		if s.Bias {
			bias = in[2]
		}
		loops.ConvForward(&s.Conv2D, in[0], in[1], bias, out, s.Relu, ws)
	}
}

func convNorm[T loops.Float](s spec.ConvNorm) func(out []T, in [][]T) {
	spare, scale, shift := spareWorkspaces[T](), make([]T, s.OutC), make([]T, s.OutC)
	return func(out []T, in [][]T) {
		ws := spare.take()
		defer spare.giveBack(ws)
		foldNorm(scale, shift, in[2], in[3], in[4])
		loops.ConvScaled(&s.Conv2D, in[0], in[1], scale, shift, out, s.Relu, ws)
	}
}

func convGradInput[T loops.Float](s spec.ConvGradInput) func(out []T, in [][]T) {
	spare := spareWorkspaces[T]()
	return func(out []T, in [][]T) {
		ws := spare.take()
		defer spare.giveBack(ws)
		loops.ConvGradInput(&s.Conv2D, in[0], in[1], out, ws)
	}
}

func convGradWeight[T loops.Float](s spec.ConvGradWeight) func(out, in [][]T) {
	spare := spareWorkspaces[T]()
	return func(out, in [][]T) {
		ws := spare.take()
		defer spare.giveBack(ws)
		loops.ConvGradWeight(&s.Conv2D, in[0], in[1], out[0], out[1], ws)
	}
}
