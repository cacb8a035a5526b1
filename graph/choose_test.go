package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// pairSetting is a batch compared with itself or with a reference set: distances, masks, and what
// masks are chosen by.
type pairSetting struct {
	d, among, pos, neg   graph.Expr
	above, atMost, index graph.Expr
	other                graph.Expr // (B, M), no distances
}

// pairInputs are those of settingOf; of a reference set the second are its rows.
func pairInputs(rng *rand.Rand, b, m int, cross bool) []graphtest.Input {
	const e = 9 // enough for products of float32
	labels := func(n int) graphtest.Input {
		v := make([]float64, n)
		for i := range v {
			v[i] = float64(rng.IntN(3))
		}
		return graphtest.Data(v, n)
	}
	above, atMost := graphtest.Random(rng, b, 1), graphtest.Random(rng, b, 1)
	index := graphtest.Random(rng, b, 4)
	for i := range index.Values {
		index.Values[i] = float64(rng.IntN(m+1) - 1)
	}
	for i := range above.Values {
		above.Values[i], atMost.Values[i] = 3+above.Values[i]/2, 5+atMost.Values[i]/2
	}
	above.Values[0], atMost.Values[1] = math.Inf(-1), math.Inf(1)
	above.Data, atMost.Data, index.Data = true, true, true
	in := []graphtest.Input{graphtest.Random(rng, b, e)}
	if cross {
		in = append(in, graphtest.Random(rng, m, e), labels(b), labels(m))
	} else {
		in = append(in, labels(b))
	}
	other := graphtest.Random(rng, b, m)
	other.Data = true
	for i := range other.Values {
		other.Values[i] += 4
	}
	return append(in, above, atMost, index, other)
}

func settingOf(in []graph.Expr, cross bool) (s pairSetting) {
	if cross {
		s.d, s.among = graph.DistancesBetween(in[0], in[1]), graph.Distances(in[1])
		s.pos, s.neg = graph.PairMasksBetween(in[2], in[3])
		in = in[4:]
	} else {
		s.d = graph.Distances(in[0])
		s.pos, s.neg = graph.PairMasks(in[1])
		in = in[2:]
	}
	s.above, s.atMost, s.index, s.other = in[0], in[1], in[2], in[3]
	return s
}

// choices are masks that are made of another.
var choices = map[string]func(s pairSetting, mask graph.Expr) graph.Expr{
	"all":              func(_ pairSetting, m graph.Expr) graph.Expr { return m },
	"within":           func(s pairSetting, m graph.Expr) graph.Expr { return graph.Within(m, s.d, s.above, s.atMost) },
	"within, of other": func(s pairSetting, m graph.Expr) graph.Expr { return graph.Within(m, s.other, s.above, s.atMost) },
	"listed":           func(s pairSetting, m graph.Expr) graph.Expr { return graph.At(m, s.index) },
	"farthest":         func(s pairSetting, m graph.Expr) graph.Expr { return graph.RowFarthest(m, s.d) },
	"nearest":          func(s pairSetting, m graph.Expr) graph.Expr { return graph.RowNearest(m, s.d) },
	"three nearest":    func(s pairSetting, m graph.Expr) graph.Expr { return graph.RowNearestK(m, s.d, 3) },
	"within of listed": func(s pairSetting, m graph.Expr) graph.Expr {
		return graph.Within(graph.At(m, s.index), s.d, s.above, s.atMost)
	},
	"nearest of within": func(s pairSetting, m graph.Expr) graph.Expr {
		return graph.RowNearest(graph.Within(m, s.d, s.above, s.atMost), s.d)
	},
	"listed of a mask":     func(s pairSetting, m graph.Expr) graph.Expr { return graph.At(m.Scale(1), s.index) },
	"a mask that is given": func(_ pairSetting, m graph.Expr) graph.Expr { return m.Scale(1) },
}

// consumers read masks; held is what they hold in memory beside distances.
var consumers = map[string]struct {
	of   func(s pairSetting) graph.Expr
	held string
}{
	"terms": {of: func(s pairSetting) graph.Expr {
		sum, count := graph.RowTerms(s.neg, s.d.Hinge(-1, 6), 0.1, 4)
		return sum.Add(count.Scale(0.1))
	}},
	"max":           {of: func(s pairSetting) graph.Expr { return graph.RowMax(s.pos, s.d, -1) }},
	"min":           {of: func(s pairSetting) graph.Expr { return graph.RowMin(s.neg, s.d, -1) }},
	"log-sum-exp":   {of: func(s pairSetting) graph.Expr { return graph.RowLogSumExp(s.neg, s.d.Affine(-2, 1), -1) }},
	"count":         {of: func(s pairSetting) graph.Expr { return graph.RowCount(s.pos).Add(graph.RowMax(s.pos, s.d, 0)) }},
	"triplets":      {of: func(s pairSetting) graph.Expr { return tripletsOf(s, graph.Triplets{}) }},
	"smooth":        {of: func(s pairSetting) graph.Expr { return tripletsOf(s, graph.Triplets{Smooth: true}) }},
	"swap":          {of: func(s pairSetting) graph.Expr { return tripletsOf(s, graph.Triplets{Swap: true, Among: s.among}) }, held: "spec.TripletsGrad"},
	"sum":           {of: func(s pairSetting) graph.Expr { return graph.SumOver(s.pos, s.d) }, held: "spec.Where|Broadcast"},
	"mean":          {of: func(s pairSetting) graph.Expr { return graph.MeanOver(s.pos, s.d) }, held: "spec.Where|Broadcast"},
	"means of rows": {of: func(s pairSetting) graph.Expr { return graph.RowMean(s.neg, s.d) }, held: "spec.Where|Broadcast"},
}

func tripletsOf(s pairSetting, t graph.Triplets) graph.Expr {
	t.Margin, t.Window = 0.7, graph.EveryTriplet()
	sums := t.Sums(s.d, s.pos, s.neg)
	return sums.Sum.Add(sums.Count.Scale(0.1)).Add(sums.Active)
}

func eachPairSetting(t *testing.T, check func(t *testing.T, b, m int, cross bool)) {
	t.Run("itself", func(t *testing.T) { check(t, 13, 13, false) })
	t.Run("reference", func(t *testing.T) { check(t, 7, 14, true) })
}

// Whatever mask a formula over pairs is given, it and its gradient are what they are with the mask
// and the gradient to the distances in memory; and nothing is in memory but the distances, and, of a batch
// compared with itself, a gradient that is another one to the two ends of a pair: with its transpose it is one
// product in place of two.
func TestFormulasOverPairs(t *testing.T) {
	eachPairSetting(t, func(t *testing.T, b, m int, cross bool) {
		rng := rand.New(rand.NewPCG(uint64(m), 1))
		in := pairInputs(rng, b, m, cross)
		for chosen, choose := range choices {
			for name, c := range consumers {
				t.Run(chosen+"/"+name, func(t *testing.T) {
					lazy := func(in []graph.Expr) graph.Expr {
						s := settingOf(in, cross)
						s.pos, s.neg = choose(s, s.pos), choose(s, s.neg)
						return c.of(s)
					}
					plain := func(in []graph.Expr) graph.Expr {
						s := settingOf(in, cross)
						s.pos, s.neg = choose(s, s.pos).Scale(1), choose(s, s.neg).Scale(1)
						s.d = s.d.Abs()
						return c.of(s)
					}
					requireAlike(t, lazy, plain, in)
					held := c.held
					switch {
					case cross:
					case chosen == "all" && held == "":
						held = "spec.TripletsGrad"
					case chosen != "all" && name == "terms":
						held = "spec.RowTermsGrad"
					case chosen != "all" && name == "log-sum-exp":
						held = "spec.RowReduceGrad"
					}
					if strings.Contains(chosen, "mask") {
						held += "|spec.Unary|spec.PairMask"
					}
					requireHeld(t, lazy, in, b, m, held)
				})
			}
		}
	})
}

// requireAlike checks that two formulas have the same value and gradients in both types.
func requireAlike(t *testing.T, got, want graphtest.Build, in []graphtest.Input) {
	t.Helper()
	for dt, tol := range map[tensor.Dtype]float64{tensor.Float64: 1e-11, tensor.Float32: 2e-5} {
		v, g, err := graphtest.Eval(dt, got, in...)
		require.NoError(t, err)
		w, h, err := graphtest.Eval(dt, want, in...)
		require.NoError(t, err)
		require.InDeltaSlice(t, w, v, tol*(1+largest(w)), "value, %v", dt)
		for i := range h {
			if h[i] != nil {
				require.InDeltaSlice(t, h[i], g[i], tol*(1+largest(h[i])), "gradient to input %d, %v", i, dt)
			}
		}
	}
}

func largest(x []float64) (most float64) {
	for _, v := range x {
		most = max(most, math.Abs(v))
	}
	return most
}

// requireHeld checks what a formula holds in memory of shape (b, m) but distances: ops of the names
// in held alone.
func requireHeld(t *testing.T, build graphtest.Build, in []graphtest.Input, b, m int, held string) {
	t.Helper()
	machine, err := graphtest.New(tensor.Float32, build, in...)
	require.NoError(t, err)
	defer machine.Close()
	if held == "" {
		graphtest.OnlyDistances(t, machine.VM, b, m)
	}
	for _, op := range graphtest.Held(t, machine.VM, b, m) {
		name := strings.FieldsFunc(op, func(r rune) bool { return r == '{' || r == ' ' })[0]
		require.Contains(t, strings.Split(held, "|"), name, "%s is in memory", op)
	}
}

// A mask that is read as a matrix is in memory, and told of; not one that is read as numbers, row by row.
func TestHeldMasks(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	in := pairInputs(rng, 5, 6, true)
	held := func(read func(s pairSetting) graph.Expr) string {
		m, err := graphtest.New(tensor.Float32, func(in []graph.Expr) graph.Expr {
			s := settingOf(in, true)
			return graph.RowMax(s.pos, s.d, 0).Add(read(s))
		}, in...)
		require.NoError(t, err)
		defer m.Close()
		return strings.Join(graphtest.Held(t, m.VM, 5, 6), "\n")
	}
	whole := held(func(s pairSetting) graph.Expr { return s.pos.MatMul(s.d.T()).SumAxis(1) })
	require.Contains(t, whole, "spec.PairMask{")
	byRows := held(func(s pairSetting) graph.Expr { return s.pos.Mul(s.d).SumAxis(1) })
	require.NotContains(t, byRows, "spec.PairMask{", "a mask that is read as numbers, row by row")
	require.Contains(t, byRows, "Binary *")
}

// The gradients of formulas over pairs, by differences.
func TestFormulasOverPairsDifferences(t *testing.T) {
	eachPairSetting(t, func(t *testing.T, b, m int, cross bool) {
		rng := rand.New(rand.NewPCG(uint64(b), 2))
		in := pairInputs(rng, b, m, cross)
		for chosen, choose := range choices {
			t.Run(chosen, func(t *testing.T) {
				graphtest.Gradient(t, func(in []graph.Expr) graph.Expr {
					s := settingOf(in, cross)
					s.pos, s.neg = choose(s, s.pos), choose(s, s.neg)
					all := graph.SumOver(s.neg, s.d.Square())
					for i, name := range []string{"terms", "max", "min", "log-sum-exp", "triplets", "smooth", "swap"} {
						all = all.Add(consumers[name].of(s).Sum().Scale(1 / float64(i+1)))
					}
					return all
				}, in...)
			})
		}
	})
}

func TestPairMasksBetween(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 3))
	for _, s := range [][2]int{{1, 1}, {2, 5}, {5, 5}, {33, 4}} {
		var rows, cols, pos, neg []float64
		for range s[0] {
			rows = append(rows, float64(rng.IntN(3))*1e6-1)
		}
		for range s[1] {
			cols = append(cols, float64(rng.IntN(3))*1e6-1)
		}
		for _, y := range rows {
			for _, z := range cols {
				pos, neg = append(pos, truth(y == z)), append(neg, truth(y != z))
			}
		}
		y, z := graphtest.Data(rows, s[0]), graphtest.Data(cols, s[1])
		graphtest.Values(t, pos, func(in []graph.Expr) graph.Expr { p, _ := graph.PairMasksBetween(in[0], in[1]); return p }, y, z)
		graphtest.Values(t, neg, func(in []graph.Expr) graph.Expr { _, n := graph.PairMasksBetween(in[0], in[1]); return n }, y, z)
	}
}

// Bounds that are infinite or no number are none; a distance that is no number is chosen.
func TestWithinBounds(t *testing.T) {
	row := []float64{-inf, 1, 2, 3, nan, inf}
	for _, c := range []struct {
		above, atMost float64
		want          []float64
	}{
		{1, 2, []float64{0, 0, 1, 0, 1, 0}},
		{-inf, 1, []float64{1, 1, 0, 0, 1, 0}},
		{2, inf, []float64{0, 0, 0, 1, 1, 1}},
		{nan, 1, []float64{1, 1, 0, 0, 1, 0}},
		{1, nan, []float64{0, 0, 1, 1, 1, 1}},
		{nan, -inf, []float64{1, 0, 0, 0, 1, 0}},
	} {
		graphtest.Values(t, c.want, func(in []graph.Expr) graph.Expr { return graph.Within(in[0], in[1], in[2], in[3]) },
			graphtest.Data(constants(1, 6), 1, 6), graphtest.Data(row, 1, 6), graphtest.Data([]float64{c.above}, 1, 1), graphtest.Data([]float64{c.atMost}, 1, 1))
	}
}

func TestAt(t *testing.T) {
	mask := graphtest.Data([]float64{1, 1, 0, 1, 1, 1}, 2, 3)
	graphtest.Values(t, []float64{1, 0, 0, 0, 0, 0}, func(in []graph.Expr) graph.Expr { return graph.At(in[0], in[1]) },
		mask, graphtest.Data([]float64{0, 2, -1, -1}, 2, 2))
	for _, bad := range []float64{3, -2, 0.5, nan} {
		_, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return graph.At(in[0], in[1]) },
			mask, graphtest.Data([]float64{0, bad}, 2, 1))
		require.ErrorContains(t, err, fmt.Sprintf("column %v at position 1, want one of 0 … 2, or -1 for none", bad))
	}
}

func TestPairsRefuse(t *testing.T) {
	m := func(n ...int) graphtest.Input { return graphtest.Data(make([]float64, n[0]*n[len(n)-1]), n...) }
	for want, c := range map[string]struct {
		build func(in []graph.Expr) graph.Expr
		in    []graphtest.Input
	}{
		"labels of the reference set have shape (2, 2)": {func(in []graph.Expr) graph.Expr {
			p, _ := graph.PairMasksBetween(in[0].Reshape(4), in[1])
			return p
		}, []graphtest.Input{m(2, 2), m(2, 2)}},
		"within bounds of shape (3, 1)": {func(in []graph.Expr) graph.Expr { return graph.Within(in[0], in[0], in[1], in[1]) },
			[]graphtest.Input{m(2, 2), m(3, 1)}},
		"by numbers of shape (3, 1)": {func(in []graph.Expr) graph.Expr { return graph.At(in[0], in[1]) },
			[]graphtest.Input{m(2, 2), m(3, 1)}},
		"a norm of p = 0.5": {func(in []graph.Expr) graph.Expr { return graph.LpDistances(in[0], in[0], 0.5) }, []graphtest.Input{m(2, 2)}},
		"a norm of p = NaN": {func(in []graph.Expr) graph.Expr { return graph.NormalizeLp(in[0], nan) }, []graphtest.Input{m(2, 2)}},
		"Among has shape (2, 2), want (3, 3)": {func(in []graph.Expr) graph.Expr {
			return graph.Triplets{Swap: true, Among: in[1]}.Sums(in[0], in[0], in[0]).Sum
		}, []graphtest.Input{m(2, 3), m(2, 2)}},
	} {
		_, _, err := graphtest.Eval(tensor.Float64, c.build, c.in...)
		require.ErrorContains(t, err, want)
	}
}
