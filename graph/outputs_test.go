package graph_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/internal/spec"
)

// stepsOf are the steps of specs of type S among those of a graph, each with what it reads.
func stepsOf[S any](t *testing.T, g *gorgonia.ExprGraph) (found []graph.Step) {
	t.Helper()
	steps, err := graph.Steps(g)
	require.NoError(t, err)
	for _, s := range steps {
		if _, ok := s.Spec.(S); ok {
			found = append(found, s)
		}
	}
	return found
}

// pooled is the cost of a pooling of x.
func pooled(t *testing.T) (g *gorgonia.ExprGraph, x, cost *gorgonia.Node) {
	t.Helper()
	rng := rand.New(rand.NewPCG(8, 2))
	g = gorgonia.NewGraph()
	v, err := graph.Tensor(graphtest.Random(rng, 1, 2, 4, 4).Values, tensor.Float32, 1, 2, 4, 4)
	require.NoError(t, err)
	x = gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithShape(1, 2, 4, 4), gorgonia.WithName("x"), gorgonia.WithValue(v))
	pool := graph.Pool{Window: [2]int{2, 2}}
	cost, err = graph.MaxPool(graph.Of(x), pool).Mul(graph.MaxPool(graph.Of(x), pool)).Sum().Node()
	require.NoError(t, err)
	return g, x, cost
}

// Gorgonia's graph shows what an op of several outputs gives to others: the places of maxima are a node between them and
// their gradient. Ops that share nothing but that are one where they are equal.
func TestOutputsAreNodes(t *testing.T) {
	g, x, cost := pooled(t)
	require.Len(t, stepsOf[spec.MaxPool](t, g), 1)
	require.Empty(t, stepsOf[spec.MaxPool](t, g)[0].Further, "nobody reads the places")
	grads, err := gorgonia.Grad(cost, x)
	require.NoError(t, err)
	_, err = graph.Keep(grads[0])
	require.NoError(t, err)
	maxima, gradients := stepsOf[spec.MaxPool](t, g), stepsOf[spec.MaxPoolGrad](t, g)
	require.Len(t, maxima, 1)
	require.Len(t, gradients, 1)
	places := gradients[0].In[1]
	require.Equal(t, [][]*gorgonia.Node{{places}}, maxima[0].Further)
	require.Equal(t, tensor.Int32, places.Dtype())
	require.True(t, g.HasEdgeFromTo(places.ID(), maxima[0].Node.ID()))
	require.ErrorContains(t, graph.Of(places).Err(), "int32")
}

// What is asked of an op after it was run by Gorgonia's machine is made in the next run.
func TestOutputsAskedForLater(t *testing.T) {
	g, x, cost := pooled(t)
	require.NoError(t, gorgonia.NewTapeMachine(g).RunAll())
	grads, err := gorgonia.Grad(cost, x)
	require.NoError(t, err)
	kept, err := graph.Keep(grads[0])
	require.NoError(t, err)
	require.NoError(t, gorgonia.NewTapeMachine(g).RunAll())
	values := x.Value().Data().([]float32)
	for plane := range 2 {
		for i := range 16 {
			row, column := i/4/2*2, i%4/2*2
			most := true
			for k := range 4 {
				most = most && values[plane*16+(row+k/2)*4+column+k%2] <= values[plane*16+i]
			}
			want := float32(0)
			if most {
				want = 2 * values[plane*16+i]
			}
			require.InDelta(t, want, kept.Float32s()[plane*16+i], 1e-6)
		}
	}
}
