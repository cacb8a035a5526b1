package device

import "medusa/internal/device/cpu"

// Linear computes y (B, O) = x·wᵀ + bias from x (B, F), w (O, F) and, with Bias,
// bias (O), cut at zero with Relu.
type Linear struct {
	B, F, O    int
	Bias, Relu bool
}

func (s Linear) cpu() Kernel { return host(linear[float32](s), linear[float64](s)) }

func linear[T cpu.Float](s Linear) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		var bias []T
		if s.Bias {
			bias = in[2]
		}
		cpu.GemmBias(false, true, s.B, s.O, s.F, in[0], s.F, in[1], s.F, bias, s.Relu, out, s.O)
	}
}

// ChannelSum adds x (N, C, Plane) up to (C): the gradient to a bias.
type ChannelSum struct{ N, C, Plane int }

func (s ChannelSum) cpu() Kernel { return host(channelSum[float32](s), channelSum[float64](s)) }

func channelSum[T cpu.Float](s ChannelSum) func(out []T, in [][]T) {
	sums := make([]float64, s.C)
	var x, out []T
	body := func(lo, hi int) { cpu.ChannelSum(s.N, s.C, s.Plane, lo, hi, x, out, sums) }
	return func(o []T, in [][]T) {
		x, out = in[0], o
		cpu.Parallel(s.C, rowGrain(s.N*s.Plane), body)
	}
}

// AddRelu computes max(0, a + b) of N elements.
type AddRelu struct{ N int }

func (s AddRelu) cpu() Kernel { return host(addRelu[float32](s), addRelu[float64](s)) }

func addRelu[T cpu.Float](s AddRelu) func(out []T, in [][]T) {
	var a, b, out []T
	body := func(lo, hi int) { cpu.AddRelu(a[lo:hi], b[lo:hi], out[lo:hi]) }
	return func(o []T, in [][]T) {
		a, b, out = in[0], in[1], o
		forEach(s.N, body)
	}
}
