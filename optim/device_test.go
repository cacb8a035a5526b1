package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/graph"
	"medusa/internal/gpu/gputest"
	"medusa/machine"
)

// onDevice moves what f feeds to a device.
func (f *fed) onDevice(t testing.TB, dev *machine.Device) {
	t.Helper()
	require.NoError(t, f.vm.Close())
	var err error
	f.vm, err = machine.On(f.graph, dev, f.params)
	require.NoError(t, err)
}

// Every solver makes on a device the steps that it makes on the CPU, with clipping by value and by
// norm, weight decay, groups, and averages, of tensors of several pieces.
func TestStepsOnDevice(t *testing.T) {
	gputest.Prepare(t)
	for _, c := range []Config{
		{}, {Name: "adamw", WeightDecay: 0.1}, {Name: "sgd", LR: 0.05, WeightDecay: 0.1}, {Name: "sgd", LR: 0.05, Momentum: 0.9, Nesterov: true},
		{Name: "rmsprop"}, {Name: "rmsprop", Momentum: 0.5}, {Name: "lion", LR: 0.01, WeightDecay: 0.1}, {Name: "lamb", LR: 0.01, WeightDecay: 0.1},
	} {
		for _, o := range []Options{{}, {Clip: 3, ClipValue: 0.5, Groups: []Group{{"w1", 0.5, 2}}}} {
			t.Run(c.Name, func(t *testing.T) {
				dev, err := machine.Open("cuda", machine.Options{})
				require.NoError(t, err)
				defer func() { require.NoError(t, dev.Close()) }()
				rng := rand.New(rand.NewPCG(2, 3))
				const n = 4100 // of two pieces of a device
				w, b := normals(rng, n), normals(rng, 7)
				var in [2]*fed
				var solvers [2]*Solver
				var into [2]*graph.Params
				for i := range in {
					in[i] = feed(t, []int{n / 2, 2}, w, b)
					o := o
					if i == 1 {
						o.Device = dev
						in[i].onDevice(t, dev)
					}
					into[i] = setLike(t, in[i].params)
					o.Average = &Averaging{AverageConfig{Decay: 0.9}, in[i].params, into[i]}
					solvers[i], err = New(c, in[i].tensors, o)
					require.NoError(t, err)
				}
				for range 4 {
					grads := [][]float64{normals(rng, n), normals(rng, 7)}
					var r [2]Result
					for i := range in {
						in[i].give(t, grads...)
						r[i], err = solvers[i].Step(in[i].loss, solvers[i].Config().LR)
						require.NoError(t, err)
					}
					require.InEpsilon(t, r[0].Squared, r[1].Squared, 1e-6)
				}
				same := func() {
					t.Helper()
					require.NoError(t, dev.Read(graph.Tensors(in[1].params, into[1])...))
					for i, p := range append(in[0].params.All(), into[0].All()...) {
						got := append(in[1].params.All(), into[1].All()...)[i]
						// Four steps in float32, some with products and sums fused.
						require.InDeltaSlice(t, double(p.Value.Float32s()), double(got.Value.Float32s()), 3e-6, p.Name)
					}
				}
				same()
				in[1].give(t, append([]float64{math.Inf(1)}, w[1:]...), b)
				r, err := solvers[1].Step(in[1].loss, 1)
				require.ErrorAs(t, err, new(*NotFiniteError))
				require.Equal(t, []string{"w0"}, r.Broken, "what is not finite is not clipped away")
				same()
				require.NoError(t, solvers[0].TakeAverages())
				require.NoError(t, solvers[1].TakeAverages())
				same()
			})
		}
	}
}

// A solver on a device says what it misses.
func TestSolverOnDeviceSaysWhatIsWrong(t *testing.T) {
	gputest.Prepare(t)
	dev, err := machine.Open("cuda", machine.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, dev.Close()) }()
	in := feed(t, []int{2}, []float64{1, 2})
	s, err := New(Config{}, in.tensors, Options{Device: dev})
	require.NoError(t, err)
	in.give(t, []float64{1, 1})
	_, err = s.Step(in.loss, 1)
	require.ErrorContains(t, err, "run the graph there first")
	_, err = s.End()
	require.ErrorContains(t, err, "no step is under way")
	_, err = s.Step(nil, 1)
	require.ErrorContains(t, err, "the loss is nil")
	_, err = s.Step(in.loss, -1)
	require.ErrorContains(t, err, "the learning rate is -1")
}
