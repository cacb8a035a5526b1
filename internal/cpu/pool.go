package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerPlaces(maxPool[float32], maxPool[float64])
	registerPlaces(maxPoolGrad[float32], maxPoolGrad[float64])
	register(avgPool[float32], avgPool[float64])
	register(avgPoolGrad[float32], avgPoolGrad[float64])
	register(planeMean[float32], planeMean[float64])
	register(planeMeanGrad[float32], planeMeanGrad[float64])
}

func maxPool[T loops.Float](s spec.MaxPool) func(*tensors[T]) {
	var x, y []T
	var arg []int32
	plane := s.OutH() * s.OutW()
	body := func(lo, hi int) {
		loops.MaxPool(&s.Pool2D, lo, hi, x, y, arg)
		if s.Relu {
			loops.Relu(y[lo*plane:hi*plane], y[lo*plane:hi*plane])
		}
	}
	return func(t *tensors[T]) {
		x, y, arg = t.in[0], t.out[0], t.outPlaces[1]
		loops.Parallel(s.Planes, rowGrain(s.H*s.W), body)
	}
}

func maxPoolGrad[T loops.Float](s spec.MaxPoolGrad) func(*tensors[T]) {
	var dy, dx []T
	var arg []int32
	body := func(lo, hi int) { loops.MaxPoolGrad(&s.Pool2D, lo, hi, dy, arg, dx) }
	return func(t *tensors[T]) {
		dy, arg, dx = t.in[0], t.inPlaces[1], t.out[0]
		loops.Parallel(s.Planes, rowGrain(s.H*s.W), body)
	}
}

func avgPool[T loops.Float](s spec.AvgPool) func(out []T, in [][]T) {
	return onPlanes(s.Planes, s.H*s.W, func(lo, hi int, x, y []T) { loops.AvgPool(&s.Pool2D, lo, hi, x, y) })
}

func avgPoolGrad[T loops.Float](s spec.AvgPoolGrad) func(out []T, in [][]T) {
	return onPlanes(s.Planes, s.H*s.W, func(lo, hi int, dy, dx []T) { loops.AvgPoolGrad(&s.Pool2D, lo, hi, dy, dx) })
}

func planeMean[T loops.Float](s spec.PlaneMean) func(out []T, in [][]T) {
	return onPlanes(s.Planes, s.Size, func(lo, hi int, x, y []T) { loops.PlaneMean(s.Size, lo, hi, x, y) })
}

func planeMeanGrad[T loops.Float](s spec.PlaneMeanGrad) func(out []T, in [][]T) {
	return onPlanes(s.Planes, s.Size, func(lo, hi int, dy, dx []T) { loops.PlaneMeanGrad(s.Size, lo, hi, dy, dx) })
}

// onPlanes runs body over planes of the given size, some at a time.
func onPlanes[T loops.Float](planes, size int, body func(lo, hi int, x, y []T)) func(out []T, in [][]T) {
	var x, y []T
	piece := func(lo, hi int) { body(lo, hi, x, y) }
	return func(out []T, in [][]T) {
		x, y = in[0], out
		loops.Parallel(planes, rowGrain(size), piece)
	}
}
