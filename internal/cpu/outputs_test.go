package cpu

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

func numbers32(n int) device.Memory { return device.Memory{F32: make([]float32, n)} }

func numbers64(n int) device.Memory { return device.Memory{F64: make([]float64, n)} }

// outputs is memory for all outputs of a spec, the first of n numbers.
func outputs(what any, n int, numbers func(n int) device.Memory) []device.Memory {
	out := []device.Memory{numbers(n)}
	for _, o := range spec.OutputsOf(what) {
		size := 1
		for _, side := range o.Shape {
			size *= side
		}
		m := numbers(size)
		if o.Places {
			m = device.Memory{I32: make([]int32, size)}
		}
		out = append(out, m)
	}
	return out
}

// placesIn are the places of the maxima of some planes.
func placesIn(p spec.Pool2D) device.Memory {
	rng := rand.New(rand.NewPCG(3, 1))
	x, size := make([]float32, p.Planes*p.H*p.W), p.Planes*p.OutH()*p.OutW()
	for i := range x {
		x[i] = rng.Float32()
	}
	places := make([]int32, size)
	loops.MaxPool(&p, 0, p.Planes, x, make([]float32, size), places)
	return device.Memory{I32: places}
}

// What an output is does not depend on which others somebody reads.
func TestOutputsThatNobodyReads(t *testing.T) {
	for _, c := range append(layerCases(), rowCases()...) {
		several := len(spec.OutputsOf(c.spec))
		if several == 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			kern, err := Device.Kernel(c.spec)
			require.NoError(t, err)
			all := outputs(c.spec, c.out, numbers32)
			require.NoError(t, kern.Run(all, c.inputs32()))
			for mask := range 1 << several {
				some := outputs(c.spec, c.out, numbers32)
				for i := range some[0].F32 {
					some[0].F32[i] = float32(math.NaN())
				}
				for i := range several {
					if mask>>i&1 == 0 {
						some[1+i] = device.Memory{}
					}
				}
				require.NoError(t, kern.Run(some, c.inputs32()))
				require.Equal(t, all[0], some[0], "read: %b", mask)
				for i := range several {
					if mask>>i&1 == 1 {
						require.Equal(t, all[1+i], some[1+i], "output %d, read: %b", 1+i, mask)
					}
				}
			}
		})
	}
}

// rowCases are ops over rows of several outputs.
func rowCases() []layerCase {
	const n, m = 33, 40
	mask := spec.Mask{}
	triplets := spec.Triplets{N: n, M: m, Margin: 0.2, Above: math.Inf(-1), AtMost: math.Inf(1), High: math.Inf(1)}
	visited, windowed := triplets, triplets
	visited.Smooth = true
	windowed.Rule.Sides = spec.Sides{AP: 1, AN: -0.5}
	all := []layerCase{
		{"largest", spec.RowReduce{Op: spec.RowMax, Rows: n, Cols: m, K: 1, Mask: mask}, []int{n * m, n * m}, n},
		{"sums of powers", spec.RowReduce{Op: spec.RowLogSumExp, Rows: n, Cols: m, K: 1, Mask: mask}, []int{n * m, n * m}, n},
		{"terms", spec.RowTerms{Rows: n, Cols: m, Low: 0, High: math.NaN(), Mask: mask}, []int{n * m, n * m}, n},
		{"squares of hinges with a number", spec.RowTerms{Rows: n, Cols: m, Low: 0, High: math.NaN(), Mask: mask, Hinge: true, Square: true, K: -1, C: 0.5, Shift: 2}, []int{n * m, n * m, 1}, n},
		{"bins", spec.RowBins{Rows: n, Cols: m, Bins: 7, Low: -1, High: 1, Mask: mask}, []int{n * m, n * m}, n * 7},
		{"bins of triplets", spec.TripletBins{N: n, M: m, Bins: 7, Low: -1, High: 1, Above: math.Inf(-1), AtMost: math.Inf(1)}, []int{n * m, n * m, n * m}, n * 7},
		{"triplets", triplets, []int{n * m, n * m, n * m}, n},
		{"triplets, each visited", visited, []int{n * m, n * m, n * m}, n},
		{"triplets in a window", windowed, []int{n * m, n * m, n * m}, n},
		{"powers of pairs", spec.PairPowers{Distance: spec.Distance{Metric: spec.Dot, N: n, M: n, D: 8, Self: true},
			Sums: []spec.Part{sumOfPowers(n, spec.Negative, 2), sumOfPowers(n, spec.Positive, 1), sumOfPositives(n)}}, []int{n * 8, n}, n * n},
		{"layer norm parameters", spec.LayerNormParamsGrad{Rows: n, Cols: m, Eps: 1e-5}, []int{n * m, n * m}, m},
	}
	for _, c := range all[:4] {
		leaves := []spec.Leaf{spec.MatrixLeaf, spec.MatrixLeaf, spec.WholeLeaf}[:len(c.in)]
		last := spec.ChainStep{Spec: c.spec, In: []int{len(leaves), 1, 2}[:len(leaves)]}
		chain := spec.Chain{Rows: n, Cols: m, Leaves: leaves, Steps: []spec.ChainStep{{Spec: spec.Unary{F: spec.Affine, N: n * m, A: 2, B: 1}, In: []int{0}}, last}}
		all = append(all, layerCase{"a chain that ends in " + c.name, chain, c.in, c.out})
	}
	return all
}
