package machine_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/machine"
)

// A tensor of a device is copied when the other side's numbers are the current ones, and then alone.
func TestDeviceKnowsTheCurrentCopy(t *testing.T) {
	d := sim(t, nil)
	x, y := []float32{1, 2}, []float32{0, 0}
	d.Adopt(x, y)
	require.Nil(t, d.Memory(x), "nothing was done with it there")
	toY, err := d.Copier([][]float32{y}, [][]float32{x})
	require.NoError(t, err)
	require.NoError(t, toY())
	x[0] = 7 // without a word
	require.NoError(t, toY())
	require.Equal(t, []float32{0, 0}, y, "the host has not asked")
	require.NoError(t, d.Read(y))
	require.Equal(t, []float32{1, 2}, y, "the device had its copy of x")
	y[1] = 5
	require.NoError(t, d.Read(y))
	require.Equal(t, []float32{1, 5}, y, "the host's numbers were current: nothing is copied")
	d.Wrote(x)
	require.NoError(t, toY())
	require.NoError(t, d.Read(y))
	require.Equal(t, []float32{7, 2}, y)
	require.NoError(t, d.Clear(y))
	require.NoError(t, d.Read(y))
	require.Equal(t, []float32{0, 0}, y)
	require.NoError(t, d.Change(x))
	x[0] = 0
	require.NoError(t, d.Read(x))
	require.Equal(t, []float32{7, 2}, x, "what changes there counts")
	require.NoError(t, d.Read([]float32{3}), "what does not live there is current")
	_, err = d.Copier([][]float32{y}, [][]float32{{1}})
	require.EqualError(t, err, "machine: copy of 1 numbers to 2")
	d.Release(x, y)
	require.Nil(t, d.Memory(x))
}

// What graphs keep is copied to a tensor where both live, on the CPU and on a device.
func TestKeptCopierOnHostAndDevice(t *testing.T) {
	for name, d := range map[string]*machine.Device{"cpu": nil, "cuda": sim(t, nil)} {
		t.Run(name, func(t *testing.T) {
			g := gorgonia.NewGraph()
			x, sum := []float32{1, 2}, make([]float32, 2)
			n, err := graph.Of(input(g, "x", x, 2)).Add(graph.Data(input(g, "sum", sum, 2))).Node()
			require.NoError(t, err)
			kept, err := graph.Keep(n)
			require.NoError(t, err)
			carry := d.KeptCopier([][]float32{sum}, []*graph.Kept{kept})
			vm, err := machine.On(g, d)
			require.NoError(t, err)
			defer vm.Close()
			for range 4 {
				require.NoError(t, vm.RunAll())
				require.NoError(t, carry())
			}
			require.NoError(t, d.Read(sum))
			require.Equal(t, []float32{4, 8}, sum)
		})
	}
}

// The host sees what ops change of the parameters, and the device what the host writes: without the
// parameters being given to the machine, too.
func TestWrittenInputsLiveOnTheDevice(t *testing.T) {
	for _, given := range []bool{true, false} {
		d := sim(t, nil)
		p := graph.NewParams(1)
		g := gorgonia.NewGraph()
		count := p.Counter(g, "count", graph.Of(input(g, "x", []float32{1}, 1)).Dtype())
		n, err := count.Scale(10).Node()
		require.NoError(t, err)
		kept, err := graph.Keep(n)
		require.NoError(t, err)
		var sets []*graph.Params
		if given {
			sets = append(sets, p)
		}
		vm, err := machine.On(g, d, sets...)
		require.NoError(t, err)
		for run := range 4 {
			require.NoError(t, vm.RunAll())
			require.Equal(t, 10*float64(run), kept.Scalar())
		}
		tensors := graph.Tensors(p)
		require.NoError(t, d.Read(tensors...))
		var after4 [][]float32
		for _, x := range tensors {
			after4 = append(after4, slices.Clone(x))
		}
		for run := range 3 {
			require.NoError(t, vm.RunAll())
			require.Equal(t, 10*float64(4+run), kept.Scalar())
		}
		for i, x := range tensors {
			copy(x, after4[i])
		}
		d.Wrote(tensors...)
		require.NoError(t, vm.RunAll())
		require.Equal(t, 40., kept.Scalar())
		require.NoError(t, vm.Close())
	}
}
