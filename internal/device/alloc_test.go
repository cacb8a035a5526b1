package device

import (
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device/cpu"
)

// TestKernelsAllocateNothing runs every kernel of the loss side twice and then counts.
func TestKernelsAllocateNothing(t *testing.T) {
	cpu.SetThreads(1) // starting a goroutine allocates
	defer cpu.SetThreads(0)
	const n, m = 32, 16
	d := Distance{Metric: Euclidean, N: n, M: n, D: m, Self: true}
	norm := Normalize{Rows: n, Cols: m, P: 2, Eps: 1e-12}
	lse := RowReduce{Op: RowLogSumExp, K: 1, Rows: n, Cols: m}
	terms := RowTermsGrad{Rows: n, Cols: n, Mask: Mask{Pairs: Negative}, Hinge: true, K: -1, C: 1}
	largest := RowReduce{Op: RowMax, Rows: n, Cols: n, K: 1, Mask: Mask{Pairs: Positive}}
	cross := Distance{Metric: Euclidean, N: n, M: m, D: m}
	mined := Mask{Pairs: Negative, Cross: true, Filters: []Filter{{Kind: Listed, K: 2}, {Kind: Within}}}
	minedTerms := RowTermsGrad{Rows: n, Cols: m, Mask: mined, Hinge: true, K: -1, C: 1}
	triplets := Triplets{N: n, M: m, Pos: Mask{Pairs: Positive, Cross: true}, Neg: mined, Margin: 1}
	sums := PairLogSumExp{N: n, M: m, Pos: Mask{Pairs: Positive, Cross: true}, Neg: mined}
	batchSums := PairLogSumExp{N: n, M: n, Self: true, Pos: Mask{Pairs: Positive}, Neg: Mask{Pairs: Negative}}
	ce := CrossEntropy{Rows: n, Classes: m, Smoothing: 0.1}
	rows := Gather{Rows: m, Cols: n, N: n}
	for _, c := range []struct {
		spec any
		out  int
		in   []int
	}{
		{Unary{F: Softplus, N: n}, n, []int{n}},
		{UnaryGrad{F: Softplus, N: n}, n, []int{n, n, n}},
		{Binary{Op: Mul, A: []int{n, m}, B: []int{n, 1}}, n * m, []int{n * m, n}},
		{SumTo{From: []int{n, m}, To: []int{1, m}}, m, []int{n * m}},
		{SumTo{From: []int{n, m}}, 1, []int{n * m}},
		{Broadcast{From: []int{n, 1}, To: []int{n, m}}, n * m, []int{n}},
		{d, n * n, []int{n * m}},
		{matrixGrad(d), n * m, []int{n * m, n * n, n * n}},
		{PairGrad{Distance: d, Parts: []Part{{Kind: TermsPart, Terms: terms}, {Kind: ReducePart, Reduce: RowReduceGrad(largest)}}}, n * m,
			[]int{n * m, n * n, n, 2 * n, n, ReduceColumns * n, ReduceColumns * n}},
		{PairGrad{Distance: d, Parts: []Part{{Kind: ReducePart, Reduce: RowReduceGrad(largest)}}}, n * m,
			[]int{n * m, n * n, n, ReduceColumns * n, ReduceColumns * n}},
		{cross, n * m, []int{n * m, m * m}},
		{PairGrad{Distance: cross, ToY: true, Parts: []Part{{Kind: TermsPart, Terms: minedTerms}, {Kind: TripletsPart, Triplets: TripletsGrad(triplets)}}}, m * m,
			[]int{n * m, m * m, n * m, n + m, 2 * n, n * m, n, n, 2 * n, n + m, n + m, 2 * n, n * m, n, n, n * TripletColumns}},
		{PairMask{Rows: n, Cols: m, Mask: mined}, n * m, []int{n + m, 2 * n, n * m, n, n}},
		{RowCount{Rows: n, Cols: m, Mask: mined}, n, []int{n + m, 2 * n, n * m, n, n}},
		{RowKth{Rows: n, Cols: m, K: 2, Mask: mined}, n, []int{n * m, n + m, 2 * n, n * m, n, n}},
		{Distance{Metric: Minkowski, P: 3, N: n, M: m, D: m}, n * m, []int{n * m, m * m}},
		{norm, n * m, []int{n * m}},
		{NormalizeGrad(norm), n * m, []int{n * m, n * m, n * m}},
		{lse, ReduceColumns * n, []int{n * m, n * m}},
		{RowReduceGrad(lse), n * m, []int{n * m, n * m, ReduceColumns * n, ReduceColumns * n}},
		{sums, n * m, []int{n * m, n + m, n + m, 2 * n, n * m, n, n, m * m}},
		{PairLogSumExpGrad(sums), n * m, []int{n * m, n + m, n + m, 2 * n, n * m, n, n, m * m, n * m}},
		{PairLogSumExpAmongGrad(sums), m * m, []int{n * m, n + m, n + m, 2 * n, n * m, n, n, m * m, n * m}},
		{GroupMax{Groups: n, Size: m}, n, []int{n * m}},
		{GroupMaxGrad{Groups: n, Size: m}, n * m, []int{n * m, n, n}},
		{GroupSoftMax{Groups: n, Size: m, Temperature: 1}, n, []int{n * m}},
		{GroupSoftMaxGrad{Groups: n, Size: m, Temperature: 1}, n * m, []int{n * m, n, n}},
		{RowFirst{Rows: n, Cols: n, Mask: Mask{Pairs: Positive}}, n, []int{n}},
		{LabelFirst{N: n}, n, []int{n, n}},
		{LabelRank{N: n}, n, []int{n, n}},
		{PairedSoftmax{N: n, M: n, D: m}, n, []int{n * m, n * m, n}},
		{PairedSoftmaxGrad{PairedSoftmax: PairedSoftmax{N: n, M: n, D: m}, ToY: true}, n * m, []int{n * m, n * m, n, n}},
		{batchSums, n * n, []int{n * n, n, n}},
		{PairLogSumExpGrad(batchSums), n * n, []int{n * n, n, n, n * n}},
		{LogSoftmax{Rows: n, Cols: m}, n * m, []int{n * m}},
		{LogSoftmaxGrad{Rows: n, Cols: m}, n * m, []int{n * m, n * m}},
		{ce, n, []int{n * m, n}},
		{CrossEntropyGrad(ce), n * m, []int{n * m, n, n}},
		{rows, n * n, []int{n * m, n}},
		{GatherGrad(rows), n * m, []int{n, n * n}},
		{GatherRows{Rows: m, N: n}, n, []int{n}},
		{GatherRowsGrad(rows), n * n, []int{n, n * n}},
		{Where{Rows: 1, Cols: n}, n, []int{n, n}},
		{Iota{N: n}, n, []int{n}},
		{Constant{N: n, Value: 2}, n, []int{n}},
		{MatMul{M: n, N: n, K: m}, n * n, []int{n * m, n * m}},
		{Transpose{Rows: n, Cols: m}, n * m, []int{n * m}},
		{Copy{N: n}, n, []int{n}},
		{Concat{Rows: n, Widths: []int{1, m}}, n * (m + 1), []int{n, n * m}},
		{Slice{Rows: n, Width: m, From: 1, To: 4}, n * 3, []int{n * m}},
		{SliceGrad{Rows: n, Width: m, From: 1, To: 4}, n * m, []int{n * 3}},
	} {
		t.Run(Describe(c.spec), func(t *testing.T) {
			k, err := CPU.Kernel(c.spec)
			require.NoError(t, err)
			for _, memory := range []func(n int) Memory{
				func(n int) Memory { return Memory{F32: make([]float32, n)} },
				func(n int) Memory { return Memory{F64: make([]float64, n)} },
			} {
				out := memory(c.out)
				var in []Memory
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
	_, err := CPU.Kernel(struct{ Unknown int }{3})
	require.EqualError(t, err, "device: cpu has no kernel for struct { Unknown int }{Unknown:3}")
}
