package device

import "medusa/internal/device/cpu"

// Conv computes y (N, OutC, OutH, OutW) = x ⋆ w + bias, cut at zero with Relu, from
// x (N, C, H, W), w (OutC, C/Groups, KH, KW) and, with Bias, bias (OutC).
type Conv struct {
	cpu.Conv2D
	Bias, Relu bool
}

func (s Conv) cpu() Kernel { return host(conv[float32](s), conv[float64](s)) }

func conv[T cpu.Float](s Conv) func(out []T, in [][]T) {
	ws := new(cpu.Workspace[T])
	return func(out []T, in [][]T) {
		var bias []T
		if s.Bias {
			bias = in[2]
		}
		cpu.ConvForward(&s.Conv2D, in[0], in[1], bias, out, s.Relu, ws)
	}
}

// ConvGradInput computes the gradient to x from dy and w.
type ConvGradInput struct{ cpu.Conv2D }

func (s ConvGradInput) cpu() Kernel {
	return host(convGradInput[float32](s), convGradInput[float64](s))
}

func convGradInput[T cpu.Float](s ConvGradInput) func(out []T, in [][]T) {
	ws := new(cpu.Workspace[T])
	return func(out []T, in [][]T) { cpu.ConvGradInput(&s.Conv2D, in[0], in[1], out, ws) }
}

// ConvGradWeight computes the gradient to w from x and dy.
type ConvGradWeight struct{ cpu.Conv2D }

func (s ConvGradWeight) cpu() Kernel {
	return host(convGradWeight[float32](s), convGradWeight[float64](s))
}

func convGradWeight[T cpu.Float](s ConvGradWeight) func(out []T, in [][]T) {
	ws := new(cpu.Workspace[T])
	return func(out []T, in [][]T) { cpu.ConvGradWeight(&s.Conv2D, in[0], in[1], out, nil, ws) }
}
