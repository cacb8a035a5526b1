package optim

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
)

// saved is a solver over a weight and a bias, with averages.
func saved(t testing.TB, c Config) (*fed, *Solver, *graph.Params) {
	t.Helper()
	in := feed(t, []int{2, 3}, []float64{1, 2, 3, 4, 5, 6}, []float64{1, 2})
	into := setLike(t, in.params)
	s, err := New(c, in.tensors, Options{Average: &Averaging{AverageConfig{Decay: 0.99}, in.params, into}})
	require.NoError(t, err)
	return in, s, into
}

func steps(t testing.TB, in *fed, s *Solver, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		rng := rand.New(rand.NewPCG(1, uint64(i)))
		in.give(t, normals(rng, 6), normals(rng, 2))
		_, err := s.Step(in.loss, 0.01)
		require.NoError(t, err)
	}
}

// A solver that was saved and loaded goes on bit for bit, each with what it keeps.
func TestSaveAndLoad(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind.Name, func(t *testing.T) {
			c := Default(kind.Name)
			if kind.Name == "sgd" || kind.Name == "rmsprop" {
				c.Momentum = 0.9
			}
			whole, solver, averages := saved(t, c)
			steps(t, whole, solver, 0, 9)
			var file, weights bytes.Buffer
			first, half, _ := saved(t, c)
			steps(t, first, half, 0, 5)
			require.NoError(t, half.Save(&file))
			require.NoError(t, first.params.Save(&weights, nil))

			in, again, into := saved(t, c)
			_, err := in.params.Load(&weights, int64(weights.Len()), graph.Loading{})
			require.NoError(t, err)
			require.NoError(t, again.Load(bytes.NewReader(file.Bytes()), int64(file.Len())))
			require.Equal(t, 5, again.Steps())
			steps(t, in, again, 5, 9)
			for i, w := range whole.tensors {
				require.Equal(t, w.Weights, in.tensors[i].Weights)
			}
			require.Equal(t, solver.State(), again.State())
			require.Equal(t, averages.Tensors(), into.Tensors())
		})
	}
}

func TestLoadRefusesOthers(t *testing.T) {
	_, adam, _ := saved(t, Default("adam"))
	_, sgd, _ := saved(t, Default("sgd"))
	var file bytes.Buffer
	require.NoError(t, adam.Save(&file))
	load := func(s *Solver, raw []byte) error { return s.Load(bytes.NewReader(raw), int64(len(raw))) }
	require.ErrorContains(t, load(sgd, file.Bytes()), "the file is of the solver adam, this one is sgd")
	require.Error(t, load(adam, file.Bytes()[:50]))
	other := feed(t, []int{2}, []float64{1, 2})
	s, err := New(Config{}, other.tensors, Options{})
	require.NoError(t, err)
	err = load(s, file.Bytes())
	require.ErrorContains(t, err, "average/w0 [2 3] is not part of this solver")
	require.ErrorContains(t, err, "w0/first has shape [2 3] of F32, want [2] of float32")
	var weights bytes.Buffer
	require.NoError(t, other.params.Save(&weights, nil))
	require.ErrorContains(t, load(s, weights.Bytes()), "want a solver of version 1")
	require.ErrorContains(t, s.Save(nil), "the writer is nil")
	require.ErrorContains(t, s.Load(nil, 0), "the reader is nil")
}

// A step takes no memory, of any solver, with averages and clipping.
func TestStepAllocatesNothing(t *testing.T) {
	for _, kind := range Kinds() {
		in := feed(t, []int{pieceSize, 2}, make([]float64, 2*pieceSize))
		s, err := New(Default(kind.Name), in.tensors, Options{Clip: 1, ClipValue: 1, Average: &Averaging{AverageConfig{Decay: 0.9}, in.params, setLike(t, in.params)}})
		require.NoError(t, err)
		in.give(t, make([]float64, 2*pieceSize))
		require.Zero(t, testing.AllocsPerRun(20, func() {
			if _, err := s.Step(in.loss, 0.1); err != nil {
				t.Fatal(err)
			}
		}), kind.Name)
	}
}
