package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

func groupMax(size int) graphtest.Build {
	return func(in []graph.Expr) graph.Expr { return graph.GroupMax(in[0], size) }
}

func groupSoftMax(size int, temperature float64) graphtest.Build {
	return func(in []graph.Expr) graph.Expr { return graph.GroupSoftMax(in[0], size, temperature) }
}

func TestGroupMax(t *testing.T) {
	x := graphtest.Of([]float64{1, 3, 2, -5, -7, -6, 4, 4, 0, 0, 1, 1}, 2, 6)
	graphtest.Values(t, []float64{3, -5, 4, 1}, groupMax(3), x)
	rng := rand.New(rand.NewPCG(6, 1))
	for _, s := range [][3]int{{1, 1, 1}, {3, 8, 1}, {4, 6, 2}, {5, 21, 7}, {2, 50, 25}} {
		graphtest.Gradient(t, groupMax(s[2]), graphtest.Random(rng, s[0], s[1]))
	}
}

// Among equal numbers the first gets the gradient; of numbers that are none the first shows.
func TestGroupMaxCorners(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		got, grads, err := graphtest.Eval(dt, groupMax(3), graphtest.Of([]float64{2, 5, 5, nan, 9, nan, -inf, -inf, -inf, 1, inf, 2}, 2, 6))
		require.NoError(t, err)
		require.Equal(t, 5., got[0])
		require.True(t, math.IsNaN(got[1]))
		require.Equal(t, []float64{-inf, inf}, got[2:])
		w := graphtest.Weights(4)
		require.InDeltaSlice(t, []float64{0, w[0], 0, w[1], 0, 0, w[2], 0, 0, 0, w[3], 0}, grads[0], 1e-6)
	}
}

// softMax is what GroupSoftMax means.
func softMax(x []float64, temperature float64) float64 {
	var sum, total float64
	for _, v := range x {
		e := math.Exp((v - x[0]) / temperature)
		sum += e * v
		total += e
	}
	return sum / total
}

func TestGroupSoftMax(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 2))
	for _, s := range [][3]int{{1, 1, 1}, {3, 8, 1}, {4, 6, 2}, {5, 21, 7}, {2, 2100, 700}, {40, 60, 10}} {
		x := graphtest.Random(rng, s[0], s[1])
		want := make([]float64, 0, len(x.Values))
		for i := 0; i < len(x.Values); i += s[2] {
			want = append(want, softMax(x.Values[i:i+s[2]], 0.3))
		}
		graphtest.Values(t, want, groupSoftMax(s[2], 0.3), x)
	}
	for _, s := range [][3]int{{1, 1, 1}, {3, 4, 1}, {4, 6, 2}, {5, 21, 7}} {
		graphtest.Gradient(t, groupSoftMax(s[2], 0.3), graphtest.Random(rng, s[0], s[1]))
	}
}

// Groups far from each other, of which powers of one number would vanish, do not disturb each other.
func TestGroupSoftMaxOfFarGroups(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 3))
	x := graphtest.Random(rng, 3, 12)
	for i := range x.Values {
		x.Values[i] += float64(i/4%3-1) * 200 // groups at −200, 0 and 200
	}
	graphtest.Gradient(t, groupSoftMax(4, 0.5), x)
	want := make([]float64, 9)
	for i := range want {
		want[i] = softMax(x.Values[4*i:4*i+4], 0.5)
	}
	graphtest.Values(t, want, groupSoftMax(4, 0.5), x)
}

// What is not finite shows, in its own group alone.
func TestGroupSoftMaxOfNaN(t *testing.T) {
	for _, spoilt := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			got, grads, err := graphtest.Eval(dt, groupSoftMax(2, 1), graphtest.Of([]float64{1, spoilt, 1, 2}, 1, 4))
			require.NoError(t, err)
			require.True(t, math.IsNaN(got[0]), "%v of %v", got[0], spoilt)
			require.InDelta(t, softMax([]float64{1, 2}, 1), got[1], 1e-6)
			require.False(t, math.IsNaN(grads[0][2]+grads[0][3]))
		}
	}
}

func TestGroupsRefuse(t *testing.T) {
	for want, build := range map[string]graphtest.Build{
		"groups of 4 in the rows of shape (2, 6)": groupMax(4),
		"groups of 0":                       groupSoftMax(0, 1),
		"a soft maximum of temperature 0":   groupSoftMax(2, 0),
		"a soft maximum of temperature NaN": groupSoftMax(2, math.NaN()),
	} {
		_, _, err := graphtest.Eval(tensor.Float32, build, graphtest.Of(make([]float64, 12), 2, 6))
		require.ErrorContains(t, err, want)
	}
}
