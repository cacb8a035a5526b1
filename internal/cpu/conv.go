package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerPlaces(conv[float32], conv[float64])
	registerPlaces(convNorm[float32], convNorm[float64])
	register(convGradInput[float32], convGradInput[float64])
	registerSeveral(convGradWeight[float32], convGradWeight[float64])
}

func conv[T loops.Float](s spec.Conv) func(*tensors[T]) {
	spare, key := spareWorkspaces[T](), readyKey[T](s.Conv2D)
	return func(t *tensors[T]) {
		ws := spare.take()
		defer spare.giveBack(ws)
		var bias []T
		if s.Bias {
			bias = t.in[2]
		}
		loops.ConvScaled(&s.Conv2D, t.in[0], t.in[1], t.ready(1, key), nil, bias, t.out[0], s.Relu, ws)
	}
}

func convNorm[T loops.Float](s spec.ConvNorm) func(*tensors[T]) {
	spare, key, scale, shift := spareWorkspaces[T](), readyKey[T](s.Conv2D), make([]T, s.OutC), make([]T, s.OutC)
	return func(t *tensors[T]) {
		ws := spare.take()
		defer spare.giveBack(ws)
		foldNorm(scale, shift, t.in[2], t.in[3], t.in[4])
		loops.ConvScaled(&s.Conv2D, t.in[0], t.in[1], t.ready(1, key), scale, shift, t.out[0], s.Relu, ws)
	}
}

// readyFilters is the key of what convolutions keep of weights (OutC, C/Groups, KH, KW). It depends on neither the number
// of pictures nor their size: graphs of several sizes share it.
type readyFilters[T loops.Float] struct{ c, outC, kh, kw, groups int }

func readyKey[T loops.Float](p spec.Conv2D) any {
	p = p.WithDefaults()
	return readyFilters[T]{p.C, p.OutC, p.KH, p.KW, p.Groups}
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
