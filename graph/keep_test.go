package graph

import (
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Values and gradients stay what they were though Gorgonia's own operations, which may
// write into the memory of dead values, come after them.
func TestKeepSurvivesLaterOperations(t *testing.T) {
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		t.Run(dt.String(), func(t *testing.T) {
			g := gorgonia.NewGraph()
			p := NewParams(1)
			w := p.Weight(g, "w", dt, Fill(3), 2, 2)
			x, err := Tensor([]float64{1, 2, 3, 4}, dt, 2, 2)
			require.NoError(t, err)
			in := gorgonia.NewTensor(g, dt, 2, gorgonia.WithShape(2, 2), gorgonia.WithName("x"), gorgonia.WithValue(x))
			prod := w.Mul(Data(in)) // 3·x
			node, err := prod.Node()
			require.NoError(t, err)
			kept, err := Keep(node)
			require.NoError(t, err)
			after := gorgonia.Must(gorgonia.Add(node, node))
			after = gorgonia.Must(gorgonia.Exp(after))
			cost := gorgonia.Must(gorgonia.Sum(gorgonia.Must(gorgonia.Neg(after))))
			total, err := prod.Sum().Node()
			require.NoError(t, err)
			_, nodes := p.Learned(g)
			grads, err := gorgonia.Grad(total, nodes...)
			require.NoError(t, err)
			grad, err := Keep(grads[0])
			require.NoError(t, err)
			scalar, err := Keep(total)
			require.NoError(t, err)
			require.NotNil(t, cost)
			vm := gorgonia.NewTapeMachine(g)
			defer vm.Close()
			for range 3 {
				require.NoError(t, vm.RunAll())
				vm.Reset()
			}
			require.Equal(t, 30.0, scalar.Scalar())
			if dt == tensor.Float32 {
				require.Equal(t, []float32{3, 6, 9, 12}, kept.Float32s())
				require.Equal(t, []float32{1, 2, 3, 4}, grad.Float32s())
				require.Nil(t, grad.Float64s())
			} else {
				require.Equal(t, []float64{3, 6, 9, 12}, kept.Float64s())
				require.Equal(t, []float64{1, 2, 3, 4}, grad.Float64s())
			}
			require.Equal(t, tensor.Shape{2, 2}, grad.Shape())
		})
	}
}
