package graph_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/gpu/gputest"
	"medusa/machine"
)

// drawing is a graph of every kind of draw over one set.
type drawing struct {
	vm   gorgonia.VM
	kept []*graph.Kept
}

func newDrawing(t *testing.T, p *graph.Params, d *machine.Device, observe bool) *drawing {
	t.Helper()
	g := gorgonia.NewGraph()
	if observe {
		p.Observe(g)
	}
	r := p.Random(g, "noise", tensor.Float32)
	require.Same(t, r, p.Random(g, "noise", tensor.Float32))
	weights := node(t, g, "weights", tensor.Float32, []float64{0, 1, 2, 3, 0, 0}, 2, 3)
	x := node(t, g, "x", tensor.Float32, constants(1, 2), 2)
	q := p.Queue(g, "memory", tensor.Float32, graph.Fill(0), 5)
	count := p.Counter(g, "steps", tensor.Float32)
	pushed := q.Push(graph.Of(x).Mul(count.Plus(1)))
	out := &drawing{}
	for _, e := range []graph.Expr{
		r.Uniform(3, 2), r.Uniform(6), r.Normal(5), r.Mask(0.5, 40), r.Choose(graph.Of(weights), 4), count.Scale(1), pushed.Scale(1),
	} {
		n, err := e.Node()
		require.NoError(t, err)
		require.True(t, e.IsData() || e.Graph() == g)
		k, err := graph.Keep(n)
		require.NoError(t, err)
		out.kept = append(out.kept, k)
	}
	var err error
	out.vm, err = machine.On(g, d, p)
	require.NoError(t, err)
	t.Cleanup(func() { out.vm.Close() })
	return out
}

func (d *drawing) run(t *testing.T) (out [][]float32) {
	t.Helper()
	d.vm.Reset()
	require.NoError(t, d.vm.RunAll())
	for _, k := range d.kept {
		out = append(out, append([]float32(nil), k.Float32s()...))
	}
	return out
}

// A run's draws come from seed and count alone: they differ from run to run and from draw to
// draw, and a set that was stored in between goes on as if it had not been.
func TestDrawsRepeatAndResume(t *testing.T) {
	whole := newDrawing(t, graph.NewParams(3), nil, false)
	var want [][][]float32
	for range 6 {
		want = append(want, whole.run(t))
	}
	require.NotEqual(t, want[0][0], want[0][1], "two draws of a run")
	for k := range 4 {
		require.NotEqual(t, want[0][k], want[1][k], "two runs")
	}
	for run, x := range want {
		require.EqualValues(t, run, x[5][0])
		for _, column := range x[4][:4] {
			require.Contains(t, []float32{1, 2}, column, "weights 0, 1, 2")
		}
		require.Equal(t, []float32{0, 0, 0, 0}, x[4][4:], "weights 3, 0, 0")
	}
	require.Equal(t, []float32{0, 0, 0, 0, 0}, want[0][6])
	require.Equal(t, []float32{1, 1, 0, 0, 0}, want[1][6])
	require.Equal(t, []float32{3, 1, 2, 2, 3}, want[3][6])
	require.Equal(t, []float32{3, 4, 4, 5, 5}, want[5][6])

	stored := graph.NewParams(3)
	broken := newDrawing(t, stored, nil, false)
	for run := range 3 {
		require.Equal(t, want[run], broken.run(t))
	}
	other := graph.NewParams(4)
	resumed := newDrawing(t, other, nil, false)
	require.NotEqual(t, want[0][0], resumed.run(t)[0], "another seed")
	_, err := other.Restore(stored.Tensors(), graph.Loading{})
	require.NoError(t, err)
	for run := 3; run < 6; run++ {
		require.Equal(t, want[run], resumed.run(t))
	}
}

// A graph that observes reads what is, and leaves it.
func TestObserve(t *testing.T) {
	p := graph.NewParams(3)
	works := newDrawing(t, p, nil, false)
	sees := newDrawing(t, p, nil, true)
	for range 3 {
		first := sees.run(t)
		require.Equal(t, first, sees.run(t))
		require.Equal(t, first, works.run(t))
	}
}

// A device draws the same bits, also when its work is recorded and replayed.
func TestDrawsOnADevice(t *testing.T) {
	gputest.Prepare(t)
	d, err := machine.Open("cuda", machine.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	host, remote := newDrawing(t, graph.NewParams(3), nil, false), newDrawing(t, graph.NewParams(3), d, false)
	for range 6 {
		require.Equal(t, host.run(t), remote.run(t))
	}
}

func TestRandomErrors(t *testing.T) {
	p, g := graph.NewParams(1), gorgonia.NewGraph()
	r := p.Random(g, "r", tensor.Float32)
	x := graph.Of(node(t, g, "x", tensor.Float32, constants(1, 6), 2, 3))
	q := p.Queue(g, "q", tensor.Float32, graph.Fill(0), 4, 3)
	for want, e := range map[string]graph.Expr{
		"probability 1.5, want 0 to 1":            r.Mask(1.5, 2),
		"shape (0) has a side of 0":               r.Uniform(0),
		"want at least 1, and (B, M)":             r.Choose(x, 0),
		"want at least 1, and (B, M) ":            r.Choose(x.Reshape(6), 1),
		"source of random numbers is nil":         (*graph.Random)(nil).Normal(2),
		"the graph is nil":                        p.Random(nil, "r", tensor.Float32).Uniform(2),
		"rows of shape (6) for queue q":           q.Push(x.Reshape(6)),
		"rows of shape (2, 3) for queue small":    p.Queue(g, "small", tensor.Float32, graph.Fill(0), 1, 3).Push(x),
		"parameter q has shape (4, 3) of float32": p.Queue(g, "q", tensor.Float32, graph.Fill(0), 4, 2).Push(x),
		"graph: parameter q: the graph is nil":    p.Queue(nil, "q", tensor.Float32, graph.Fill(0), 4, 3).Push(x),
	} {
		require.ErrorContains(t, e.Err(), strings.TrimSpace(want))
	}
}

// A graph that is built by parts that know nothing of each other pushes once.
func TestQueueIsPushedOnce(t *testing.T) {
	p, g := graph.NewParams(1), gorgonia.NewGraph()
	x := graph.Of(node(t, g, "x", tensor.Float32, constants(1, 2), 2))
	first := p.Queue(g, "q", tensor.Float32, graph.Fill(0), 4).Push(x)
	require.NoError(t, first.Err())
	require.Equal(t, first, p.Queue(g, "q", tensor.Float32, graph.Fill(0), 4).Push(x))
	require.ErrorContains(t, p.Queue(g, "q", tensor.Float32, graph.Fill(0), 4).Push(x.Scale(2)).Err(), "pushes to queue q twice")
	p.Forget(g)
}

func ExampleParams_Random() {
	p, g := graph.NewParams(1), gorgonia.NewGraph()
	mask := p.Random(g, "mask", tensor.Float32).Mask(0.5, 8)
	n, err := mask.Node()
	if err != nil {
		panic(err)
	}
	kept, err := graph.Keep(n)
	if err != nil {
		panic(err)
	}
	vm, err := machine.New(g)
	if err != nil {
		panic(err)
	}
	defer vm.Close()
	for range 3 { // each run draws anew; the count of runs is part of p
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			panic(err)
		}
		fmt.Println(kept.Float32s())
	}
	// Output:
	// [1 1 0 1 1 1 0 1]
	// [0 1 1 1 1 1 0 1]
	// [1 1 0 0 1 0 0 1]
}

// A memory of the last four labels, which sees a batch from the next run on.
func ExampleParams_Queue() {
	p, g := graph.NewParams(1), gorgonia.NewGraph()
	labels := gorgonia.NewTensor(g, tensor.Float32, 1, gorgonia.WithName("labels"), gorgonia.WithShape(3))
	memory := p.Queue(g, "memory", tensor.Float32, graph.Fill(-1), 4)
	n, err := memory.Push(graph.Data(labels)).Node()
	if err != nil {
		panic(err)
	}
	kept, err := graph.Keep(n)
	if err != nil {
		panic(err)
	}
	vm, err := machine.New(g)
	if err != nil {
		panic(err)
	}
	defer vm.Close()
	for _, batch := range [][]float32{{0, 0, 1}, {2, 3, 3}, {4, 4, 4}} {
		if err := gorgonia.Let(labels, tensor.New(tensor.WithBacking(batch))); err != nil {
			panic(err)
		}
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			panic(err)
		}
		fmt.Println(kept.Float32s())
	}
	// Output:
	// [-1 -1 -1 -1]
	// [0 0 1 -1]
	// [3 3 1 2]
}
