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

// fewChain is Σ over the positive pairs of 2·[c − x]₊·g, x a similarity with its sign turned, and the number that it
// is compared with c: the gradient to a mean that pairs are drawn to.
func fewChain(n int, last any) spec.Chain {
	mask := spec.Mask{Pairs: spec.Positive}
	size := n * n
	return spec.Chain{Rows: n, Cols: n, Leaves: []spec.Leaf{spec.MatrixLeaf, spec.SingleLeaf, spec.WholeLeaf, spec.WholeLeaf}, Steps: []spec.ChainStep{
		{Spec: spec.Unary{F: spec.Affine, A: -1, N: size}, In: []int{0}},
		{Spec: spec.Binary{Op: spec.Sub, A: []int{1, 1}, B: []int{n, n}}, In: []int{1, 4}},
		{Spec: spec.Unary{F: spec.Relu, N: size}, In: []int{5}},
		{Spec: spec.Unary{F: spec.Square, N: size}, In: []int{6}},
		{Spec: spec.PairMask{Rows: n, Cols: n, Mask: mask}, In: []int{2}},
		{Spec: spec.RowTermsGrad{Rows: n, Cols: n, Low: math.NaN(), High: math.NaN(), Mask: mask}, In: []int{7, 8, 3}},
		{Spec: spec.UnaryGrad{F: spec.Square, N: size}, In: []int{6, 9}},
		{Spec: last, In: []int{10}},
	}}
}

// A sum over pairs of which few count makes these few, and adds them in the order of the whole row.
func TestChainsOfFew(t *testing.T) {
	const n = 70
	rng := rand.New(rand.NewPCG(4, 9))
	x, up := normals(rng, n*n), normals(rng, 2*n)
	classes := func(k int) []float32 {
		labels := make([]float32, n)
		for i := range labels {
			labels[i] = float32(i * 9 % n / k)
		}
		return labels
	}
	for name, last := range map[string]any{
		"a number": spec.SumTo{From: []int{n, n}},
		"a column": spec.SumTo{From: []int{n, n}, To: []int{n, 1}},
		"a matrix": spec.UnaryGrad{F: spec.Affine, A: -1, N: n * n},
	} {
		t.Run(name, func(t *testing.T) {
			s := fewChain(n, last)
			task := newChainTask[float32](s)
			for _, k := range []int{1, 3, 4, 60, 2} { // rows of a class: few, and many
				in := [][]float32{x, {0.3}, classes(k), up}
				values := append([][]float32(nil), in...)
				for _, step := range s.Steps {
					args := make([]device.Memory, 0, len(step.In))
					for _, v := range step.In {
						if mask := 8; v == mask { // a spec by itself takes the labels
							v = 2
						}
						args = append(args, device.Memory{F32: values[v]})
					}
					size := n * n
					if to, ok := step.Spec.(spec.SumTo); ok {
						size = max(1, len(to.To)*n/2)
					}
					out := make([]float32, size)
					kern, err := Device.Kernel(step.Spec)
					require.NoError(t, err)
					require.NoError(t, kern.Run([]device.Memory{{F32: out}}, args))
					values = append(values, out)
				}
				want := values[len(values)-1]
				got := make([]float32, len(want))
				task.run([][]float32{got}, in)
				require.Equal(t, want, got, "%d of a class", k)
				require.Equal(t, k <= 4, task.positives.few, "%d of a class", k)
			}
		})
	}
}

// Of the steps before a sum none makes a whole row, and three passes over a row become one.
func TestPlansOfFew(t *testing.T) {
	const n = 64
	sum := newChainTask[float32](fewChain(n, spec.SumTo{From: []int{n, n}}))
	for _, o := range sum.rows.few.ops {
		require.True(t, o.few)
	}
	require.True(t, sum.rows.isFewStep(sum.rows.value))
	matrix := newChainTask[float32](fewChain(n, spec.UnaryGrad{F: spec.Affine, A: -1, N: n * n}))
	whole := 0
	for _, o := range matrix.rows.mixed.ops {
		if !o.few {
			whole++
		}
	}
	require.Equal(t, 1, whole, "the result alone is a whole row")
	shift, ok := shifts(matrix.s.Leaves, matrix.s.Steps)[2].Spec.(chainShift)
	require.True(t, ok)
	require.Equal(t, chainShift{X: 1, C: 1, Relu: true}, shift)
	require.Len(t, matrix.rows.whole.ops, len(matrix.s.Steps)-2)
}

func TestSumAt(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	for _, n := range []int{1, 7, 16, 100, 1027} {
		row := make([]float32, n)
		var few []float32
		var at []int32
		for j := range row {
			if rng.IntN(5) == 0 {
				row[j] = float32(rng.NormFloat64())
				few, at = append(few, row[j]), append(at, int32(j))
			}
		}
		require.Equal(t, loops.Sum(row), loops.SumAt(few, at))
	}
}

// chosenChain is Σ over the hard negatives of e^(10·x − c), or these powers times their derivative: outside of them the
// powers are those of −∞.
func chosenChain(n int, last any) spec.Chain {
	mask := spec.Mask{Pairs: spec.Negative, Filters: []spec.Filter{{Kind: spec.Within}}}
	size := n * n
	return spec.Chain{Rows: n, Cols: n, Leaves: []spec.Leaf{spec.MatrixLeaf, spec.ColumnLeaf, spec.WholeLeaf, spec.WholeLeaf, spec.WholeLeaf, spec.WholeLeaf}, Steps: []spec.ChainStep{
		{Spec: spec.Unary{F: spec.Affine, A: 10, N: size}, In: []int{0}},
		{Spec: spec.Binary{Op: spec.Sub, A: []int{n, n}, B: []int{n, 1}}, In: []int{6, 1}},
		{Spec: spec.PairMask{Rows: n, Cols: n, Mask: mask}, In: []int{2, 3, 4, 5}},
		{Spec: spec.Where{Rows: n, Cols: n, Other: math.Inf(-1), Mask: mask}, In: []int{7, 8}},
		{Spec: spec.Unary{F: spec.Exp, N: size}, In: []int{9}},
		{Spec: spec.UnaryGrad{F: spec.Exp, N: size}, In: []int{10, 0}},
		{Spec: spec.Binary{Op: spec.Mul, A: []int{n, n}, B: []int{n, n}}, In: []int{11, 10}},
		{Spec: last, In: []int{12}},
	}}
}

// Rows of which a mask holds few entries, or none, make these few, and others make all: the numbers are those of the
// specs one by one.
func TestChainsOfChosen(t *testing.T) {
	const n = 70
	rng := rand.New(rand.NewPCG(4, 10))
	x, c, labels, above := normals(rng, n*n), normals(rng, n), make([]float32, n), make([]float32, n)
	for i := range labels {
		labels[i] = float32(i / 2)
		above[i] = -9
	}
	for name, last := range map[string]any{
		"a number": spec.SumTo{From: []int{n, n}},
		"a column": spec.SumTo{From: []int{n, n}, To: []int{n, 1}},
		"a matrix": spec.UnaryGrad{F: spec.Affine, A: -1, N: n * n},
	} {
		t.Run(name, func(t *testing.T) {
			s := chosenChain(n, last)
			task := newChainTask[float32](s)
			require.Equal(t, 8, task.rows.chosen)
			require.Nil(t, task.positives)
			for _, share := range []float32{-9, -1.5, 0, 9} { // distances up to which a pair is chosen: none, few, half, all
				most := make([]float32, n)
				few := 0
				for i := range most {
					most[i] = share + float32(i%3)/2
				}
				in := [][]float32{x, c, labels, x, above, most}
				values := append([][]float32(nil), in...)
				for _, step := range s.Steps {
					var args []device.Memory
					for k, v := range step.In {
						if _, where := step.Spec.(spec.Where); where && k == 1 { // a spec by itself takes what the mask is of
							for _, v := range s.Steps[2].In {
								args = append(args, device.Memory{F32: values[v]})
							}
							continue
						}
						args = append(args, device.Memory{F32: values[v]})
					}
					size := n * n
					if to, ok := step.Spec.(spec.SumTo); ok {
						size = max(1, len(to.To)*n/2)
					}
					out := make([]float32, size)
					kern, err := Device.Kernel(step.Spec)
					require.NoError(t, err)
					require.NoError(t, kern.Run([]device.Memory{{F32: out}}, args))
					values = append(values, out)
				}
				got := make([]float32, len(values[len(values)-1]))
				task.run([][]float32{got}, in)
				require.Equal(t, values[len(values)-1], got, "up to %g", share)
				for r := range n {
					if task.hasFew(r, task.workers[0]) {
						few++
					}
				}
				require.Equal(t, share < -1, few > 0, "%d rows of few up to %g", few, share)
				require.Equal(t, share == -9, few == n, "%d rows of few up to %g", few, share)
			}
		})
	}
	matrix := newChainTask[float32](chosenChain(n, spec.UnaryGrad{F: spec.Affine, A: -1, N: n * n}))
	whole := 0
	for _, o := range matrix.rows.mixed.ops {
		if !o.few {
			whole++
		}
	}
	require.Equal(t, 1, whole, "the result alone is a whole row")
	double := newChainTask[float64](chosenChain(n, spec.SumTo{From: []int{n, n}}))
	in := [][]float64{make([]float64, n*n), make([]float64, n), make([]float64, n), make([]float64, n*n), make([]float64, n), make([]float64, n)}
	double.run([][]float64{make([]float64, 1)}, in)
	require.True(t, double.hasFew(3, double.workers[0]), "no distance is above 0")
}
