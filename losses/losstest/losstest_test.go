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
	"medusa/pairs"
)

// formula makes a loss of distances (B, M), positive pairs and negative pairs.
func formula(f func(x, labels, d, pos, neg graph.Expr) graph.Expr) losses.Loss {
	return losses.Func(func(b pairs.Batch) graph.Expr {
		c := b.Compare(pairs.LP{Raw: true})
		return f(b.X, b.Labels, c.D, c.Pos, c.Neg)
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
		"labels fixed at the first batch": {losses.Func(func(b pairs.Batch) graph.Expr {
			first++
			return b.Compare(pairs.LP{Raw: true}).D.Sum().Scale(first)
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
		"a reference set passed over": {losses.Func(func(b pairs.Batch) graph.Expr {
			b.Ref, b.RefLabels = graph.Expr{}, graph.Expr{}
			return graph.MeanOver(b.Compare(pairs.LP{Raw: true}).Pos, b.Compare(pairs.LP{Raw: true}).D.Square())
		}), "a reference set: "},
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

func (f *fixed) Loss(b pairs.Batch) graph.Expr {
	one := func(_ *rand.Rand, _ tensor.Shape, dst []float64) { dst[0] = math.Pi }
	w := f.params.Weight(b.X.Graph(), "w", b.X.Dtype(), one, 1, 1)
	return b.X.Square().Mean().Mul(w.Mul(w.Detach()).Sum())
}

// Each option lets a loss pass that does not pass without it.
func TestOptions(t *testing.T) {
	calls := 0.0
	drifting := func() losses.Loss { // by each graph that is built of it
		own := 0.0
		return formula(func(_, _, d, pos, neg graph.Expr) graph.Expr {
			own++
			return graph.MeanOver(pos, d.Square()).Scale(own).Add(graph.MeanOver(neg, d.Neg().Plus(3).Relu()))
		})
	}
	wild := func() losses.Loss {
		return formula(func(_, _, d, pos, _ graph.Expr) graph.Expr {
			calls++
			return graph.MeanOver(pos, d.Square()).Scale(calls)
		})
	}
	for name, c := range map[string]struct {
		loss   losses.Loss
		option Option
	}{
		"by class": {formula(func(_, y, d, pos, _ graph.Expr) graph.Expr {
			return graph.MeanOver(pos, d).Mul(y.Sum().Plus(1))
		}), ByClass("it adds up labels")},
		"positional": {formula(func(x, _, d, pos, _ graph.Expr) graph.Expr {
			return graph.MeanOver(pos, d).Add(x.Slice(0, 0, 1).Square().Sum())
		}), Positional("the first row is drawn to 0")},
		"stopped gradient": {formula(func(_, _, d, pos, _ graph.Expr) graph.Expr {
			return graph.MeanOver(pos, d.Mul(d.Detach()))
		}), StopsGradient("the weight of a pair is held fixed")},
		"random":   {drifting(), Random("it draws", drifting)},
		"stateful": {drifting(), Stateful("it remembers", drifting)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, Check(c.loss))
			require.NoError(t, Check(c.loss, c.option))
			c.option.reason = ""
			require.ErrorContains(t, Check(c.loss, c.option), "needs a reason")
		})
	}
	require.ErrorContains(t, Check(wild(), Random("it draws without a seed", wild)), "losstest: ")
	require.ErrorContains(t, Check(wild(), Random("it draws", nil)), "makes it anew")
	deaf := losses.Of(func(x, _ *gorgonia.Node) (*gorgonia.Node, error) { return graph.Of(x).Square().Mean().Node() })
	require.ErrorContains(t, Check(deaf), "a reference set: ")
	require.NoError(t, Check(deaf, NoReference("a function of nodes")))
	require.ErrorContains(t, Check(formula(func(_, _, d, pos, _ graph.Expr) graph.Expr { return graph.MeanOver(pos, d.Square()) }),
		NoReference("but it can")), "want an error")
}
