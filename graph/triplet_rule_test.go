package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// ruled is a batch with all that rules about triplets look at: distances d and w (B, M), masks that
// hold numbers, distances among the columns by the loss and by the window, and partners.
type ruled struct {
	b, m                                    int
	d, pos, neg, w, among, wAmong, partners []float64
}

func newRuled(rng *rand.Rand, b, m int) ruled {
	numbers := func(rows int) []float64 { return graphtest.Random(rng, rows, m).Values }
	r := ruled{b: b, m: m, d: numbers(b), w: numbers(b), among: numbers(m), wAmong: numbers(m)}
	r.pos, r.neg, r.partners = make([]float64, b*m), make([]float64, b*m), make([]float64, b*m)
	for i := range r.pos {
		if rng.Float64() < 0.4 {
			r.pos[i] = float64(1 + rng.IntN(3))
		} else if rng.Float64() < 0.7 {
			r.neg[i] = float64(1 + rng.IntN(2))
		}
		r.partners[i] = float64(rng.IntN(m+1) - 1)
	}
	return r
}

func (r ruled) inputs(of rule) []graphtest.Input {
	among := graphtest.Of(r.among, r.m, r.m)
	among.Data = !of.t.Swap // else nothing is differentiated by it
	return []graphtest.Input{graphtest.Of(r.d, r.b, r.m), graphtest.Data(r.pos, r.b, r.m), graphtest.Data(r.neg, r.b, r.m),
		graphtest.Data(r.w, r.b, r.m), among, graphtest.Data(r.wAmong, r.m, r.m), graphtest.Data(r.partners, r.b, r.m)}
}

// rule is triplets with what they look at.
type rule struct {
	t                      graph.Triplets
	apart, among, partners bool
}

func (r rule) triplets(in []graph.Expr) graph.Triplets {
	t := r.t
	if r.apart {
		t.Window.D = in[3]
	}
	if r.among {
		t.Window.Among = in[5]
	}
	if r.partners {
		t.Partners = in[6]
	}
	if t.Swap {
		t.Among = in[4]
	}
	return t
}

var free = graph.EveryTriplet()

func within(above, atMost float64, s graph.Sides) graph.Window {
	return graph.Window{Above: above, AtMost: atMost, Sides: s}
}

var rules = map[string]rule{
	"apart":                   {t: graph.Triplets{Margin: 0.4, Window: within(-0.5, 1, graph.Sides{})}, apart: true},
	"sides":                   {t: graph.Triplets{Margin: 0.4, Window: within(0, math.Inf(1), graph.Sides{AP: 1, AN: -0.3, PN: -0.2})}, apart: true, among: true},
	"sides without the third": {t: graph.Triplets{Margin: 0.4, Window: within(0, 2, graph.Sides{AP: 1, AN: -0.3})}},
	"partners":                {t: graph.Triplets{Margin: 0.4, Window: free}, partners: true},
	"partners, swap, smooth":  {t: graph.Triplets{Margin: 0.4, Window: free, Swap: true, Smooth: true}, partners: true},
	"weighted":                {t: graph.Triplets{Margin: 0.4, Window: free, Weighted: true}},
	"all":                     {t: graph.Triplets{Margin: 0.4, Window: within(-1, 1.5, graph.Sides{AP: 0.5, AN: -1, PN: 1}), Swap: true, Weighted: true, Low: 0.1, High: 2}, apart: true, among: true, partners: true},
	"all, smooth":             {t: graph.Triplets{Window: within(-1, 1.5, graph.Sides{AP: 0.5, AN: -1, PN: 1}), Smooth: true, Weighted: true}, apart: true, among: true},
}

// each visits the triplets that count, with their weight and violation, one by one.
func (r ruled) each(of rule, visit func(a, p, n int, weight, v float64)) {
	at := func(x []float64, i, j int) float64 { return x[i*r.m+j] }
	for a := range r.b {
		for p := range r.m {
			for n := range r.m {
				if at(r.pos, a, p) == 0 || at(r.neg, a, n) == 0 || of.partners && at(r.partners, a, p) != float64(n) {
					continue
				}
				w, weight := r.d, 1.0
				if of.apart {
					w = r.w
				}
				s := of.t.Window.Sides
				look := at(w, a, n) - at(w, a, p)
				if s != (graph.Sides{}) {
					look = s.AP*at(w, a, p) + s.AN*at(w, a, n)
					if of.among {
						look += s.PN * at(r.wAmong, p, n)
					}
				}
				if !(look > of.t.Window.Above && look <= of.t.Window.AtMost) {
					continue
				}
				if of.t.Weighted {
					weight = at(r.pos, a, p) * at(r.neg, a, n)
				}
				an := at(r.d, a, n)
				if of.t.Swap {
					an = min(an, at(r.among, p, n))
				}
				visit(a, p, n, weight, at(r.d, a, p)-an+of.t.Margin)
			}
		}
	}
}

// What rules leave of the triplets is what going through them one by one leaves, in both types; and
// the gradient is that of the sum.
func TestTripletRules(t *testing.T) {
	for name, of := range rules {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 9))
			r := newRuled(rng, 5, 8)
			want := make([]float64, r.b*4)
			positives, negatives := make([]float64, r.b*r.m), make([]float64, r.b*r.m)
			r.each(of, func(a, p, n int, weight, v float64) {
				term := max(v, 0)
				if of.t.Smooth {
					term = math.Log1p(math.Exp(v))
				}
				if high := of.t.High; term > of.t.Low && (high == 0 || term < high) {
					want[4*a] += weight * term
					want[4*a+1] += weight
				}
				want[4*a+2] += weight
				if v > 0 {
					want[4*a+3] += weight
				}
				positives[a*r.m+p] += weight
				negatives[a*r.m+n] += weight
			})
			in := r.inputs(of)
			graphtest.Values(t, want, func(in []graph.Expr) graph.Expr {
				s := of.triplets(in).Sums(in[0], in[1], in[2])
				return graph.Concat(1, s.Sum, s.Count, s.Chosen, s.Active)
			}, in...)
			graphtest.Gradient(t, func(in []graph.Expr) graph.Expr {
				return of.triplets(in).Sums(in[0], in[1], in[2]).Sum
			}, in...)
			graphtest.Values(t, append(positives, negatives...), func(in []graph.Expr) graph.Expr {
				p, n := of.triplets(in).PairCounts(in[0], in[1], in[2])
				return graph.Concat(0, p, n)
			}, in...)
		})
	}
}

// A batch compared with itself needs no distances among its rows.
func TestTripletSidesOfABatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 9))
	r := newRuled(rng, 6, 6)
	own := rule{t: graph.Triplets{Margin: 0.4, Window: within(0, math.Inf(1), graph.Sides{AP: 1, AN: -0.3, PN: -0.2})}}
	told := own
	told.among = true
	r.wAmong = r.d
	sum := func(of rule) []float64 {
		v, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			return of.triplets(in).Sums(in[0], in[1], in[2]).Sum
		}, r.inputs(of)...)
		require.NoError(t, err)
		return v
	}
	require.Equal(t, sum(told), sum(own))
	require.NotEqual(t, make([]float64, 6), sum(own))
}

// A distance that is no number is seen in the sum, and not taken for one outside of the window.
func TestTripletRulesTellOfNaN(t *testing.T) {
	for name, of := range rules {
		rng := rand.New(rand.NewPCG(7, 9))
		r := newRuled(rng, 5, 8)
		for i := range r.d {
			r.d[i], r.w[i] = math.NaN(), math.NaN()
		}
		v, _, err := graphtest.Eval(tensor.Float32, func(in []graph.Expr) graph.Expr {
			return of.triplets(in).Sums(in[0], in[1], in[2]).Sum.Sum()
		}, r.inputs(of)...)
		require.NoError(t, err)
		require.True(t, math.IsNaN(v[0]), name)
	}
}

func TestTripletRulesRefuse(t *testing.T) {
	square, long := graphtest.Of(make([]float64, 4), 2, 2), graphtest.Of(make([]float64, 6), 2, 3)
	for want, c := range map[string]struct {
		of func(in []graph.Expr) graph.Triplets
		d  graphtest.Input
	}{
		"those of the window have shape (2, 2), want (2, 3)": {func(in []graph.Expr) graph.Triplets { return graph.Triplets{Window: graph.Window{D: in[1]}} }, long},
		"the partners have shape (2, 2), want (2, 3)":        {func(in []graph.Expr) graph.Triplets { return graph.Triplets{Partners: in[1]} }, long},
		"the distance of positive and negative":              {func([]graph.Expr) graph.Triplets { return graph.Triplets{Window: within(0, 1, graph.Sides{PN: 1})} }, long},
		"among the columns have shape (2, 2), want (3, 3)": {func(in []graph.Expr) graph.Triplets {
			return graph.Triplets{Window: graph.Window{Sides: graph.Sides{PN: 1}, Among: in[1]}}
		}, long},
		"of sides": {func([]graph.Expr) graph.Triplets {
			return graph.Triplets{Window: within(0, 1, graph.Sides{AP: math.NaN()})}
		}, long},
		"column 7 at position 0, want one of 0 … 1, or -1 for": {func(in []graph.Expr) graph.Triplets { return graph.Triplets{Partners: in[1].Plus(7)} }, square},
	} {
		_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr {
			return c.of(in).Sums(in[0], in[0], in[0]).Sum
		}, c.d, graphtest.Data(make([]float64, 4), 2, 2))
		require.ErrorContains(t, err, want)
	}
}
