package losses_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/pairs"
)

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

func value(t *testing.T, l losses.Loss, x []float64, y []int) float64 {
	t.Helper()
	v, err := losses.Evaluate(l, x, y, tensor.Float64)
	require.NoError(t, err)
	return v.Loss
}

// refuses checks what is said of losses that cannot be meant.
func refuses[L losses.Loss](t *testing.T, byMessage map[string]L) {
	t.Helper()
	x, y := randomBatch(1, 6, 2, 3)
	for want, l := range byMessage {
		_, err := losses.Evaluate(l, x, y, tensor.Float64)
		require.ErrorContains(t, err, want)
	}
}

// properties runs losses through the checks that any loss must pass.
func properties[L losses.Loss](t *testing.T, byName map[string]L, options ...losstest.Option) {
	t.Helper()
	for name, l := range byName {
		t.Run(name, func(t *testing.T) { losstest.Run(t, l, options...) })
	}
}

// activeShare is the share of active terms.
func activeShare(t *testing.T, l losses.Loss, x []float64, y []int) float64 {
	t.Helper()
	share := losses.Func(func(b pairs.Batch) graph.Expr {
		s, ok := losses.ActiveShare(l, b)
		require.True(t, ok)
		return s.Add(b.X.Scale(0).Sum())
	})
	return value(t, share, x, y)
}

// Four points on the unit circle, two of each class.
var (
	points = []float64{1, 0, 0, 1, -1, 0, -0.6, 0.8}
	labels = []int{0, 0, 1, 1}
)

func show(loss losses.Loss) {
	v, err := losses.Evaluate(loss, points, labels, tensor.Float64)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.3f\n", v.Loss)
}

// classWeights are weights of the classes that package losstest has.
var classWeights = pairs.ClassWeighted{Weights: []float64{0.5, 2, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1}}
