package graph_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// dropping is a graph of one dropout of ones, and its gradient.
type dropping struct {
	vm          gorgonia.VM
	value, grad gorgonia.Value
}

func newDropping(t *testing.T, params *graph.Params, name string, n int, rate float64) *dropping {
	t.Helper()
	g := gorgonia.NewGraph()
	ones := make([]float64, n)
	for i := range ones {
		ones[i] = 1
	}
	v, err := graph.Tensor(ones, tensor.Float32, n)
	require.NoError(t, err)
	x := gorgonia.NewTensor(g, tensor.Float32, 1, gorgonia.WithShape(n), gorgonia.WithName("x"), gorgonia.WithValue(v))
	y := graph.Dropout(graph.Of(x), params.DropoutState(g, name, tensor.Float32), rate)
	cost, err := y.Scale(3).Sum().Node()
	require.NoError(t, err)
	grads, err := gorgonia.Grad(cost, x)
	require.NoError(t, err)
	d := &dropping{}
	node, err := y.Node()
	require.NoError(t, err)
	gorgonia.Read(node, &d.value)
	gorgonia.Read(grads[0], &d.grad)
	d.vm = gorgonia.NewTapeMachine(g)
	t.Cleanup(func() { d.vm.Close() })
	return d
}

func (d *dropping) run(t *testing.T) (value, grad []float64) {
	t.Helper()
	require.NoError(t, d.vm.RunAll())
	value, err := graph.Numbers(d.value)
	require.NoError(t, err)
	grad, err = graph.Numbers(d.grad)
	require.NoError(t, err)
	d.vm.Reset()
	return value, grad
}

func TestDropout(t *testing.T) {
	const n, rate = 20001, 0.3
	d := newDropping(t, graph.NewParams(1), "drop.state", n, rate)
	var masks [][]float64
	for range 3 {
		value, grad := d.run(t)
		masks = append(masks, value)
		zeros := 0
		for i, v := range value {
			if v == 0 {
				zeros++
			} else {
				require.InDelta(t, 1/(1-rate), v, 1e-6)
			}
			require.InDelta(t, 3*v, grad[i], 1e-5, "the gradient goes through the same mask")
		}
		sigma := math.Sqrt(n * rate * (1 - rate))
		assert.InDelta(t, n*rate, zeros, 5*sigma)
	}
	// Two runs' masks agree as often as independent ones would.
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {0, 2}} {
		same := 0
		for i := range n {
			if masks[pair[0]][i] == masks[pair[1]][i] {
				same++
			}
		}
		p := rate*rate + (1-rate)*(1-rate)
		assert.InDelta(t, n*p, same, 5*math.Sqrt(n*p*(1-p)))
	}
}

// The mask depends on seed, name and the number of the run alone, and a saved state goes
// on where it stopped.
func TestDropoutResumes(t *testing.T) {
	first := graph.NewParams(1)
	d := newDropping(t, first, "drop.state", 999, 0.5)
	var want [][]float64
	for range 4 {
		v, _ := d.run(t)
		want = append(want, v)
	}
	again := newDropping(t, graph.NewParams(1), "drop.state", 999, 0.5)
	for i := range 2 {
		v, _ := again.run(t)
		assert.Equal(t, want[i], v)
	}
	for name, other := range map[string]*dropping{
		"seed": newDropping(t, graph.NewParams(2), "drop.state", 999, 0.5),
		"name": newDropping(t, graph.NewParams(1), "other.state", 999, 0.5),
	} {
		v, _ := other.run(t)
		assert.NotEqual(t, want[0], v, name)
	}

	state := first.Lookup("drop.state")
	require.True(t, state.Buffer)
	saved := state.Value.Float32s()
	assert.Equal(t, []float32{4, 0}, saved[2:4], "four runs")
	restored := graph.NewParams(77)
	resumed := newDropping(t, restored, "drop.state", 999, 0.5)
	into := restored.Lookup("drop.state").Value.Float32s()
	copy(into, saved)
	into[2] = 2
	for i := 2; i < 4; i++ {
		v, _ := resumed.run(t)
		assert.Equal(t, want[i], v)
	}
	// The count carries into its second digit, beyond what one float32 holds.
	into[2], into[3] = 1<<20-1, 7
	resumed.run(t)
	assert.Equal(t, []float32{0, 8}, into[2:4])
}

func TestDropoutRateZero(t *testing.T) {
	value, grad := newDropping(t, graph.NewParams(1), "s", 5, 0).run(t)
	assert.Equal(t, []float64{1, 1, 1, 1, 1}, value)
	assert.Equal(t, []float64{3, 3, 3, 3, 3}, grad)
}
