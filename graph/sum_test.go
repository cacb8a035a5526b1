package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Gorgonia's sum of two values of one shape and type is known for one, and nothing else is.
func TestIsSum(t *testing.T) {
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		for _, shape := range [][]int{{}, {1}, {3}, {2, 3}, {1, 4}, {2, 3, 4, 1}} {
			g := gorgonia.NewGraph()
			node := func(name string) *gorgonia.Node {
				if len(shape) == 0 {
					return gorgonia.NewScalar(g, dt, gorgonia.WithName(name))
				}
				return gorgonia.NewTensor(g, dt, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name))
			}
			a, b := node("a"), node("b")
			sum := gorgonia.Must(gorgonia.Add(a, b))
			require.True(t, isSum(sum), "%v %v", dt, shape)
			require.True(t, isSum(gorgonia.Must(gorgonia.Add(sum, sum))), "%v %v", dt, shape)
			require.False(t, isSum(a), "an input")
			for name, f := range map[string]func(a, b *gorgonia.Node) (*gorgonia.Node, error){
				"sub": gorgonia.Sub, "mul": gorgonia.HadamardProd, "div": gorgonia.HadamardDiv, "pow": gorgonia.Pow,
			} {
				require.False(t, isSum(gorgonia.Must(f(a, b))), "%s of %v %v", name, dt, shape)
			}
			require.False(t, isSum(gorgonia.Must(gorgonia.Gt(a, b, true))), "a comparison of %v %v", dt, shape)
			require.False(t, isSum(gorgonia.Must(gorgonia.Neg(a))), "a function of one")
			ours, err := Of(a).Add(Of(b)).Node()
			require.NoError(t, err)
			require.False(t, isSum(ours), "an op of ours")
			if len(shape) > 0 {
				s := gorgonia.NewScalar(g, dt, gorgonia.WithName("s"))
				require.False(t, isSum(gorgonia.Must(gorgonia.Add(a, s))), "a tensor and a scalar")
			}
		}
	}
}
