package graph_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// pairLogSumExp is what PairLogSumExp means.
func pairLogSumExp(pos, neg, x, among []float64, n, m int) []float64 {
	out := make([]float64, n*m)
	for a := range n {
		for p := range m {
			if pos[a*m+p] == 0 {
				continue
			}
			top := math.Inf(-1)
			for j := range m {
				if neg[a*m+j] != 0 {
					top = math.Max(top, x[a*m+j]+among[p*m+j])
				}
			}
			sum := 0.0
			for j := range m {
				if neg[a*m+j] != 0 {
					sum += math.Exp(x[a*m+j] + among[p*m+j] - top)
				}
			}
			out[a*m+p] = math.Inf(-1)
			if sum > 0 {
				out[a*m+p] = top + math.Log(sum)
			}
		}
	}
	return out
}

func evalPairs(in []graph.Expr) graph.Expr { return graph.PairLogSumExp(in[2], in[3], in[0], in[1]) }

func TestPairLogSumExpDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const n, m = 5, 7
	negatives := graphtest.Mask(rng, 0.6, n, m)
	for a := range n { // of none the sum is −∞
		negatives.Values[a*m+a] = 1
	}
	graphtest.Gradient(t, evalPairs, graphtest.Random(rng, n, m), graphtest.Random(rng, m, m), graphtest.Mask(rng, 0.4, n, m), negatives)
	// x and among may be one.
	square := graphtest.Mask(rng, 0.6, m, m)
	for a := range m {
		square.Values[a*m+a] = 1
	}
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr { return graph.PairLogSumExp(in[1], in[2], in[0], in[0]) },
		graphtest.Random(rng, m, m), graphtest.Mask(rng, 0.4, m, m), square)
}

// Exponents of ±1000 are right where the powers of either part are not numbers, and where only
// their product is one.
func TestPairLogSumExpOfFarExponents(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	const n, m = 6, 9
	for _, c := range []struct{ x, among float64 }{{0, 0}, {-1000, -1000}, {1000, -1000}, {-1000, 1000}, {1000, 1000}, {0, -300}} {
		for _, dt := range []struct {
			dt  tensor.Dtype
			tol float64
		}{{tensor.Float64, 1e-12}, {tensor.Float32, 1e-6}} {
			x, among, pos, neg := graphtest.Random(rng, n, m), graphtest.Random(rng, m, m), graphtest.Mask(rng, 0.5, n, m), graphtest.Mask(rng, 0.5, n, m)
			clear(neg.Values[:m]) // the first row has none
			for i := range x.Values {
				x.Values[i] = float64(float32(50*x.Values[i] + c.x))
			}
			for i := range among.Values {
				among.Values[i] = float64(float32(50*among.Values[i] + c.among))
			}
			got, grads, err := graphtest.Eval(dt.dt, evalPairs, x, among, pos, neg)
			require.NoError(t, err)
			for i, want := range pairLogSumExp(pos.Values, neg.Values, x.Values, among.Values, n, m) {
				if math.IsInf(want, -1) {
					require.Equal(t, want, got[i])
					continue
				}
				require.InDelta(t, want, got[i], dt.tol*(1+math.Abs(want)+math.Abs(c.x)+math.Abs(c.among)))
			}
			for _, g := range grads[:2] {
				for _, v := range g {
					require.False(t, math.IsNaN(v) || math.IsInf(v, 0))
				}
			}
		}
	}
}

// Masks of labels need not lie in memory, and mean what they mean there.
func TestPairLogSumExpOfLabels(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const n, m = 6, 4
	x, among := graphtest.Random(rng, n, m), graphtest.Random(rng, m, m)
	labels, ref := []float64{0, 1, 2, 0, 1, 5}, []float64{0, 1, 1, 2}
	pos, neg := make([]float64, n*m), make([]float64, n*m)
	for a, l := range labels {
		for j, r := range ref {
			if l == r {
				pos[a*m+j] = 1
			} else {
				neg[a*m+j] = 1
			}
		}
	}
	got, grads, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		pos, neg := graph.PairMasksBetween(in[2], in[3])
		return graph.PairLogSumExp(pos, neg, in[0], in[1])
	}, x, among, graphtest.Data(labels, n), graphtest.Data(ref, m))
	require.NoError(t, err)
	want, wantGrads, err := graphtest.Eval(tensor.Float64, evalPairs, x, among, graphtest.Data(pos, n, m), graphtest.Data(neg, n, m))
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, wantGrads[:2], grads[:2])
	require.InDeltaSlice(t, pairLogSumExp(pos, neg, x.Values, among.Values, n, m), got, 1e-12)
}

// Of a batch's labels with x as among each pair of rows is summed once: value and gradient are those of
// masks in memory and of two matrices, whether classes are many or few, and far exponents as near ones.
func TestPairLogSumExpOfABatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	const n = 9
	ofLabels := func(in []graph.Expr) graph.Expr {
		pos, neg := graph.PairMasks(in[1])
		return graph.PairLogSumExp(pos, neg, in[0], in[0])
	}
	for _, labels := range [][]float64{{0, 1, 2, 0, 1, 5, 0, 2, 2}, {1, 1, 1, 1, 0, 0, 0, 0, 0}, {0, 1, 2, 3, 4, 5, 6, 7, 8}} {
		pos, neg := make([]float64, n*n), make([]float64, n*n)
		for a := range n {
			for j := range n {
				if labels[a] != labels[j] {
					neg[a*n+j] = 1
				} else if a != j {
					pos[a*n+j] = 1
				}
			}
		}
		for _, scale := range []float64{1, 300} {
			x := graphtest.Random(rng, n, n)
			for i := range x.Values {
				x.Values[i] *= scale
			}
			got, grads, err := graphtest.Eval(tensor.Float64, ofLabels, x, graphtest.Data(labels, n))
			require.NoError(t, err)
			want, both, err := graphtest.Eval(tensor.Float64, evalPairs, x, x, graphtest.Data(pos, n, n), graphtest.Data(neg, n, n))
			require.NoError(t, err)
			require.InDeltaSlice(t, want, got, 1e-12*scale)
			for i, g := range grads[0] {
				require.InDelta(t, both[0][i]+both[1][i], g, 1e-12)
			}
			_, one, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.PairLogSumExp(in[1], in[2], in[0], in[0]) },
				x, graphtest.Data(pos, n, n), graphtest.Data(neg, n, n))
			require.NoError(t, err)
			require.InDeltaSlice(t, one[0], grads[0], 1e-12)
		}
		graphtest.Gradient(t, ofLabels, graphtest.Random(rng, n, n), graphtest.Data(labels, n))
	}
	// A number that is none shows in the pairs of its row and no others.
	x := graphtest.Random(rng, 4, 4)
	x.Values[2] = math.NaN()
	got, _, err := graphtest.Eval(tensor.Float32, ofLabels, x, graphtest.Data([]float64{0, 0, 1, 1}, 4))
	require.NoError(t, err)
	require.True(t, math.IsNaN(got[1]) && math.IsNaN(got[4]))
	require.False(t, math.IsNaN(got[11]) || math.IsNaN(got[14]))
}

// What is not a number shows.
func TestPairLogSumExpOfNaN(t *testing.T) {
	pos, neg := graphtest.Data([]float64{0, 1}, 1, 2), graphtest.Data([]float64{1, 0}, 1, 2)
	for _, spoilt := range []float64{math.NaN(), math.Inf(1)} {
		got, grads, err := graphtest.Eval(tensor.Float32, evalPairs, graphtest.Of([]float64{spoilt, 0}, 1, 2), graphtest.Of([]float64{0, 0, 1, 2}, 2, 2), pos, neg)
		require.NoError(t, err)
		require.False(t, got[1]-got[1] == 0)
		require.NotZero(t, grads[0][0])
	}
}

// A gradient of ±∞ to a pair shows in all that its sum is made of, with its sign. What is beside it in the
// same row, and in no sum, may be no number, 0·∞; all other rows are what they are without that pair.
func TestPairLogSumExpOfInfiniteGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	const n, m = 4, 6
	x, among, pos, neg := graphtest.Random(rng, n, m), graphtest.Random(rng, m, m), graphtest.Mask(rng, 0.5, n, m), graphtest.Mask(rng, 0.5, n, m)
	const a, p = 2, 3
	pos.Values[a*m+p] = 1
	copy(neg.Values[a*m:], []float64{1, 0, 1, 1, 0, 1})
	up := graphtest.Random(rng, n, m)
	weighed := func(in []graph.Expr) graph.Expr { return evalPairs(in).Mul(in[4]) }
	for _, dt := range []tensor.Dtype{tensor.Float64, tensor.Float32} {
		pos.Values[a*m+p] = 0
		_, without, err := graphtest.Eval(dt, weighed, x, among, pos, neg, graphtest.Data(up.Values, n, m))
		require.NoError(t, err)
		pos.Values[a*m+p] = 1
		for _, infinite := range []float64{math.Inf(1), math.Inf(-1)} {
			weights := slices.Clone(up.Values)
			weights[a*m+p] = infinite
			_, grads, err := graphtest.Eval(dt, weighed, x, among, pos, neg, graphtest.Data(weights, n, m))
			require.NoError(t, err)
			for side, grad := range grads[:2] {
				row := []int{a, p}[side] // of x the anchor's, of among the positive's
				for i, v := range grad {
					if i/m == row {
						if neg.Values[a*m+i%m] != 0 {
							require.Equal(t, infinite, v, "%v, input %d, entry %d", dt, side, i)
						}
						continue
					}
					require.Equal(t, without[side][i], v, "%v, input %d, entry %d", dt, side, i)
				}
			}
		}
	}
}

func TestPairLogSumExpRefuses(t *testing.T) {
	for name, in := range map[string][]graphtest.Input{
		"want matrices (N, M) and (M, M)": {graphtest.Of(make([]float64, 6), 2, 3), graphtest.Of(make([]float64, 4), 2, 2), graphtest.Data(make([]float64, 6), 2, 3), graphtest.Data(make([]float64, 6), 2, 3)},
		"mask has shape":                  {graphtest.Of(make([]float64, 6), 2, 3), graphtest.Of(make([]float64, 9), 3, 3), graphtest.Data(make([]float64, 6), 3, 2), graphtest.Data(make([]float64, 6), 2, 3)},
	} {
		_, _, err := graphtest.Eval(tensor.Float64, evalPairs, in...)
		require.ErrorContains(t, err, name)
	}
}
