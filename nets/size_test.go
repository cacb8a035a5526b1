package nets

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// A network that no memory holds is described, or refused, without taking memory for it.
func TestNetworksTooLarge(t *testing.T) {
	for name, c := range map[string]Config{
		"mlp":       {Backbone: "mlp", Hidden: []int{1 << 33}},
		"channels":  {Channels: []int{1 << 30}},
		"embedding": {Embedding: 1 << 40},
		"pictures":  {Height: 1 << 20, Width: 1 << 20},
	} {
		_, err := c.TrunkSize()
		require.ErrorContains(t, err, "too large: ", name)
		_, err = Summary(c)
		require.ErrorContains(t, err, "iB in float32", name)
	}
	large := Config{Backbone: "mlp", Hidden: []int{1 << 27}}
	size, err := large.TrunkSize()
	require.NoError(t, err)
	require.Equal(t, 1<<27, size)
	o, err := Summary(large)
	require.NoError(t, err)
	require.Equal(t, (28*28+1)*(1<<27)+64*(1<<27)+64, o.Params)

	g := gorgonia.NewGraph()
	x := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithName("x"), gorgonia.WithShape(2, 1, 28, 28))
	_, err = Build(large, graph.NewParams(1), x, Train)
	require.ErrorContains(t, err, "fc1.weight of shape (134217728, 784) needs ")
	require.ErrorContains(t, err, "; make the layer, the embedding or the number of classes smaller")
}
