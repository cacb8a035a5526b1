package machine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/machine"
)

// What is kept of an input, in whatever shape, is what it was in the run: the input may be filled
// anew before anybody looks. A new shape of anything else takes no memory and no step.
func TestKeptInputsAreCopiesOnHostAndDevice(t *testing.T) {
	for name, d := range map[string]*machine.Device{"cpu": nil, "cuda": sim(t, nil)} {
		t.Run(name, func(t *testing.T) {
			g := gorgonia.NewGraph()
			data := []float32{1, 2, 3, 4}
			x := graph.Of(input(g, "x", data, 2, 2))
			var kept []*graph.Kept
			for _, e := range []graph.Expr{x, x.Reshape(4), x.Reshape(4).Scale(2).Reshape(2, 2), x.Scale(3).Reshape(4)} {
				n, err := e.Node()
				require.NoError(t, err)
				k, err := graph.Keep(n)
				require.NoError(t, err)
				kept = append(kept, k)
			}
			vm, err := machine.On(g, d)
			require.NoError(t, err)
			defer vm.Close()
			for range 4 {
				copy(data, []float32{1, 2, 3, 4})
				require.NoError(t, vm.RunAll())
				copy(data, []float32{9, 9, 9, 9})
				for i, want := range [][]float32{{1, 2, 3, 4}, {1, 2, 3, 4}, {2, 4, 6, 8}, {3, 6, 9, 12}} {
					require.Equal(t, want, kept[i].Float32s(), "value %d", i)
				}
			}
			copies := 0
			for _, s := range machine.StepsOf(vm) {
				if strings.HasPrefix(s, "spec.Copy") {
					copies++
				}
			}
			require.Equal(t, 2, copies, "one of the input in each shape in which it is kept: %v", machine.StepsOf(vm))
		})
	}
}
