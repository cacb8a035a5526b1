package device

import (
	"fmt"

	"medusa/internal/device/cpu"
)

// Saved is what a maximum remembers for its gradient: the place of each maximum in its
// plane. It is filled only if Wanted, which building the gradient sets.
type Saved struct {
	Wanted bool
	index  []int32
}

// MaxPool computes the largest number of each window, cut at zero with Relu. The op is not to be merged with
// others, since its gradient reads what the same run left in Saved.
type MaxPool struct {
	cpu.Pool2D
	Relu  bool
	Saved *Saved
}

func (s MaxPool) String() string {
	return fmt.Sprintf("MaxPool %+v, ReLU %t", s.Pool2D, s.Relu)
}

func (s MaxPool) cpu() Kernel { return host(maxPool[float32](s), maxPool[float64](s)) }

func maxPool[T cpu.Float](s MaxPool) func(out []T, in [][]T) {
	var x, y []T
	var arg []int32
	plane := s.OutH() * s.OutW()
	body := func(lo, hi int) {
		cpu.MaxPool(&s.Pool2D, lo, hi, x, y, arg)
		if s.Relu {
			cpu.Relu(y[lo*plane:hi*plane], y[lo*plane:hi*plane])
		}
	}
	return func(out []T, in [][]T) {
		if s.Saved.Wanted && len(s.Saved.index) != len(out) {
			s.Saved.index = make([]int32, len(out))
		}
		x, y, arg = in[0], out, s.Saved.index
		cpu.Parallel(s.Planes, rowGrain(s.H*s.W), body)
	}
}

// MaxPoolGrad computes dx from dy, gated already with Relu, and, for the order of
// execution, y.
type MaxPoolGrad MaxPool

func (s MaxPoolGrad) String() string { return fmt.Sprintf("MaxPoolGrad %+v", s.Pool2D) }

func (s MaxPoolGrad) cpu() Kernel { return host(maxPoolGrad[float32](s), maxPoolGrad[float64](s)) }

func maxPoolGrad[T cpu.Float](s MaxPoolGrad) func(out []T, in [][]T) {
	var dy, dx []T
	body := func(lo, hi int) { cpu.MaxPoolGrad(&s.Pool2D, lo, hi, dy, s.Saved.index, dx) }
	return func(out []T, in [][]T) {
		dy, dx = in[0], out
		cpu.Parallel(s.Planes, rowGrain(s.H*s.W), body)
	}
}

// AvgPool computes the mean of each window.
type AvgPool struct{ cpu.Pool2D }

func (s AvgPool) cpu() Kernel { return host(avgPool[float32](s), avgPool[float64](s)) }

func avgPool[T cpu.Float](s AvgPool) func(out []T, in [][]T) {
	return onPlanes(s.Planes, s.H*s.W, func(lo, hi int, x, y []T) { cpu.AvgPool(&s.Pool2D, lo, hi, x, y) })
}

// AvgPoolGrad computes dx from dy.
type AvgPoolGrad struct{ cpu.Pool2D }

func (s AvgPoolGrad) cpu() Kernel { return host(avgPoolGrad[float32](s), avgPoolGrad[float64](s)) }

func avgPoolGrad[T cpu.Float](s AvgPoolGrad) func(out []T, in [][]T) {
	return onPlanes(s.Planes, s.H*s.W, func(lo, hi int, dy, dx []T) { cpu.AvgPoolGrad(&s.Pool2D, lo, hi, dy, dx) })
}

// PlaneMean computes the means (Planes) of x (Planes, Size).
type PlaneMean struct{ Planes, Size int }

func (s PlaneMean) cpu() Kernel { return host(planeMean[float32](s), planeMean[float64](s)) }

func planeMean[T cpu.Float](s PlaneMean) func(out []T, in [][]T) {
	return onPlanes(s.Planes, s.Size, func(lo, hi int, x, y []T) { cpu.PlaneMean(s.Size, lo, hi, x, y) })
}

// PlaneMeanGrad computes dx (Planes, Size) from dy (Planes).
type PlaneMeanGrad PlaneMean

func (s PlaneMeanGrad) cpu() Kernel {
	return host(planeMeanGrad[float32](s), planeMeanGrad[float64](s))
}

func planeMeanGrad[T cpu.Float](s PlaneMeanGrad) func(out []T, in [][]T) {
	return onPlanes(s.Planes, s.Size, func(lo, hi int, dy, dx []T) { cpu.PlaneMeanGrad(s.Size, lo, hi, dy, dx) })
}

// onPlanes runs body over planes of the given size, some at a time.
func onPlanes[T cpu.Float](planes, size int, body func(lo, hi int, x, y []T)) func(out []T, in [][]T) {
	var x, y []T
	piece := func(lo, hi int) { body(lo, hi, x, y) }
	return func(out []T, in [][]T) {
		x, y = in[0], out
		cpu.Parallel(planes, rowGrain(size), piece)
	}
}
