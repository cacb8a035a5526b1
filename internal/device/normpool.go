package device

import (
	"fmt"

	"medusa/internal/device/cpu"
)

// NormPool computes the largest number of each window of BatchNorm, cut at zero with Relu,
// some images at a time: what is normalised does not leave the cache. Inputs are those of
// BatchNorm, whose own Relu must not be set. Like MaxPool, the op is not to be merged with
// others.
type NormPool struct {
	cpu.BatchNorm
	Pool  cpu.Pool2D // of all images
	Relu  bool
	Saved *Saved
}

func (s NormPool) String() string {
	return fmt.Sprintf("NormPool %+v, %+v, ReLU %t", s.BatchNorm, s.Pool, s.Relu)
}

func (s NormPool) cpu() Kernel { return host(normPool[float32](s), normPool[float64](s)) }

func normPool[T cpu.Float](s NormPool) func(out []T, in [][]T) {
	image, results := s.C*s.Plane, s.Pool.OutH()*s.Pool.OutW()
	blocks := max(1, s.N/max(1, convPoolBlock/image))
	var x, stats, gamma, beta, y, top []T
	var arg []int32
	body := func(lo, hi int) {
		cpu.Normalize(s.BatchNorm, lo, hi, x, stats, gamma, beta, y)
		cpu.MaxPool(&s.Pool, lo, hi, y, top, arg)
		if s.Relu {
			cpu.Relu(top[lo*results:hi*results], top[lo*results:hi*results])
		}
	}
	return func(out []T, in [][]T) {
		if s.Saved.Wanted && len(s.Saved.index) != len(out) {
			s.Saved.index = make([]int32, len(out))
		}
		if y == nil {
			y = make([]T, ((s.N+blocks-1)/blocks)*image)
		}
		stats, gamma, beta = in[1], in[2], in[3]
		for b := range blocks {
			from, to := s.N*b/blocks, s.N*(b+1)/blocks
			at := from * s.C * results
			x, top, arg = in[0][from*image:], out[at:], nil
			if s.Saved.Wanted {
				arg = s.Saved.index[at:]
			}
			cpu.Parallel((to-from)*s.C, rowGrain(s.Plane), body)
		}
	}
}
