package machine_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
)

// What is kept has the bits that it has on Gorgonia's own machine, run after run.
func TestMachineIsTheTapeMachine(t *testing.T) {
	const n, e = 6, 5
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 2))
		var kept [2]*graph.Kept
		var vms [2]gorgonia.VM
		x := tensor.New(tensor.WithShape(n, e), tensor.WithBacking(make([]float32, n*e)))
		y := tensor.New(tensor.WithShape(n), tensor.WithBacking([]float32{0, 0, 1, 1, 2, 2}))
		for i, machine := range []func(*gorgonia.ExprGraph) (gorgonia.VM, error){
			machine.New,
			func(g *gorgonia.ExprGraph) (gorgonia.VM, error) { return gorgonia.NewTapeMachine(g), nil },
		} {
			g := gorgonia.NewGraph()
			in := []graph.Expr{
				graph.Data(gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithShape(n, e), gorgonia.WithName("x"), gorgonia.WithValue(x))),
				graph.Data(gorgonia.NewTensor(g, tensor.Float32, 1, gorgonia.WithShape(n), gorgonia.WithName("y"), gorgonia.WithValue(y))),
			}
			out, err := randomExpr(seed)(in).Node()
			require.NoError(t, err)
			kept[i], err = graph.Keep(out)
			require.NoError(t, err)
			vms[i], err = machine(g)
			require.NoError(t, err)
			defer vms[i].Close()
		}
		for range 3 {
			for i := range x.Float32s() {
				x.Float32s()[i] = float32(rng.NormFloat64())
			}
			for _, vm := range vms {
				vm.Reset()
				require.NoError(t, vm.RunAll())
			}
			require.Equal(t, kept[1].Scalar(), kept[0].Scalar(), "seed %d", seed)
		}
	}
}

// An input without a value is named, and a run that fails leaves the machine usable.
func TestMachineErrors(t *testing.T) {
	g := gorgonia.NewGraph()
	x := gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithShape(2, 2), gorgonia.WithName("pictures"))
	kept, err := graph.Keep(gorgonia.Must(gorgonia.Add(x, x)))
	require.NoError(t, err)
	vm, err := machine.New(g)
	require.NoError(t, err)
	require.NoError(t, gorgonia.Let(x, tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{1, 2, 3, 4}))))
	require.NoError(t, vm.RunAll())
	require.Equal(t, []float32{2, 4, 6, 8}, kept.Float32s())

	g = gorgonia.NewGraph()
	x = gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithShape(2, 2), gorgonia.WithName("pictures"))
	labels := gorgonia.NewTensor(g, tensor.Float32, 1, gorgonia.WithShape(2), gorgonia.WithName("labels"),
		gorgonia.WithValue(tensor.New(tensor.WithShape(2), tensor.WithBacking([]float32{0, 7}))))
	sum, err := graph.Gather(graph.Of(x).Scale(2), graph.Data(labels)).Square().Sum().Node()
	require.NoError(t, err)
	kept, err = graph.Keep(sum)
	require.NoError(t, err)
	vm, err = machine.New(g)
	require.NoError(t, err)
	require.ErrorContains(t, vm.RunAll(), "input pictures has no value; bind one with gorgonia.Let")
	require.NoError(t, gorgonia.Let(x, tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{1, 2, 3, 4}))))
	require.ErrorContains(t, vm.RunAll(), "7")
	labels.Value().(*tensor.Dense).Float32s()[1] = 1
	for range 2 {
		require.NoError(t, vm.RunAll())
		require.Equal(t, 120., kept.Scalar())
	}
	_, err = machine.New(nil)
	require.ErrorContains(t, err, "no graph")
}

// A run allocates nothing.
func TestRunAllocatesNothing(t *testing.T) {
	g := gorgonia.NewGraph()
	x, err := graph.Tensor([]float64{1, 2, 3, 4, 5, 6}, tensor.Float32, 2, 3)
	require.NoError(t, err)
	in := gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithShape(2, 3), gorgonia.WithName("x"), gorgonia.WithValue(x))
	out, err := graph.Normalize(graph.Data(in)).Sum().Node()
	require.NoError(t, err)
	_, err = graph.Keep(out)
	require.NoError(t, err)
	m, err := machine.New(g)
	require.NoError(t, err)
	require.NoError(t, m.RunAll())
	require.NoError(t, m.RunAll())
	require.Zero(t, testing.AllocsPerRun(20, func() {
		if err := m.RunAll(); err != nil {
			t.Error(err)
		}
	}))
}
