package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// setLike makes a set with tensors of the same names and other numbers.
func setLike(t testing.TB, params *graph.Params) *graph.Params {
	t.Helper()
	into, g := graph.NewParams(0), gorgonia.NewGraph()
	for _, item := range params.All() {
		_, err := into.Weight(g, item.Name, tensor.Float32, graph.Fill(7), item.Shape()...).Node()
		require.NoError(t, err)
	}
	return into
}

// Averages are those of a plain loop, and begin with the weights.
func TestAverages(t *testing.T) {
	for _, c := range []AverageConfig{{Decay: 0.9, Constant: true}, {Decay: 0.9}, {Decay: 0.3}} {
		rng := rand.New(rand.NewPCG(4, 4))
		const n = pieceSize + 3
		in := feed(t, []int{n}, normals(rng, n))
		into := setLike(t, in.params)
		want := double(in.tensors[0].Weights)
		s, err := New(Config{Name: "sgd", LR: 0.1}, in.tensors, Options{Average: &Averaging{c, in.params, into}})
		require.NoError(t, err)
		got := into.Lookup("w0").Value.Float32s()
		require.Equal(t, in.tensors[0].Weights, got)
		for step := 1; step <= 20; step++ {
			in.give(t, normals(rng, n))
			_, err := s.Step(in.loss, 0.1)
			require.NoError(t, err)
			kept := c.Decay
			if r := (1 + float64(step)) / (10 + float64(step)); !c.Constant && r < kept {
				kept = r
			}
			for i, w := range double(in.tensors[0].Weights) {
				want[i] = kept*want[i] + (1-kept)*w
			}
		}
		require.InDeltaSlice(t, want, double(got), 4e-6, "20 steps in float32")
		before := double(got)
		in.give(t, append([]float64{math.NaN()}, make([]float64, n-1)...)[:n])
		_, err = s.Step(in.loss, 0.1)
		require.ErrorAs(t, err, new(*NotFiniteError))
		require.Equal(t, before, double(got), "a step that was not made moves no average")

		require.NoError(t, s.TakeAverages())
		require.Equal(t, got, in.tensors[0].Weights)
		in.tensors[0].Weights[0] = 9
		require.NoError(t, s.StartAverages())
		require.Equal(t, float32(9), got[0])
	}
}

func TestAveragesAreRefused(t *testing.T) {
	in := feed(t, []int{2}, []float64{1, 2})
	other := feed(t, []int{3}, []float64{1, 2, 3}, []float64{1})
	for want, into := range map[string]*graph.Params{
		"has no tensors": graph.NewParams(1), "the average of w0 has shape (3), but it itself (2)": other.params,
	} {
		_, err := New(Config{}, in.tensors, Options{Average: &Averaging{AverageConfig{Decay: 0.5}, in.params, into}})
		require.ErrorContains(t, err, want)
	}
	_, err := New(Config{}, other.tensors, Options{Average: &Averaging{AverageConfig{Decay: 0.5}, in.params, setLike(t, other.params)}})
	require.Error(t, err)
}
