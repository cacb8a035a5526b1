package cpu

import (
	"medusa/internal/cpu/loops"
	"medusa/internal/spec"
)

func init() {
	registerPlaces(linear[float32], linear[float64])
	register(channelSum[float32], channelSum[float64])
	register(addRelu[float32], addRelu[float64])
}

func linear[T loops.Float](s spec.Linear) func(*tensors[T]) {
	var key any = readyMatrix[T]{s.O, s.F}
	return func(t *tensors[T]) {
		x, w, out := t.in[0], t.in[1], t.out[0]
		var bias []T
		if s.Bias {
			bias = t.in[2]
		}
		if ready := t.ready(1, key); ready != nil {
			ready.GemmBias(s.B, s.O, s.F, x, s.F, w, s.F, bias, s.Relu, out, s.O)
			return
		}
		loops.GemmBias(false, true, s.B, s.O, s.F, x, s.F, w, s.F, bias, s.Relu, out, s.O)
	}
}

// readyMatrix is the key of what linear layers keep of weights (O, F).
type readyMatrix[T loops.Float] struct{ o, f int }

func channelSum[T loops.Float](s spec.ChannelSum) func(out []T, in [][]T) {
	sums := make([]float64, s.C)
	var x, out []T
	body := func(lo, hi int) { loops.ChannelSum(s.N, s.C, s.Plane, lo, hi, x, out, sums) }
	return func(o []T, in [][]T) {
		x, out = in[0], o
		loops.Parallel(s.C, rowGrain(s.N*s.Plane), body)
	}
}

func addRelu[T loops.Float](s spec.AddRelu) func(out []T, in [][]T) {
	var a, b, out []T
	body := func(lo, hi int) { loops.AddRelu(a[lo:hi], b[lo:hi], out[lo:hi]) }
	return func(o []T, in [][]T) {
		a, b, out = in[0], in[1], o
		forEach(s.N, body)
	}
}
