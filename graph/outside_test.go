package graph_test

import (
	"fmt"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/graph/optest"
	"medusa/internal/graphtest"
)

// cumsum adds the numbers of each row (B, N) up from the left, or with back from the right.
type cumsum struct{ back bool }

func (c cumsum) Shape(in [][]int) ([]int, error) {
	if len(in) != 1 || len(in[0]) != 2 {
		return nil, errors.Errorf("shapes %v, want one matrix (B, N)", in)
	}
	return in[0], nil
}

func (c cumsum) Float32(out []float32, in [][]float32) error { addUp(out, in[0], c.back); return nil }
func (c cumsum) Float64(out []float64, in [][]float64) error { addUp(out, in[0], c.back); return nil }

func (c cumsum) Gradient(_ []graph.Expr, _, grad graph.Expr) []graph.Expr {
	return []graph.Expr{graph.Apply(cumsum{!c.back}, grad)}
}

const rowOfSums = 4

func addUp[T float32 | float64](out, x []T, back bool) {
	copy(out, x)
	for r := 0; r < len(x); r += rowOfSums {
		row := out[r : r+rowOfSums]
		for i := 1; i < len(row); i++ {
			if back {
				row[len(row)-1-i] += row[len(row)-i]
			} else {
				row[i] += row[i-1]
			}
		}
	}
}

func TestApply(t *testing.T) {
	graphtest.Values(t, []float64{1, 3, 6, 10, -1, -3, -6, -10}, func(in []graph.Expr) graph.Expr { return graph.Apply(cumsum{}, in[0]) },
		graphtest.Of([]float64{1, 2, 3, 4, -1, -2, -3, -4}, 2, 4))
	optest.Run(t, cumsum{}, optest.Random([]int{3, 4})...)
	optest.Run(t, cumsum{true}, optest.Random([]int{1, 4})...)
	// Among other ops, twice.
	graphtest.Gradient(t, func(in []graph.Expr) graph.Expr {
		return graph.Apply(cumsum{}, graph.Apply(cumsum{}, in[0].Square()).Sigmoid()).Mul(in[0])
	}, graphtest.Of([]float64{.1, .2, .3, .4, .5, -.6, .7, -.8}, 2, 4))
}

// An op that is no function of the package's is not merged with its like, which it cannot be
// told from.
func TestApplyIsNotMerged(t *testing.T) {
	x := matrix(newGraph(), "x", 2, 4)
	a, err := graph.Apply(cumsum{}, x).Node()
	require.NoError(t, err)
	b, err := graph.Apply(cumsum{}, x).Node()
	require.NoError(t, err)
	require.NotSame(t, a, b)
}

// badOp does what it is told to.
type badOp struct {
	shape func(in [][]int) ([]int, error)
	run   func() error
	grad  func(in []graph.Expr, grad graph.Expr) []graph.Expr
}

func (b badOp) String() string                             { return "bad op" }
func (b badOp) Shape(in [][]int) ([]int, error)            { return b.shape(in) }
func (b badOp) Float32(out []float32, _ [][]float32) error { clear(out); return b.run() }
func (b badOp) Float64(out []float64, _ [][]float64) error { clear(out); return b.run() }
func (b badOp) Gradient(in []graph.Expr, _, grad graph.Expr) []graph.Expr {
	return b.grad(in, grad)
}

// Whatever an op from outside does is an error that names it, and no panic.
func TestApplyRefuses(t *testing.T) {
	good := badOp{
		shape: func(in [][]int) ([]int, error) { return in[0], nil },
		run:   func() error { return nil },
		grad:  func([]graph.Expr, graph.Expr) []graph.Expr { return make([]graph.Expr, 1) },
	}
	x := graphtest.Of([]float64{1, 2}, 2)
	for want, change := range map[string]func(b *badOp){
		"graph: bad op: wants three":                                     func(b *badOp) { b.shape = func([][]int) ([]int, error) { return nil, errors.New("wants three") } },
		"graph: the shape of bad op: oh":                                 func(b *badOp) { b.shape = func([][]int) ([]int, error) { panic("oh") } },
		"graph: bad op: shape (2, 0) has a side of 0":                    func(b *badOp) { b.shape = func([][]int) ([]int, error) { return []int{2, 0}, nil } },
		"bad op: no such label":                                          func(b *badOp) { b.run = func() error { return errors.New("no such label") } },
		"running bad op: oh":                                             func(b *badOp) { b.run = func() error { panic("oh") } },
		"graph: bad op gives 2 gradients, want one for each of 1 inputs": func(b *badOp) { b.grad = func([]graph.Expr, graph.Expr) []graph.Expr { return make([]graph.Expr, 2) } },
		"graph: the gradient of bad op: oh":                              func(b *badOp) { b.grad = func([]graph.Expr, graph.Expr) []graph.Expr { panic("oh") } },
		"graph: gradient of bad op to input 0 has shape (), want (2)": func(b *badOp) {
			b.grad = func(_ []graph.Expr, g graph.Expr) []graph.Expr { return []graph.Expr{g.Sum()} }
		},
		"graph: gradient of bad op to input 0: graph: cannot reshape (2) (2 elem": func(b *badOp) {
			b.grad = func(_ []graph.Expr, g graph.Expr) []graph.Expr { return []graph.Expr{g.Reshape(3)} }
		},
	} {
		b := good
		change(&b)
		_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.Apply(b, in[0]) }, x)
		require.ErrorContains(t, err, want)
	}
	// The zero Expr is a gradient of 0.
	_, grads, err := graphtest.Eval(tensor.Float32, func(in []graph.Expr) graph.Expr { return graph.Apply(good, in[0]) }, x)
	require.NoError(t, err)
	require.Equal(t, []float64{0, 0}, grads[0])
	require.ErrorContains(t, graph.Apply(nil, matrix(newGraph(), "x", 1, 1)).Err(), "want an Op and one input or more")
	require.ErrorContains(t, graph.Apply(good).Err(), "an op bad op of 0 inputs")
	require.ErrorContains(t, graph.Apply((*badOp)(nil), matrix(newGraph(), "x", 1, 1)).Err(), "graph: the name of a *graph_test.badOp: ")
	cause := errors.New("the cause")
	require.ErrorIs(t, graph.Apply(good, graph.Fail(cause)).Err(), cause)
}

// indicator is an op through which no gradient flows.
type indicator struct{}

func (indicator) Shape(in [][]int) ([]int, error) { return nil, nil }
func (indicator) Float32(out []float32, in [][]float32) error {
	out[0] = in[0][0]
	return nil
}
func (indicator) Float64(out []float64, in [][]float64) error {
	out[0] = in[0][0]
	return nil
}

func TestApplyWithoutGradientIsData(t *testing.T) {
	require.True(t, graph.Apply(indicator{}, vector(newGraph(), "x", 3)).IsData())
	v, _, err := graphtest.Eval(tensor.Float32, func(in []graph.Expr) graph.Expr { return graph.Apply(indicator{}, in[0]) }, graphtest.Of([]float64{5, 6}, 2))
	require.NoError(t, err)
	require.Equal(t, []float64{5}, v)
}

// Beside a GPU an op from outside runs on the host, which the log tells of.
func TestApplyOnDevice(t *testing.T) {
	var told []string
	graphtest.Device = sim(t, func(message string) { told = append(told, message) })
	defer func() { graphtest.Device = nil }()
	TestApply(t)
	require.Contains(t, fmt.Sprint(told), "on the host, for want of a kernel: graph_test.cumsum{back:false}")
}

// The running sums of each row, by an op of one's own.
func ExampleApply() {
	g := gorgonia.NewGraph()
	x := value(g, "x", []float64{1, 2, 3, 4}, 1, 4)
	number(graph.Apply(cumsum{}, x))
	// Output: [1 3 6 10] <nil>
}
