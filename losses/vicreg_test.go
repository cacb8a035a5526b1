package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	specials["vicreg"] = checkSpecial
	mappers["VICRegLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.VICReg{Invariance: r.number("invariance_lambda", 25), Variance: r.number("variance_mu", 25), Covariance: r.number("covariance_v", 1), Eps: r.number("eps", 1e-4)}
	}
}

func ExampleVICReg() {
	show(losses.Default[losses.VICReg]())
	// Output:
	// 32.653
}

func viewOptions() []losstest.Option {
	return []losstest.Option{losstest.Positional("the second view of a row is the next one of its label"),
		losstest.NoReference("that has another number of rows than the batch, and so is no second view")}
}

func TestVICRegProperties(t *testing.T) {
	properties(t, map[string]losses.VICReg{
		"default":    losses.Default[losses.VICReg](),
		"invariance": {Invariance: 1, Eps: 1e-4},
		"variance":   {Variance: 1, Eps: 0.1},
		"covariance": {Covariance: 1, Eps: 1e-4},
	}, viewOptions()...)
}

// Rows in any order of the labels 4, 9, 4, 9, 9 and 1: pairs of views are (0, 2), (1, 3) and
// (3, 4), whose formula stands here for two features.
func TestVICRegByHand(t *testing.T) {
	x, y := []float64{0.1, 0.2, 0.5, -0.4, 0.3, 0.3, 0.2, 0.6, -0.1, 0.9, 50, 60}, []int{4, 9, 4, 9, 9, 1}
	first, second := []int{0, 1, 3}, []int{2, 3, 4}
	column := func(rows []int, k int) (out []float64, mean float64) {
		for _, r := range rows {
			out = append(out, x[2*r+k])
			mean += x[2*r+k] / float64(len(rows))
		}
		return out, mean
	}
	cov := func(rows []int, k, m int) (sum float64) {
		a, meanA := column(rows, k)
		b, meanB := column(rows, m)
		for i := range a {
			sum += (a[i] - meanA) * (b[i] - meanB) / float64(len(a)-1)
		}
		return sum
	}
	l := losses.VICReg{Invariance: 2, Variance: 3, Covariance: 5, Eps: 0.01}
	want := 0.0
	for i := range first {
		for k := range 2 {
			want += 2 * math.Pow(x[2*first[i]+k]-x[2*second[i]+k], 2) / 2 / 3
		}
	}
	for _, rows := range [][]int{first, second} {
		for k := range 2 {
			want += 3 * hinge(1-math.Sqrt(cov(rows, k, k)+0.01)) / 2 / 2
		}
		want += 5 * 2 * math.Pow(cov(rows, 0, 1), 2) / 2
	}
	require.InDelta(t, want, value(t, l, x, y), 1e-12)
}

// One pair has no variance, no pair nothing at all.
func TestVICRegOfFewPairs(t *testing.T) {
	x := []float64{1, 2, 3, 5}
	require.InDelta(t, 25*(4+9)/2., value(t, losses.Default[losses.VICReg](), x, []int{3, 3}), 1e-12)
	require.Zero(t, value(t, losses.Default[losses.VICReg](), x, []int{3, 4}))
}

// Views are embeddings before the network normalises them, if it gives them.
func TestViewsOfRawEmbeddings(t *testing.T) {
	x, y := randomBatch(4, 8, 3, 4)
	large := make([]float64, len(x))
	for i, v := range x {
		large[i] = 3 * v
	}
	for _, l := range []losses.Loss{losses.Default[losses.VICReg](), losses.Default[losses.BarlowTwins]()} {
		raw := losses.Func(func(b pairs.Batch) graph.Expr {
			b.Raw = b.X.Scale(3)
			return l.Loss(b)
		})
		require.InDelta(t, value(t, l, large, y), value(t, raw, x, y), 1e-12)
		short := losses.Func(func(b pairs.Batch) graph.Expr {
			b.Raw = b.X.Slice(0, 0, 2)
			return l.Loss(b)
		})
		_, err := losses.Evaluate(short, x, y, tensor.Float64)
		require.ErrorContains(t, err, "inner sizes 8 and 2 differ")
	}
}

func TestVICRegRefuses(t *testing.T) {
	refuses(t, map[string]losses.VICReg{
		"losses: vicreg: eps: 0 is out of range":         {Invariance: 1},
		"losses: vicreg: all three weights are 0":        {Eps: 1e-4},
		"losses: vicreg: invariance: -1 is out of range": {Invariance: -1, Eps: 1e-4},
	})
	_, err := losses.NewReferenceEvaluator(losses.Default[losses.VICReg](), 4, 5, 2, tensor.Float64)
	require.ErrorContains(t, err, "vicreg compares row i of the batch with row i of the reference set, its second view, and that has 5 rows, want 4")
	x, y := randomBatch(1, 6, 2, 3)
	_, err = losses.Evaluate(losses.Mined{Miner: miners.BatchHard{}, Of: losses.Default[losses.VICReg]()}, x, y, tensor.Float64)
	require.ErrorContains(t, err, "leave the miner out")
}
