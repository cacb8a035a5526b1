package machine_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// randomExpr grows an expression of the inputs x (N, E) and y (N): chains, branches that
// meet again, shared parts, masks, reductions, transposes, slices, reshapes.
func randomExpr(seed uint64) func(in []graph.Expr) graph.Expr {
	return func(in []graph.Expr) graph.Expr {
		rng := rand.New(rand.NewPCG(seed, 77))
		x := graph.Normalize(in[0])
		n, e := x.Shape()[0], x.Shape()[1]
		pos, neg := graph.PairMasks(in[1])
		square := []graph.Expr{graph.Distances(x), x.MatMulT(x)} // (N, N)
		pick := func() graph.Expr { return square[rng.IntN(len(square))] }
		for range 4 + rng.IntN(12) {
			a, b := pick(), pick()
			var next graph.Expr
			switch rng.IntN(14) {
			case 0:
				next = a.Add(b)
			case 1:
				next = a.Sub(b).Tanh()
			case 2:
				next = a.Mul(b)
			case 3:
				next = a.Max(b)
			case 4:
				next = a.Hinge(-1.5, 0.7)
			case 5:
				next = a.T()
			case 6:
				next = graph.Where(pos, a, 0.3)
			case 7:
				next = a.Reshape(n*n).Sigmoid().Reshape(n, n)
			case 8:
				next = a.Sub(graph.RowLogSumExp(neg, a, 0))
			case 9:
				next = a.Add(graph.RowMax(pos, b, 0).T())
			case 10:
				next = a.Mul(a.SumAxis(0).Scale(1 / float64(n)))
			case 11:
				next = a.Softplus().Scale(0.5)
			case 12:
				next = a.MatMul(b).Scale(1 / float64(n))
			default:
				next = graph.Concat(0, a.Slice(0, 0, n/2), b.Slice(0, n/2, n))
			}
			square = append(square, next)
		}
		sum, count := graph.RowTerms(neg, pick().Square(), 0.01, 0)
		out := sum.Sum().Div(count.Sum().Plus(1))
		for range 3 {
			out = out.Add(pick().Mean())
		}
		return out.Add(x.Square().Sum().Scale(1 / float64(n*e)))
	}
}

// A planned machine gives the bits of a plain one, run after run, whatever ran between.
func TestPlannedMachineIsThePlainOne(t *testing.T) {
	const n, e = 6, 5
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 1))
		build := randomExpr(seed)
		x, y := graphtest.Random(rng, n, e), graphtest.Data([]float64{0, 0, 1, 1, 2, 2}, n)
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			planned, err := graphtest.New(dt, build, x, y)
			require.NoError(t, err, "seed %d", seed)
			plain, err := graphtest.NewPlain(dt, build, x, y)
			require.NoError(t, err)
			for step := range 4 {
				for i := range n * e {
					v := rng.NormFloat64()
					planned.Set(0, i, v)
					plain.Set(0, i, v)
				}
				got, gotGrads, err := planned.Run()
				require.NoError(t, err, "seed %d", seed)
				want, wantGrads, err := plain.Run()
				require.NoError(t, err)
				require.Equal(t, want, got, "seed %d, step %d", seed, step)
				require.Equal(t, wantGrads, gotGrads, "seed %d, step %d", seed, step)
			}
			planned.Close()
			plain.Close()
		}
	}
}

// A chain of a hundred large tensors takes the memory of a few.
func TestMachineReusesMemory(t *testing.T) {
	const side = 400
	chain := func(in []graph.Expr) graph.Expr {
		e := in[0]
		for i := range 100 {
			e = e.Affine(1, float64(i))
		}
		return e.Mean()
	}
	memory := func(make func(tensor.Dtype, graphtest.Build, ...graphtest.Input) (*graphtest.Machine, error)) float64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m, err := make(tensor.Float32, chain, graphtest.Random(rand.New(rand.NewPCG(1, 1)), side, side))
		require.NoError(t, err)
		defer m.Close()
		_, _, err = m.Run()
		require.NoError(t, err)
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc-before.TotalAlloc) / (4 * side * side)
	}
	require.Greater(t, memory(graphtest.NewPlain), 100.)
	require.Less(t, memory(graphtest.New), 12., "in tensors")
}
