package machine_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/gpu/gputest"
	"medusa/internal/graphtest"
	"medusa/machine"
)

// sim is a device whose memory the host cannot touch.
func sim(t testing.TB, log func(string)) *machine.Device {
	t.Helper()
	gputest.Prepare(t)
	d, err := machine.Open("cuda", machine.Options{Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// What the device computes of random expressions is what the CPU computes, in every run:
// in the first two op by op, later as recorded.
func TestDeviceIsTheCPU(t *testing.T) {
	const n, e = 6, 5
	d := sim(t, func(message string) { t.Error(message) }) // all is done on the device, and recorded
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		x, y := graphtest.Random(rng, n, e), []float64{0, 0, 1, 1, 2, 2}
		cpu, onDevice := keptMachine(t, nil, randomExpr(seed), x.Values, y), keptMachine(t, d, randomExpr(seed), x.Values, y)
		for step := range 5 {
			for i := range x.Values {
				v := rng.NormFloat64()
				cpu.x[i], onDevice.x[i] = float32(v), float32(v)
			}
			want, got := cpu.run(t), onDevice.run(t)
			require.InEpsilon(t, want[0], got[0], 1e-4, "seed %d, step %d", seed, step)
			top := 1e-3
			for _, v := range want {
				top = max(top, math.Abs(v))
			}
			for i := range want {
				require.InDelta(t, want[i], got[i], 2e-4*top, "seed %d, step %d, gradient %d", seed, step, i)
			}
		}
		require.NoError(t, cpu.vm.Close())
		require.NoError(t, onDevice.vm.Close())
	}
}

type kept struct {
	x           []float32
	value, grad *graph.Kept
	vm          gorgonia.VM
}

// keptMachine keeps value and gradient of an expression of x (N, E) and labels.
func keptMachine(t *testing.T, d *machine.Device, build graphtest.Build, values, labels []float64) *kept {
	n := len(labels)
	g := gorgonia.NewGraph()
	k := &kept{x: make([]float32, len(values))}
	y := make([]float32, n)
	for i, v := range values {
		k.x[i] = float32(v)
	}
	for i, v := range labels {
		y[i] = float32(v)
	}
	input := func(name string, data []float32, shape ...int) *gorgonia.Node {
		return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...),
			gorgonia.WithValue(tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))))
	}
	x := input("x", k.x, n, len(values)/n)
	cost, err := build([]graph.Expr{graph.Of(x), graph.Data(input("y", y, n))}).Node()
	require.NoError(t, err)
	grads, err := gorgonia.Grad(cost, x)
	require.NoError(t, err)
	k.value, err = graph.Keep(cost)
	require.NoError(t, err)
	k.grad, err = graph.Keep(grads[0])
	require.NoError(t, err)
	k.vm, err = machine.On(g, d)
	require.NoError(t, err)
	return k
}

func (k *kept) run(t *testing.T) []float64 {
	require.NoError(t, k.vm.RunAll())
	k.vm.Reset()
	out := []float64{k.value.Scalar()}
	for _, v := range k.grad.Float32s() {
		out = append(out, float64(v))
	}
	require.NoError(t, k.grad.Err())
	return out
}

// A closed device says so, whatever it is asked.
func TestClosedDevice(t *testing.T) {
	d := sim(t, nil)
	x := []float32{1, 2}
	d.Adopt(x)
	g := gorgonia.NewGraph()
	n := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(2), gorgonia.WithValue(tensor.New(tensor.WithShape(2), tensor.WithBacking(x))))
	y, err := graph.Of(n).Square().Node()
	require.NoError(t, err)
	kept, err := graph.Keep(y)
	require.NoError(t, err)
	vm, err := machine.On(g, d)
	require.NoError(t, err)
	require.NoError(t, vm.RunAll())
	require.NoError(t, d.Close())
	require.Equal(t, "cuda:0", d.Name())
	require.Zero(t, d.Allocated())
	d.Adopt(x)
	require.ErrorContains(t, d.Change(x), "closed")
	require.ErrorContains(t, d.Read(x), "closed")
	d.Wrote(x)
	d.Release(x)
	_, err = d.Copier([][]float32{x}, [][]float32{x})
	require.ErrorContains(t, err, "closed")
	_, err = machine.On(g, d)
	require.ErrorContains(t, err, "closed")
	vm.Reset()
	require.ErrorContains(t, vm.RunAll(), "closed")
	require.Nil(t, kept.Float32s())
	require.Error(t, kept.Err())
	require.NoError(t, vm.Close())
	require.NoError(t, d.Close())
}
