package miners_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/machine"
	"medusa/miners"
	"medusa/pairs"
)

var raw = pairs.LP{Raw: true}

// line are points on a line, of one class or the other: 0, 1 and 5 of class 0; 2, 7 and 9 of class 1.
var line = miners.Rows{Embeddings: []float64{0, 1, 5, 2, 7, 9}, Labels: []int{0, 0, 0, 1, 1, 1}}

func pairsOf(t *testing.T, m miners.Miner, batch miners.Rows) (pos, neg [][2]int) {
	t.Helper()
	pos, neg, err := miners.Pairs(m, raw, batch, miners.Rows{})
	require.NoError(t, err)
	return pos, neg
}

func TestPairMargin(t *testing.T) {
	pos, neg := pairsOf(t, miners.PairMargin{Pos: 4, Neg: 2}, line) // 4 and 2 themselves do not count
	require.Equal(t, [][2]int{{0, 2}, {2, 0}, {3, 4}, {3, 5}, {4, 3}, {5, 3}}, pos)
	require.Equal(t, [][2]int{{1, 3}, {3, 1}}, neg)
	// Of the similarity −d, the same pairs.
	of, others, err := miners.Pairs(miners.PairMargin{Pos: -4, Neg: -2, Metric: turned{}}, raw, line, miners.Rows{})
	require.NoError(t, err)
	require.Equal(t, [][][2]int{pos, neg}, [][][2]int{of, others})
}

// turned is a similarity that is −d.
type turned struct{}

func (turned) Similarity() bool                   { return true }
func (turned) Between(x, y graph.Expr) graph.Expr { return raw.Between(x, y).Neg() }

// The nearest negatives of the anchors are at 2, 1, 2, 1, 2, 4, the farthest positives at 5, 4, 5, 7, 5, 7.
func TestMultiSimilarity(t *testing.T) {
	for _, metric := range []pairs.Metric{raw, turned{}} {
		pos, neg := pairsOf(t, miners.MultiSimilarity{Epsilon: 0.5, Metric: metric}, line)
		require.Equal(t, [][2]int{{0, 2}, {1, 0}, {1, 2}, {2, 0}, {2, 1}, {3, 4}, {3, 5}, {4, 3}, {4, 5}, {5, 3}}, pos)
		require.Equal(t, [][2]int{{0, 3}, {1, 3}, {2, 3}, {2, 4}, {2, 5}, {3, 0}, {3, 1}, {3, 2}, {4, 2}, {5, 2}}, neg)
	}
	pos, neg := pairsOf(t, miners.MultiSimilarity{Epsilon: 9}, miners.Rows{Embeddings: []float64{0, 1, 2}, Labels: []int{0, 0, 0}})
	require.Empty(t, pos, "no negative makes them hard")
	require.Empty(t, neg)
}

func TestBatchEasyHard(t *testing.T) {
	for _, c := range []struct {
		m        miners.BatchEasyHard
		pos, neg [][2]int
	}{
		{miners.BatchEasyHard{Pos: miners.Easy, Neg: miners.Easy},
			[][2]int{{0, 1}, {1, 0}, {2, 1}, {3, 4}, {4, 5}, {5, 4}}, [][2]int{{0, 5}, {1, 5}, {2, 5}, {3, 2}, {4, 0}, {5, 0}}},
		{miners.BatchEasyHard{Pos: miners.Easy, Neg: miners.SemiHard},
			[][2]int{{0, 1}, {1, 0}, {4, 5}, {5, 4}}, [][2]int{{0, 3}, {1, 4}, {4, 1}, {5, 2}}},
		{miners.BatchEasyHard{Pos: miners.SemiHard, Neg: miners.Easy},
			[][2]int{{0, 2}, {1, 2}, {4, 3}, {5, 3}}, [][2]int{{0, 5}, {1, 5}, {4, 0}, {5, 0}}},
		{miners.BatchEasyHard{Pos: miners.SemiHard, Neg: miners.Hard},
			[][2]int{{0, 1}, {5, 4}}, [][2]int{{0, 3}, {5, 2}}},
		{miners.BatchEasyHard{Pos: miners.All, Neg: miners.Hard, PosRange: []float64{4, 5}, NegRange: []float64{2, 4}},
			[][2]int{{0, 2}, {1, 2}, {2, 0}, {2, 1}, {3, 4}, {4, 3}}, [][2]int{{0, 3}, {2, 4}, {3, 0}, {4, 2}, {5, 2}}},
	} {
		t.Run(fmt.Sprintf("%+v", c.m), func(t *testing.T) {
			pos, neg := pairsOf(t, c.m, line)
			require.Equal(t, c.pos, pos)
			require.Equal(t, c.neg, neg)
			of := c.m
			of.Metric = turned{}
			for _, r := range [][]float64{of.PosRange, of.NegRange} {
				if r != nil {
					r[0], r[1] = -r[1], -r[0]
				}
			}
			pos, neg = pairsOf(t, of, line)
			require.Equal(t, c.pos, pos, "by a similarity")
			require.Equal(t, c.neg, neg)
		})
	}
}

func TestHDC(t *testing.T) {
	pos, neg := pairsOf(t, miners.HDC{Share: 0.3}, line) // 4 of 12 positive pairs, 6 of 18 negative ones, and their equals
	require.Equal(t, [][2]int{{0, 2}, {2, 0}, {3, 4}, {3, 5}, {4, 3}, {5, 3}}, pos)
	require.Equal(t, [][2]int{{0, 3}, {1, 3}, {2, 4}, {3, 0}, {3, 1}, {4, 2}}, neg)
	pos, neg = pairsOf(t, miners.HDC{Share: 1}, line)
	require.Len(t, pos, 12)
	require.Len(t, neg, 18)
}

// A chain's second miner chooses of what the first one left: of the pairs of triplets, as often as
// they are in one.
func TestChain(t *testing.T) {
	first := miners.PairMargin{Pos: 4, Neg: 5}
	pos, neg := pairsOf(t, &miners.Chain{First: first, Second: miners.HDC{Share: 0.4}}, line)
	require.Equal(t, [][2]int{{3, 5}, {5, 3}, {0, 2}}[:0], pos[:0])
	all, others := pairsOf(t, first, line)
	require.Len(t, pos, 6) // the 3rd largest of 6 distances is 5, as are the 4th to 6th
	require.Equal(t, all, pos)
	require.Subset(t, others, neg)
	require.Less(t, len(neg), len(others))

	window := miners.TripletMargin{Type: miners.Hard}
	counted, _ := pairsOf(t, window, line)
	chained, _ := pairsOf(t, &miners.Chain{First: window, Second: miners.PairMargin{Pos: 4.5, Neg: 100}}, line)
	var want [][2]int
	for _, p := range counted {
		if math.Abs(line.Embeddings[p[0]]-line.Embeddings[p[1]]) > 4.5 {
			want = append(want, p)
		}
	}
	require.NotEmpty(t, want)
	require.Equal(t, want, chained)
}

// Rows 0 to 2 and 3 to 5 are triplets, of whatever label.
func TestPackaged(t *testing.T) {
	triplets, err := miners.Triplets(miners.Packaged{}, raw, line, miners.Rows{})
	require.NoError(t, err)
	require.Equal(t, [][3]int{{0, 1, 2}, {3, 4, 5}}, triplets)
	pos, neg := pairsOf(t, miners.Packaged{}, line)
	require.Equal(t, [][][2]int{{{0, 1}, {3, 4}}, {{0, 2}, {3, 5}}}, [][][2]int{pos, neg})
}

// A window of triplets by another metric than the loss's: what the miner asks counts.
func TestTripletsByAnotherMetric(t *testing.T) {
	of := func(loss pairs.Metric) [][3]int {
		out, err := miners.Triplets(miners.TripletMargin{Type: miners.Hard, Metric: raw}, loss, line, miners.Rows{})
		require.NoError(t, err)
		return out
	}
	require.Equal(t, of(raw), of(pairs.Cosine{}))
	require.NotEmpty(t, of(raw))
}

func TestMinersRefuse(t *testing.T) {
	one := miners.Rows{Embeddings: []float64{0, 1}, Labels: []int{0, 1}}
	for want, m := range map[string]miners.Miner{
		"pair-margin: margins NaN and 0":                   miners.PairMargin{Pos: math.NaN()},
		"multi-similarity: epsilon is -1":                  miners.MultiSimilarity{Epsilon: -1},
		`batch-easy-hard: pos is ""`:                       miners.BatchEasyHard{},
		"pos is semi-hard and neg all":                     miners.BatchEasyHard{Pos: miners.SemiHard, Neg: miners.All},
		"pos is all and neg semi-hard":                     miners.BatchEasyHard{Pos: miners.All, Neg: miners.SemiHard},
		"neg-range is [2 1], want two numbers":             miners.BatchEasyHard{Pos: miners.Easy, Neg: miners.Hard, NegRange: []float64{2, 1}},
		"pos-range is [1], want two numbers":               miners.BatchEasyHard{Pos: miners.Easy, Neg: miners.Hard, PosRange: []float64{1}},
		"hdc: the share is 0":                              miners.HDC{},
		"angular: the angle is 91":                         miners.Angular{Angle: 91},
		"the cutoff is 0 and nonzero-loss-cutoff 0":        &miners.DistanceWeighted{},
		"uniform-histogram: 0 bins":                        &miners.UniformHistogram{},
		"packaged: 2 rows, compared with 2":                miners.Packaged{},
		"chain: miner 1: the miner is a nil <nil>":         &miners.Chain{First: miners.BatchHard{}},
		"schedule: 0 miners and 0 steps":                   &miners.Schedule{},
		"steps [5 5], want numbers above 0":                &miners.Schedule{Miners: make([]miners.Miner, 3), Steps: []int{5, 5}},
		"schedule: miner 0: the miner is a nil *miners.Ch": &miners.Schedule{Miners: []miners.Miner{(*miners.Chain)(nil)}},
		"angular: the batch's selection has a window":      &miners.Chain{First: miners.Angular{Angle: 20}, Second: miners.Angular{Angle: 30}},
		"the miner is a nil *miners.DistanceWeighted":      (*miners.DistanceWeighted)(nil),
	} {
		_, _, err := miners.Pairs(m, raw, one, miners.Rows{})
		require.ErrorContains(t, err, want)
	}
	_, _, err := miners.Pairs(nil, raw, miners.Rows{Embeddings: []float64{1, 2, 3}, Labels: []int{0, 1}}, miners.Rows{})
	require.ErrorContains(t, err, "3 numbers with 2 labels are no embeddings of one size")
	_, err = miners.Triplets(nil, raw, one, miners.Rows{Labels: []int{1}})
	require.ErrorContains(t, err, "0 numbers with 1 labels are no reference embeddings")
}

// What a miner of pairs chooses takes no memory but where it writes counts.
func TestChosenPairsAreNotHeld(t *testing.T) {
	for _, m := range []miners.Miner{
		miners.BatchEasyHard{Pos: miners.Easy, Neg: miners.Hard}, miners.PairMargin{Pos: 0.2, Neg: 0.8}, miners.HDC{Share: 0.5},
		miners.BatchEasyHard{Pos: miners.Easy, Neg: miners.SemiHard, PosRange: []float64{0, 1}},
	} {
		g := gorgonia.NewGraph()
		in := func(name string, shape ...int) *gorgonia.Node {
			v, err := graph.Tensor(make([]float64, tensor.Shape(shape).TotalSize()), tensor.Float32, shape...)
			require.NoError(t, err)
			return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(v))
		}
		b := miners.Choose(m, pairs.Of(in("x", 23, 4), in("y", 23)), raw)
		c := b.Compare(raw)
		sum := pairs.Terms{c.Term("pos", c.Pos, c.D), c.Term("neg", c.Neg, c.D)}.Reduce(pairs.Mean{})
		n, err := sum.Node()
		require.NoError(t, err)
		_, err = graph.Keep(n)
		require.NoError(t, err)
		vm, err := machine.New(g)
		require.NoError(t, err)
		require.Empty(t, graphtest.Held(t, vm, 23, 23), "%+v", m)
		vm.Close()
	}
}

// The pairs that losses over pairs see are those of the triplets, which are found one by one; of a
// batch with itself and of a reference set. Distance-weighted sampling gives each positive pair one
// negative within the cutoff, if its anchor has one.
func TestPairsAreThoseOfTriplets(t *testing.T) {
	random := func(rng *rand.Rand, n int) (r miners.Rows) {
		for range n {
			r.Labels = append(r.Labels, rng.IntN(4))
			for range 5 {
				r.Embeddings = append(r.Embeddings, rng.NormFloat64())
			}
		}
		return r
	}
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 3))
		batch, ref := random(rng, 12), miners.Rows{}
		if seed%2 == 1 {
			ref = random(rng, 17)
		}
		columns := max(len(ref.Labels), 12)
		for name, of := range map[string]func() miners.Miner{
			"angular":           func() miners.Miner { return miners.Angular{Angle: 25} },
			"window":            func() miners.Miner { return miners.TripletMargin{Type: miners.SemiHard, Margin: 0.4} },
			"distance-weighted": func() miners.Miner { return miners.Default[*miners.DistanceWeighted]() },
			"angular of counted": func() miners.Miner {
				return &miners.Chain{First: &miners.UniformHistogram{Bins: 4, Pos: 3, Neg: 5}, Second: miners.Angular{Angle: 25}}
			},
			"schedule": func() miners.Miner {
				return &miners.Schedule{Miners: []miners.Miner{miners.Angular{Angle: 25}, miners.BatchHard{}}, Steps: []int{1}}
			},
		} {
			triplets, err := miners.Triplets(of(), pairs.Cosine{}, batch, ref)
			require.NoError(t, err)
			pos, neg, err := miners.Pairs(of(), pairs.Cosine{}, batch, ref)
			require.NoError(t, err)
			counts := func(k int) []int {
				out := make([]int, 12*columns)
				for _, tr := range triplets {
					out[tr[0]*columns+tr[k]]++
				}
				return out
			}
			seen := func(of [][2]int) []int {
				out := make([]int, 12*columns)
				for _, p := range of {
					out[p[0]*columns+p[1]]++
				}
				return out
			}
			require.NotEmpty(t, triplets, name)
			require.Equal(t, counts(1), seen(pos), name)
			require.Equal(t, counts(2), seen(neg), name)
			if name == "distance-weighted" {
				require.Equal(t, 1, slices.Max(counts(1)))
			}
		}
	}
}
