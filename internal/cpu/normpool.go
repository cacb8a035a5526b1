package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerPlaces(normPool[float32], normPool[float64])
}

func normPool[T loops.Float](s spec.NormPool) func(*tensors[T]) {
	image, results := s.C*s.Plane, s.Pool.OutH()*s.Pool.OutW()
	blocks := max(1, s.N/max(1, convPoolBlock/image))
	var x, stats, gamma, beta, y, top []T
	var arg []int32
	body := func(lo, hi int) {
		loops.Normalize(s.BatchNorm, lo, hi, x, stats, gamma, beta, y)
		loops.MaxPool(&s.Pool, lo, hi, y, top, arg)
		if s.Relu {
			loops.Relu(top[lo*results:hi*results], top[lo*results:hi*results])
		}
	}
	return func(t *tensors[T]) {
		in := t.in
		if y == nil {
			y = make([]T, ((s.N+blocks-1)/blocks)*image)
		}
		stats, gamma, beta = in[1], in[2], in[3]
		for b := range blocks {
			from, to := s.N*b/blocks, s.N*(b+1)/blocks
			at := from * s.C * results
			x, top, arg = in[0][from*image:], t.out[0][at:], placesFrom(t.outPlaces[1], at)
			loops.Parallel((to-from)*s.C, rowGrain(s.Plane), body)
		}
	}
}
