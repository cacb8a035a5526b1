package device

import (
	"fmt"

	"medusa/internal/device/cpu"
)

// Conv computes y (N, OutC, OutH, OutW) = x ⋆ w + bias, cut at zero with Relu, from
// x (N, C, H, W), w (OutC, C/Groups, KH, KW) and, with Bias, bias (OutC).
type Conv struct {
	cpu.Conv2D
	Bias, Relu bool
}

func (s Conv) cpu() Kernel { return host(conv[float32](s), conv[float64](s)) }

func conv[T cpu.Float](s Conv) func(out []T, in [][]T) {
	spare := spareWorkspaces[T]()
	return func(out []T, in [][]T) {
		ws := spare.take()
		defer spare.giveBack(ws)
		var bias []T
		if s.Bias {
			bias = in[2]
		}
		cpu.ConvForward(&s.Conv2D, in[0], in[1], bias, out, s.Relu, ws)
	}
}

// ConvNorm computes y = γ·(x ⋆ w − mean)·istd + β, cut at zero with Relu, from x, w,
// statistics (2, OutC) as RunningStats gives them, γ (OutC) and β (OutC): a convolution and
// its normalisation in one pass.
type ConvNorm struct {
	cpu.Conv2D
	Relu bool
}

func (s ConvNorm) cpu() Kernel { return host(convNorm[float32](s), convNorm[float64](s)) }

func convNorm[T cpu.Float](s ConvNorm) func(out []T, in [][]T) {
	spare, scale, shift := spareWorkspaces[T](), make([]T, s.OutC), make([]T, s.OutC)
	return func(out []T, in [][]T) {
		ws := spare.take()
		defer spare.giveBack(ws)
		foldNorm(scale, shift, in[2], in[3], in[4])
		cpu.ConvScaled(&s.Conv2D, in[0], in[1], scale, shift, out, s.Relu, ws)
	}
}

// ConvGradInput computes the gradient to x from dy and w.
type ConvGradInput struct{ cpu.Conv2D }

func (s ConvGradInput) cpu() Kernel {
	return host(convGradInput[float32](s), convGradInput[float64](s))
}

func convGradInput[T cpu.Float](s ConvGradInput) func(out []T, in [][]T) {
	spare := spareWorkspaces[T]()
	return func(out []T, in [][]T) {
		ws := spare.take()
		defer spare.giveBack(ws)
		cpu.ConvGradInput(&s.Conv2D, in[0], in[1], out, ws)
	}
}

// Sums is what a gradient to weights leaves for the gradient to a bias: dy summed over
// images and places, while it is read anyhow.
type Sums struct {
	f32 []float32
	f64 []float64
}

func sumsOf[T cpu.Float](s *Sums) *[]T {
	var p any = &s.f32
	if _, double := any(T(0)).(float64); double {
		p = &s.f64
	}
	return p.(*[]T)
}

// ConvGradWeight computes the gradient to w from x and dy, and that to a bias into Bias
// unless it is nil. With Bias, the op is not to be merged with others.
type ConvGradWeight struct {
	cpu.Conv2D
	Bias *Sums
}

func (s ConvGradWeight) String() string {
	return fmt.Sprintf("ConvGradWeight %+v, bias %t", s.Conv2D, s.Bias != nil)
}

func (s ConvGradWeight) cpu() Kernel {
	return host(convGradWeight[float32](s), convGradWeight[float64](s))
}

func convGradWeight[T cpu.Float](s ConvGradWeight) func(out []T, in [][]T) {
	spare := spareWorkspaces[T]()
	var bias []T
	if s.Bias != nil {
		bias = make([]T, s.OutC)
		*sumsOf[T](s.Bias) = bias
	}
	return func(out []T, in [][]T) {
		ws := spare.take()
		defer spare.giveBack(ws)
		cpu.ConvGradWeight(&s.Conv2D, in[0], in[1], out, bias, ws)
	}
}

// BiasGrad copies what ConvGradWeight left in Sums. Its input is the gradient to w, for
// the order of execution.
type BiasGrad struct{ Sums *Sums }

func (s BiasGrad) String() string { return "BiasGrad" }

func (s BiasGrad) cpu() Kernel { return host(biasGrad[float32](s), biasGrad[float64](s)) }

func biasGrad[T cpu.Float](s BiasGrad) func(out []T, in [][]T) {
	return func(out []T, _ [][]T) { copy(out, *sumsOf[T](s.Sums)) }
}
