package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/cpu/loops"
	"medusa/internal/device"
	"medusa/internal/spec"
)

// TestKernelsAllocateNothing runs every kernel of the loss side twice and then counts.
func TestKernelsAllocateNothing(t *testing.T) {
	loops.SetThreads(1) // starting a goroutine allocates
	defer loops.SetThreads(0)
	const n, m = 32, 16
	d := spec.Distance{Metric: spec.Euclidean, N: n, M: n, D: m, Self: true}
	norm := spec.Normalize{Rows: n, Cols: m, P: 2, Eps: 1e-12}
	lse := spec.RowReduce{Op: spec.RowLogSumExp, K: 1, Rows: n, Cols: m}
	terms := spec.RowTermsGrad{Rows: n, Cols: n, Mask: spec.Mask{Pairs: spec.Negative}, Hinge: true, K: -1, C: 1}
	largest := spec.RowReduce{Op: spec.RowMax, Rows: n, Cols: n, K: 1, Mask: spec.Mask{Pairs: spec.Positive}}
	cross := spec.Distance{Metric: spec.Euclidean, N: n, M: m, D: m}
	mined := spec.Mask{Pairs: spec.Negative, Cross: true, Filters: []spec.Filter{{Kind: spec.Listed, K: 2}, {Kind: spec.Within}}}
	minedTerms := spec.RowTermsGrad{Rows: n, Cols: m, Mask: mined, Hinge: true, K: -1, C: 1}
	triplets := spec.Triplets{N: n, M: m, Pos: spec.Mask{Pairs: spec.Positive, Cross: true}, Neg: mined, Margin: 1}
	sums := spec.PairLogSumExp{N: n, M: m, Pos: spec.Mask{Pairs: spec.Positive, Cross: true}, Neg: mined}
	batchSums := spec.PairLogSumExp{N: n, M: n, Self: true, Pos: spec.Mask{Pairs: spec.Positive}, Neg: spec.Mask{Pairs: spec.Negative}}
	ce := spec.CrossEntropy{Rows: n, Classes: m, Smoothing: 0.1}
	rows := spec.Gather{Rows: m, Cols: n, N: n}
	for _, c := range []struct {
		spec any
		out  int
		in   []int
	}{
		{spec.Unary{F: spec.Softplus, N: n}, n, []int{n}},
		{spec.UnaryGrad{F: spec.Softplus, N: n}, n, []int{n, n, n}},
		{spec.Binary{Op: spec.Mul, A: []int{n, m}, B: []int{n, 1}}, n * m, []int{n * m, n}},
		{spec.SumTo{From: []int{n, m}, To: []int{1, m}}, m, []int{n * m}},
		{spec.SumTo{From: []int{n, m}}, 1, []int{n * m}},
		{spec.Broadcast{From: []int{n, 1}, To: []int{n, m}}, n * m, []int{n}},
		{d, n * n, []int{n * m}},
		{matrixGrad(d), n * m, []int{n * m, n * n, n * n}},
		{spec.PairGrad{Distance: d, Parts: []spec.Part{{Kind: spec.TermsPart, Terms: terms}, {Kind: spec.ReducePart, Reduce: spec.RowReduceGrad(largest)}}}, n * m,
			[]int{n * m, n * n, n, n, n, n, n}},
		{spec.PairGrad{Distance: d, Parts: []spec.Part{{Kind: spec.ReducePart, Reduce: spec.RowReduceGrad(largest)}}}, n * m,
			[]int{n * m, n * n, n, n, n}},
		{cross, n * m, []int{n * m, m * m}},
		{spec.PairGrad{Distance: cross, ToY: true, Parts: []spec.Part{{Kind: spec.TermsPart, Terms: minedTerms}, {Kind: spec.TripletsPart, Triplets: spec.TripletsGrad(triplets)}}}, m * m,
			[]int{n * m, m * m, n * m, n + m, 2 * n, n * m, n, n, n, n + m, n + m, 2 * n, n * m, n, n, n}},
		{spec.PairMask{Rows: n, Cols: m, Mask: mined}, n * m, []int{n + m, 2 * n, n * m, n, n}},
		{spec.RowCount{Rows: n, Cols: m, Mask: mined}, n, []int{n + m, 2 * n, n * m, n, n}},
		{spec.RowKth{Rows: n, Cols: m, K: 2, Mask: mined}, n, []int{n * m, n + m, 2 * n, n * m, n, n}},
		{spec.Distance{Metric: spec.Minkowski, P: 3, N: n, M: m, D: m}, n * m, []int{n * m, m * m}},
		{norm, n * m, []int{n * m}},
		{spec.NormalizeGrad(norm), n * m, []int{n * m, n * m, n * m}},
		{lse, n, []int{n * m, n * m}},
		{spec.RowReduceGrad(lse), n * m, []int{n * m, n * m, n, n, n}},
		{sums, n * m, []int{n * m, n + m, n + m, 2 * n, n * m, n, n, m * m}},
		{spec.PairLogSumExpGrad(sums), n * m, []int{n * m, n + m, n + m, 2 * n, n * m, n, n, m * m, n * m}},
		{spec.PairLogSumExpAmongGrad(sums), m * m, []int{n * m, n + m, n + m, 2 * n, n * m, n, n, m * m, n * m}},
		{spec.GroupMax{Groups: n, Size: m}, n, []int{n * m}},
		{spec.GroupMaxGrad{Groups: n, Size: m}, n * m, []int{n * m, n, n}},
		{spec.GroupSoftMax{Groups: n, Size: m, Temperature: 1}, n, []int{n * m}},
		{spec.GroupSoftMaxGrad{Groups: n, Size: m, Temperature: 1}, n * m, []int{n * m, n, n}},
		{spec.RowFirst{Rows: n, Cols: n, Mask: spec.Mask{Pairs: spec.Positive}}, n, []int{n}},
		{spec.LabelFirst{N: n}, n, []int{n, n}},
		{spec.LabelRank{N: n}, n, []int{n, n}},
		{spec.PairedSoftmax{N: n, M: n, D: m}, n, []int{n * m, n * m, n}},
		{spec.PairedSoftmaxGrad{PairedSoftmax: spec.PairedSoftmax{N: n, M: n, D: m}, ToY: true}, n * m, []int{n * m, n * m, n, n}},
		{batchSums, n * n, []int{n * n, n, n}},
		{spec.PairLogSumExpGrad(batchSums), n * n, []int{n * n, n, n, n * n}},
		{spec.LogSoftmax{Rows: n, Cols: m}, n * m, []int{n * m}},
		{spec.LogSoftmaxGrad{Rows: n, Cols: m}, n * m, []int{n * m, n * m}},
		{ce, n, []int{n * m, n}},
		{spec.CrossEntropyGrad(ce), n * m, []int{n * m, n, n}},
		{rows, n * n, []int{n * m, n}},
		{spec.GatherGrad(rows), n * m, []int{n, n * n}},
		{spec.GatherRows{Rows: m, N: n}, n, []int{n}},
		{spec.GatherRowsGrad(rows), n * n, []int{n, n * n}},
		{spec.Where{Rows: 1, Cols: n}, n, []int{n, n}},
		{spec.Iota{N: n}, n, []int{n}},
		{spec.Constant{N: n, Value: 2}, n, []int{n}},
		{spec.MatMul{M: n, N: n, K: m}, n * n, []int{n * m, n * m}},
		{spec.Transpose{Rows: n, Cols: m}, n * m, []int{n * m}},
		{spec.Copy{N: n}, n, []int{n}},
		{spec.Concat{Rows: n, Widths: []int{1, m}}, n * (m + 1), []int{n, n * m}},
		{spec.Slice{Rows: n, Width: m, From: 1, To: 4}, n * 3, []int{n * m}},
		{spec.SliceGrad{Rows: n, Width: m, From: 1, To: 4}, n * m, []int{n * 3}},
	} {
		t.Run(spec.Describe(c.spec), func(t *testing.T) {
			k, err := Device.Kernel(c.spec)
			require.NoError(t, err)
			for _, memory := range []func(n int) device.Memory{numbers32, numbers64} {
				out := outputs(c.spec, c.out, memory)
				var in []device.Memory
				for _, n := range c.in {
					in = append(in, memory(n))
				}
				require.NoError(t, k.Run(out, in))
				require.Zero(t, testing.AllocsPerRun(10, func() {
					if err := k.Run(out, in); err != nil {
						t.Error(err)
					}
				}))
			}
		})
	}
}

func TestNoKernel(t *testing.T) {
	_, err := Device.Kernel(struct{ Unknown int }{3})
	require.EqualError(t, err, "cpu: no kernel for struct { Unknown int }{Unknown:3}")
}
