package losstest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
)

// formula makes a loss of distances (B, B), positive pairs and negative pairs.
func formula(f func(x, labels, d, pos, neg graph.Expr) graph.Expr) losses.Loss {
	return losses.Func(func(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
		x, y := graph.Of(embeddings), graph.Data(labels)
		pos, neg := graph.PairMasks(y)
		return f(x, y, graph.Distances(x), pos, neg).Node()
	})
}

func TestPassesARightLoss(t *testing.T) {
	Run(t, formula(func(_, _, d, pos, neg graph.Expr) graph.Expr {
		return graph.MeanOver(pos, d.Square()).Add(graph.MeanOver(neg, d.Neg().Plus(3).Relu()))
	}))
}

// Each fault that a check is there for makes that check fail.
func TestFindsFaults(t *testing.T) {
	first := 0.0
	for name, c := range map[string]struct {
		loss losses.Loss
		want string
	}{
		"a gradient cut off": {formula(func(_, _, d, pos, _ graph.Expr) graph.Expr {
			return graph.MeanOver(pos, d.Mul(d.Detach()))
		}), "central differences: "},
		"no gradient": {formula(func(x, _, _, _, _ graph.Expr) graph.Expr {
			return x.Scale(0).Sum().Plus(1)
		}), "nothing would be learned"},
		"the order of the batch": {formula(func(x, _, d, pos, _ graph.Expr) graph.Expr {
			return graph.MeanOver(pos, d).Add(x.Slice(0, 0, 1).Square().Sum())
		}), "order of the batch: "},
		"the names of the classes": {formula(func(_, y, d, pos, _ graph.Expr) graph.Expr {
			return graph.MeanOver(pos, d).Mul(y.Sum().Plus(1))
		}), "names of the classes: "},
		"labels fixed at the first batch": {losses.Func(func(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
			first++
			return graph.Distances(graph.Of(embeddings)).Sum().Scale(first).Node()
		}), "one graph for all labellings: "},
		"0/0 without positive pairs": {formula(func(_, _, d, pos, _ graph.Expr) graph.Expr {
			return graph.SumOver(pos, d).Div(pos.Sum())
		}), "corners: "},
		"overflow far away": {formula(func(_, _, d, pos, _ graph.Expr) graph.Expr {
			return graph.MeanOver(pos, d.Exp())
		}), "corners: "},
		"cancellation in float32": {formula(func(_, _, d, pos, _ graph.Expr) graph.Expr {
			return graph.MeanOver(pos, d.Plus(1e6).Plus(-1e6))
		}), "float32: "},
		"not a scalar":        {formula(func(_, _, d, _, _ graph.Expr) graph.Expr { return d }), "want a scalar"},
		"a parameter cut off": {&fixed{params: graph.NewParams(1)}, "central differences of the parameters: "},
	} {
		t.Run(name, func(t *testing.T) {
			require.ErrorContains(t, Check(c.loss), c.want)
		})
	}
}

// fixed is a loss whose parameter gets half of its gradient.
type fixed struct{ params *graph.Params }

func (f *fixed) Params() *graph.Params { return f.params }

func (f *fixed) Loss(embeddings, labels *gorgonia.Node) (*gorgonia.Node, error) {
	x := graph.Of(embeddings)
	one := func(rng *rand.Rand, _ tensor.Shape, dst []float64) { dst[0] = math.Pi }
	w := f.params.Weight(x.Graph(), "w", x.Dtype(), one, 1, 1)
	return x.Square().Mean().Mul(w.Mul(w.Detach()).Sum()).Node()
}

func TestByClass(t *testing.T) {
	loss := formula(func(_, y, d, pos, _ graph.Expr) graph.Expr {
		return graph.MeanOver(pos, d).Mul(y.Sum().Plus(1))
	})
	require.NoError(t, Check(loss, ByClass))
}
