package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerPlaces(convPool[float32], convPool[float64])
}

// convPoolBlock is the number of a convolution's results made at a time, about.
const convPoolBlock = 1 << 18

func convPool[T loops.Float](s spec.ConvPool) func(*tensors[T]) {
	spare, key, scale, shift := spareWorkspaces[T](), readyKey[T](s.Conv2D), make([]T, s.OutC), make([]T, s.OutC)
	image, pixels, results := s.C*s.H*s.W, s.Pool.H*s.Pool.W, s.Pool.OutH()*s.Pool.OutW()
	// Blocks are of one size or one more: none is a single image, unless all are.
	blocks := max(1, s.N/max(2, convPoolBlock/(s.OutC*pixels)))
	var y, top []T
	var arg []int32
	body := func(lo, hi int) {
		loops.MaxPool(&s.Pool, lo, hi, y, top, arg)
		if s.Relu {
			loops.Relu(top[lo*results:hi*results], top[lo*results:hi*results])
		}
	}
	return func(t *tensors[T]) {
		ws := spare.take()
		defer spare.giveBack(ws)
		in, ready := t.in, t.ready(1, key)
		var factor, bias []T
		switch {
		case s.Bias:
			bias = in[2]
		case s.Norm:
			foldNorm(scale, shift, in[2], in[3], in[4])
			factor, bias = scale, shift
		}
		if y == nil {
			y = make([]T, ((s.N+blocks-1)/blocks)*s.OutC*pixels)
		}
		for b := range blocks {
			from, to := s.N*b/blocks, s.N*(b+1)/blocks
			part := s.Conv2D
			part.N = to - from
			loops.ConvScaled(&part, in[0][from*image:], in[1], ready, factor, bias, y, false, ws)
			at := from * s.OutC * results
			top, arg = t.out[0][at:], placesFrom(t.outPlaces[1], at)
			loops.Parallel(part.N*s.OutC, rowGrain(pixels), body)
		}
	}
}

// placesFrom are the places from at on, none where nobody reads them.
func placesFrom(places []int32, at int) []int32 {
	if places == nil {
		return nil
	}
	return places[at:]
}

// foldNorm turns statistics (2, C), γ and β into a factor and a summand for each channel.
func foldNorm[T loops.Float](scale, shift, stats, gamma, beta []T) {
	mean, istd := stats[:len(scale)], stats[len(scale):]
	for c := range scale {
		scale[c] = gamma[c] * istd[c]
		shift[c] = beta[c] - mean[c]*scale[c]
	}
}
