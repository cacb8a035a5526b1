package losses

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

var paperLifted = LiftedStructure{Margin: 1, Sharpness: 1}

// TestLiftedAlgorithm1 checks value and gradient with the formulas of Song et al., eq. 4
// and Algorithm 1, over unordered pairs.
func TestLiftedAlgorithm1(t *testing.T) {
	labels := []int{0, 1, 0, 2, 1, 0, 3, 2}
	n := len(labels)
	rng := rand.New(rand.NewPCG(3, 4))
	d, y := make([]float64, n*n), make([]float64, n)
	for i := range n {
		y[i] = float64(labels[i])
		for j := range i {
			d[i*n+j] = 3 * rng.Float64()
			d[j*n+i] = d[i*n+j]
		}
	}
	wantLoss, want := liftedByThePaper(d, labels, 1)

	l, err := paperLifted.filled()
	require.NoError(t, err)
	build := func(in []graph.Expr) graph.Expr {
		pos, neg := graph.PairMasks(in[1])
		terms := l.over(batch{labels: in[1], d: in[0], pos: pos, neg: neg})
		return l.Reducer.reduce(terms.j.Relu().Square().Scale(0.5), terms.mask, in[1])
	}
	m, err := graphtest.New(tensor.Float64, func(in []graph.Expr) graph.Expr { return build(in).Scale(1 / graphtest.Weights(1)[0]) },
		graphtest.Of(d, n, n), graphtest.Data(y, n))
	require.NoError(t, err)
	defer m.Close()
	value, grads, err := m.Run()
	require.NoError(t, err)
	require.InDelta(t, wantLoss, value[0]*graphtest.Weights(1)[0], 1e-12)
	for i := range n {
		for j := range i {
			require.InDelta(t, want[i*n+j], grads[0][i*n+j]+grads[0][j*n+i], 1e-12, "∂J/∂D of %d and %d", i, j)
		}
	}
}

// liftedByThePaper is J and ∂J/∂D_ij, in entry (max(i,j), min(i,j)).
func liftedByThePaper(d []float64, labels []int, alpha float64) (loss float64, grad []float64) {
	n := len(labels)
	grad = make([]float64, n*n)
	at := func(i, j int) *float64 { return &grad[max(i, j)*n+min(i, j)] }
	pairs := 0.0
	for i := range n {
		for j := range i {
			if labels[i] == labels[j] {
				pairs++
			}
		}
	}
	for i := range n {
		for j := range i {
			if labels[i] != labels[j] {
				continue
			}
			sum := 0.0
			for k := range n {
				if labels[k] != labels[i] {
					sum += math.Exp(alpha-d[i*n+k]) + math.Exp(alpha-d[j*n+k])
				}
			}
			J := math.Log(sum) + d[i*n+j]
			if J <= 0 {
				continue
			}
			loss += J * J / (2 * pairs)
			*at(i, j) += J / pairs
			for k := range n {
				if labels[k] != labels[i] {
					*at(i, k) -= J / pairs * math.Exp(alpha-d[i*n+k]) / math.Exp(J-d[i*n+j])
					*at(j, k) -= J / pairs * math.Exp(alpha-d[j*n+k]) / math.Exp(J-d[i*n+j])
				}
			}
		}
	}
	return loss, grad
}

// randomBatch is normal embeddings of size e with n labels of the given number of
// classes, from a seed.
func randomBatch(seed uint64, n, e, classes int) (x []float64, y []int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		y = append(y, i%classes)
		for range e {
			x = append(x, rng.NormFloat64()+float64(i%classes)/2)
		}
	}
	return x, y
}

func value(t *testing.T, l Loss, x []float64, y []int) float64 {
	t.Helper()
	v, err := Evaluate(l, x, y, tensor.Float64)
	require.NoError(t, err)
	return v.Loss
}

// The smooth form is an upper bound of the max-margin form and tends to it.
func TestLiftedSmoothBound(t *testing.T) {
	for seed := range uint64(5) {
		x, y := randomBatch(seed, 16, 4, 4)
		hard := value(t, LiftedStructure{Form: MaxMargin, Margin: 1}, x, y)
		last := math.Inf(1)
		for _, s := range []float64{1, 4, 16, 256} {
			smooth := value(t, LiftedStructure{Margin: 1, Sharpness: s}, x, y)
			require.Greater(t, smooth, hard)
			require.Less(t, smooth, last)
			last = smooth
		}
		require.InDelta(t, hard, value(t, LiftedStructure{Margin: 1, Sharpness: 1e6}, x, y), 1e-4)
	}
}

func TestLiftedHardNegatives(t *testing.T) {
	x, y := randomBatch(9, 16, 4, 4)
	all := value(t, LiftedStructure{}, x, y)
	require.Equal(t, all, value(t, LiftedStructure{HardNegatives: 12}, x, y), "12 are all")
	few := value(t, LiftedStructure{HardNegatives: 3}, x, y)
	require.Less(t, few, all, "a sum over fewer negatives is less")
	// Of the hardest negative alone the max-margin form is made.
	require.Equal(t, value(t, LiftedStructure{Form: MaxMargin}, x, y), value(t, LiftedStructure{Form: MaxMargin, HardNegatives: 1}, x, y))
	v, err := Evaluate(LiftedStructure{HardNegatives: 1, Metric: graph.Metric{Raw: true}}, []float64{0, 1, 1.8, 90, 92}, []int{0, 0, 1, 2, 2}, tensor.Float64)
	require.NoError(t, err)
	require.Zero(t, v.Gradient[3], "the far class is at its ease: J < 0")
	require.NotZero(t, v.Gradient[0])
}

func TestLiftedRefuses(t *testing.T) {
	x, y := randomBatch(1, 4, 2, 2)
	for want, l := range map[string]LiftedStructure{
		`unknown form "linear"`:  {Form: Linear},
		"sharpness is -1":        {Sharpness: -1},
		"hard-negatives is -2":   {HardNegatives: -2},
		`unknown reduction "no"`: {Reducer: Reducer{How: "no"}},
		`unknown metric "no"`:    {Metric: graph.Metric{Kind: "no"}},
	} {
		_, err := Evaluate(l, x, y, tensor.Float64)
		require.ErrorContains(t, err, want)
	}
}
