package pairs_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/pairs"
)

// What is wrong with a batch is said where it is compared, and carried on.
func TestBatchRefuses(t *testing.T) {
	g := gorgonia.NewGraph()
	node := func(name string, shape ...int) graph.Expr {
		return graph.Of(gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...)))
	}
	x, y, ref := node("x", 4, 3), node("y", 4), node("ref", 5, 3)
	wide, tall := node("wide", 5, 4), node("tall", 5)
	for want, b := range map[string]pairs.Batch{
		"pairs: embeddings: graph: empty expression":                              {Labels: y},
		"pairs: labels: graph: empty expression":                                  {X: x},
		"pairs: embeddings: spoilt":                                               {X: graph.Fail(errors.New("spoilt")), Labels: y},
		"pairs: embeddings of shape (4, 3) with labels of shape (5), want (B, E)": {X: x, Labels: tall},
		"pairs: the reference set's labels: ":                                     {X: x, Labels: y, Ref: ref},
		"pairs: the reference set: ":                                              {X: x, Labels: y, RefLabels: tall},
		"a reference set of shape (5, 4) with labels of shape (5), want (M, 3)":   {X: x, Labels: y, Ref: wide, RefLabels: tall},
		"a reference set of shape (5, 3) with labels of shape (4), want":          {X: x, Labels: y, Ref: ref, RefLabels: y},
		"selection: positive pairs of shape (5, 3), want (4, 4)":                  {X: x, Labels: y, Chosen: pairs.Selection{Pos: ref}},
		"selection: negative pairs: spoilt":                                       {X: x, Labels: y, Chosen: pairs.Selection{Neg: graph.Fail(errors.New("spoilt"))}},
		"selection: pairs that are there of shape (5, 3), want (4, 4)":            {X: x, Labels: y, Chosen: pairs.Selection{Among: ref}},
		"selection: distances of the window of shape (4, 3), want (4, 4)":         {X: x, Labels: y, Chosen: pairs.Selection{Window: pairs.Window{D: x}}},
		"selection: a window above NaN":                                           {X: x, Labels: y, Chosen: pairs.Selection{Window: pairs.Window{Above: math.NaN()}}},
		"selection: a window above 1, at most 0, without distances":               {X: x, Labels: y, Chosen: pairs.Selection{Window: pairs.Window{Above: 1}}},
		"selection: partners of shape (4, 3), want (4, 4)":                        {X: x, Labels: y, Chosen: pairs.Selection{Partners: x}},
		"selection: positive pairs of shape (4, 3), want":                         {X: x, Labels: y, Chosen: pairs.Selection{Or: &pairs.Selection{Pos: x}}},
		"selection: it holds 7, want Masks":                                       {X: x, Labels: y, Chosen: pairs.Selection{Hold: 7}},
	} {
		c := b.Compare(pairs.LP{})
		for _, e := range []graph.Expr{c.D, c.Pos, c.Neg, c.Turned().D, c.Once().Pos, pairs.Terms{c.Term("pos", c.Pos, c.D)}.Reduce(pairs.Mean{}),
			pairs.Terms{b.Triplets("loss", pairs.LP{}, graph.Triplets{})}.Reduce(pairs.PerAnchor{})} {
			require.ErrorContains(t, e.Err(), want)
		}
	}
	b := pairs.Batch{X: x, Labels: y}
	require.ErrorContains(t, b.Compare(nil).D.Err(), "pairs: the metric is nil")
	require.NoError(t, b.NoReference("a loss"))
	b.Ref, b.RefLabels = ref, tall
	require.ErrorContains(t, b.NoReference("a loss"), "a loss compares the batch with no reference set")
}

// Triplets with Swap between a batch and a reference set compare positive and negative, which
// are both of the reference set, with each other.
func TestSwapWithAReferenceSet(t *testing.T) {
	x, ref := []float64{0}, []float64{1, 3, 3.5}
	got, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		b := pairs.Batch{X: in[0], Labels: in[1], Ref: in[2], RefLabels: in[3]}
		return pairs.Terms{b.Triplets("loss", pairs.LP{Raw: true}, graph.Triplets{Margin: 5, Swap: true})}.Reduce(pairs.Sum{})
	}, graphtest.Of(x, 1, 1), graphtest.Data([]float64{0}, 1), graphtest.Of(ref, 3, 1), graphtest.Data([]float64{0, 0, 1}, 3))
	require.NoError(t, err)
	require.InDelta(t, (1-2.5+5)+(3-0.5+5), got[0], 1e-12)
}

// Weights of pairs in place of labels: degrees of likeness.
func ExampleSelection() {
	v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		b := pairs.Batch{X: in[0], Labels: in[1], Chosen: pairs.Selection{Pos: in[2], Neg: in[2].Not(), Hold: pairs.Weights}}
		c := b.Compare(pairs.LP{Raw: true})
		return pairs.Terms{c.Term("pos", c.Pos, c.D)}.Reduce(pairs.Mean{})
	}, graphtest.Of([]float64{0, 1, 3}, 3, 1), graphtest.Data([]float64{0, 1, 2}, 3), graphtest.Data([]float64{0, 1, 0.5, 1, 0, 0, 0.5, 0, 0}, 3, 3))
	fmt.Printf("%.3f %v\n", v, err) // (1·1 + ½·3)·2 ÷ (1 + ½)·2
	// Output:
	// [1.667] <nil>
}

func ExampleBatch_Compare() {
	// Two points, and a reference set of three, of one dimension.
	v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
		b := pairs.Batch{X: in[0], Labels: in[1], Ref: in[2], RefLabels: in[3]}
		c := b.Compare(pairs.LP{Raw: true}) // (2, 3)
		return graph.Where(c.Pos, c.D, 0)
	}, graphtest.Of([]float64{0, 5}, 2, 1), graphtest.Data([]float64{0, 1}, 2), graphtest.Of([]float64{1, 2, 9}, 3, 1), graphtest.Data([]float64{0, 1, 1}, 3))
	fmt.Println(v, err)
	// Output:
	// [1 0 0 0 3 4] <nil>
}
