package losses_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// drawing are losses whose miner has a state, by name; each call makes new ones.
func drawing() map[string]losses.Loss {
	weighted := func() miners.Miner { return miners.Default[*miners.DistanceWeighted]() }
	levels := func() miners.Miner { return &miners.UniformHistogram{Bins: 5, Pos: 3, Neg: 4} }
	return map[string]losses.Loss{
		"triplets":     losses.Triplet{Margin: 0.2, Miner: weighted()},
		"swap":         losses.Triplet{Margin: 0.2, Swap: true, Soft: true, Miner: weighted()},
		"pairs":        losses.Contrastive{NegMargin: 1, Miner: levels()},
		"counted":      losses.Triplet{Margin: 0.2, Miner: levels()},
		"of a triplet": losses.Contrastive{NegMargin: 1, Miner: weighted()},
		"mined":        losses.Mined{Miner: levels(), Of: losses.Triplet{Margin: 0.2, Miner: nil}},
		"schedule": losses.Triplet{Margin: 0.2, Miner: &miners.Schedule{
			Miners: []miners.Miner{nil, weighted(), miners.BatchHard{}, levels()}, Steps: []int{1, 3, 4}}},
		"chain": losses.Contrastive{NegMargin: 1, Miner: &miners.Chain{First: levels(), Second: miners.HDC{Share: 0.4}}},
	}
}

// values are those of runs of one graph, beginning with a state.
func values(t *testing.T, l losses.Loss, state map[string][]float64, runs int) (out []losses.Value, after map[string][]float64) {
	t.Helper()
	x, y := randomBatch(3, 16, 6, 4)
	require.NoError(t, losses.Set(l, losses.Setting{Classes: 4, EmbeddingSize: 6, Seed: 9}))
	e, err := losses.NewEvaluator(l, 16, 6, tensor.Float64)
	require.NoError(t, err)
	defer e.Close()
	p := losses.ParamsOf(l)
	require.NotNil(t, p)
	for name, numbers := range state {
		copy(p.Lookup(name).Value.Float64s(), numbers)
	}
	for range runs {
		v, err := e.Value(x, y)
		require.NoError(t, err)
		out = append(out, v)
	}
	after = map[string][]float64{}
	for _, item := range p.All() {
		after[p.NameOf(item)] = append([]float64(nil), item.Value.Float64s()...)
	}
	require.NotEmpty(t, after)
	return out, after
}

// One seed gives one series of values; a series that goes on from a saved state is the unbroken one;
// and the draws of two steps differ.
func TestMinersRepeatAndResume(t *testing.T) {
	for name := range drawing() {
		t.Run(name, func(t *testing.T) {
			whole, _ := values(t, drawing()[name], nil, 6)
			again, _ := values(t, drawing()[name], nil, 6)
			require.Equal(t, whole, again)
			first, state := values(t, drawing()[name], nil, 2)
			rest, _ := values(t, drawing()[name], state, 4)
			require.Equal(t, whole, append(first, rest...))
			require.NotEqual(t, whole[0].Loss, whole[1].Loss)
			for _, v := range whole {
				require.False(t, math.IsNaN(v.Loss))
				require.NotZero(t, v.Loss)
			}
		})
	}
}

// Another seed draws others.
func TestMinersAreSeeded(t *testing.T) {
	x, y := randomBatch(3, 16, 6, 4)
	of := func(seed uint64) float64 {
		l := losses.Triplet{Margin: 0.2, Miner: miners.Default[*miners.DistanceWeighted]()}
		require.NoError(t, losses.Set(l, losses.Setting{Seed: seed}))
		return value(t, l, x, y)
	}
	require.Equal(t, of(1), of(1))
	require.NotEqual(t, of(1), of(2))
}

// A schedule is, at every step, the miner whose turn it is.
func TestScheduleTakesTurns(t *testing.T) {
	x, y := randomBatch(5, 16, 6, 4)
	turns := []miners.Miner{nil, miners.BatchHard{}, semiHard(0.3), miners.PairMargin{Pos: 0.2, Neg: 1.2}, miners.Angular{Angle: 25}}
	for name, loss := range map[string]func(m miners.Miner) losses.Loss{
		"triplet":     func(m miners.Miner) losses.Loss { return losses.Triplet{Margin: 0.2, Miner: m, Reducer: pairs.Mean{}} },
		"swapped":     func(m miners.Miner) losses.Loss { return losses.Triplet{Margin: 0.2, Miner: m, Swap: true} },
		"contrastive": func(m miners.Miner) losses.Loss { return losses.Contrastive{NegMargin: 1, Miner: m} },
		"multi-similarity": func(m miners.Miner) losses.Loss {
			return losses.MultiSimilarity{Alpha: 2, Beta: 50, Base: 0.5, Miner: m}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := loss(&miners.Schedule{Miners: turns, Steps: []int{2, 3, 4, 6}})
			e, err := losses.NewEvaluator(s, 16, 6, tensor.Float64)
			require.NoError(t, err)
			defer e.Close()
			for step, turn := range []int{0, 0, 1, 2, 3, 3, 4, 4, 4} {
				got, err := e.Value(x, y)
				require.NoError(t, err)
				want, err := losses.Evaluate(loss(turns[turn]), x, y, tensor.Float64)
				require.NoError(t, err)
				require.InDelta(t, want.Loss, got.Loss, 1e-12, "step %d", step)
				require.InDeltaSlice(t, want.Gradient, got.Gradient, 1e-12, "step %d", step)
			}
		})
	}
}

// The active share is of the triplets that the loss is of, not of others drawn for it.
func TestActiveShareOfDrawnTriplets(t *testing.T) {
	x, y := randomBatch(3, 16, 6, 4)
	l := losses.Triplet{Margin: 0.1, Miner: miners.Default[*miners.DistanceWeighted](), Reducer: pairs.Sum{}}
	count := losses.Triplet{Margin: 0.1, Miner: l.Miner, Soft: true, Reducer: pairs.Sum{}}
	both := losses.Func(func(b pairs.Batch) graph.Expr {
		share, ok := losses.ActiveShare(l, b)
		require.True(t, ok)
		// What is added up to where the share is of the same draw: as many active terms.
		_, active := l.Terms(b)[0].Between(0, math.Inf(1)).Sums()
		_, all := count.Terms(b)[0].Sums()
		return share.Sub(active.Sum().Div(all.Sum())).Square().Add(b.X.Scale(0).Sum())
	})
	require.Zero(t, value(t, both, x, y))
}

// Losses over what the miners choose are losses: gradients, corners, order, types.
func TestMinedProperties(t *testing.T) {
	properties(t, map[string]losses.Triplet{
		"angular":  {Margin: 0.5, Miner: miners.Angular{Angle: 20}},
		"semihard": {Margin: 0.5, Miner: miners.Default[miners.BatchEasyHard]()},
		// In the metric p = 1 many distances are equal, 2, and a window ends there.
		"another metric": {Margin: 0.5, Miner: miners.TripletMargin{Type: miners.SemiHard, Margin: 0.3, Metric: pairs.LP{P: 3}}},
		"counted pairs":  {Margin: 0.5, Miner: &miners.Chain{First: miners.TripletMargin{Type: miners.All, Margin: 0.5}, Second: miners.HDC{Share: 0.5}}},
	})
	properties(t, map[string]losses.Contrastive{
		"angular":          {NegMargin: 1.2, Miner: miners.Angular{Angle: 20}},
		"multi-similarity": {NegMargin: 1.2, Miner: miners.MultiSimilarity{Epsilon: 0.1, Metric: pairs.Cosine{}}},
		"pair-margin":      {NegMargin: 1.2, Miner: miners.PairMargin{Pos: 0.2, Neg: 1.2}},
		"hdc":              {NegMargin: 1.2, Miner: miners.HDC{Share: 0.5}},
		"schedule":         {NegMargin: 1.2, Miner: &miners.Schedule{Miners: []miners.Miner{miners.Angular{Angle: 20}, miners.BatchHard{}}, Steps: []int{1 << 20}}},
	})
}

func ExampleTriplet_schedule() {
	l, err := losses.Parse("triplet(margin=0.5, miner=schedule(miners=[none, triplet-margin(type=semi-hard, margin=0.5), batch-hard], steps=[500, 2000]))", losses.Setting{Seed: 1})
	fmt.Println(err)
	fmt.Println(losses.Text(l))
	// Output:
	// <nil>
	// triplet(margin=0.5, miner=schedule(miners=[none, triplet-margin(type=semi-hard, margin=0.5), batch-hard], steps=[500, 2000])) <nil>
}

// proxied is a loss with parameters of its own and a miner.
type proxied struct {
	Miner miners.Miner

	params *graph.Params
}

func (l *proxied) Params() *graph.Params { return l.params }
func (l *proxied) Loss(b pairs.Batch) graph.Expr {
	w := l.params.Weight(b.X.Graph(), "scale", b.X.Dtype(), graph.Fill(2), 1, 1)
	return w.Sum().Mul(losses.Contrastive{NegMargin: 1, Miner: l.Miner}.Loss(b))
}

// The state of a miner stands beside the loss's own parameters, in whatever loss it is.
func TestMinerStatesHaveNames(t *testing.T) {
	m := miners.Default[*miners.UniformHistogram]()
	l := &proxied{Miner: m, params: graph.NewParams(1)}
	x, y := randomBatch(3, 16, 6, 4)
	value(t, l, x, y)
	p := losses.ParamsOf(l)
	require.Same(t, l.params, p)
	require.NotNil(t, p.Lookup("scale"))
	require.NotNil(t, p.Lookup("miner.draws"))
	require.True(t, p.Lookup("miner.draws").Buffer)
	require.Same(t, p, losses.ParamsOf(l), "asking again joins nothing twice")
}

// A window of triplets is counted the quick way, by an order of the miner's distances, whatever
// distances the loss has.
func TestPairsOfAWindowAreCountedBySorting(t *testing.T) {
	vm := planned(t, losses.MultiSimilarity{Alpha: 2, Beta: 50, Base: 0.5, Miner: miners.TripletMargin{Type: miners.SemiHard, Margin: 0.3, Metric: pairs.LP{}}}, 16, 6, 0)
	defer vm.Close()
	var counted []string
	for _, n := range vm.(interface{ Nodes() gorgonia.Nodes }).Nodes() {
		if n.Op() != nil && strings.HasPrefix(n.Op().String(), "spec.TripletsGrad{") {
			counted = append(counted, n.Op().String())
		}
	}
	require.NotEmpty(t, counted)
	for _, op := range counted {
		require.Contains(t, op, "Rule:{Apart:false Sides:{AP:0 AN:0 PN:0} ApartAmong:false Partners:false Weighted:false}")
	}
}

// Whatever a batch is, losses whose miner draws are finite, with a finite gradient.
func TestDrawingInCorners(t *testing.T) {
	batches := map[string]struct {
		x []float64
		y []int
	}{
		"one class":       {[]float64{0, 1, 2, 3, 4, 6, 7, 9}, []int{5, 5, 5, 5}},
		"all different":   {[]float64{0, 1, 2, 3, 4, 6, 7, 9}, []int{1, 2, 3, 4}},
		"equal points":    {[]float64{1, 1, 1, 1, 1, 1, 1, 1}, []int{1, 1, 2, 2}},
		"zeros":           {make([]float64, 8), []int{1, 1, 2, 2}},
		"opposite points": {[]float64{1, 0, 1, 0, -1, 0, -1, 0}, []int{1, 1, 2, 2}},
		"one row":         {[]float64{1, 2}, []int{1}},
		"one column":      {[]float64{1, -2, 3, 4}, []int{1, 1, 2, 2}},
	}
	for name := range drawing() {
		for corner, c := range batches {
			for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
				e, err := losses.NewEvaluator(drawing()[name], len(c.y), len(c.x)/len(c.y), dt)
				require.NoError(t, err)
				for range 5 {
					v, err := e.Value(c.x, c.y)
					require.NoError(t, err, "%s of %s", name, corner)
					for _, f := range append(v.Gradient, v.Loss) {
						require.False(t, math.IsNaN(f) || math.IsInf(f, 0), "%s of %s: %v", name, corner, v)
					}
				}
				require.NoError(t, e.Close())
			}
		}
	}
}

// An embedding that is no number stops a run, or makes the loss one that does.
func TestDrawingTellsOfNaN(t *testing.T) {
	for name := range drawing() {
		if name == "schedule" {
			continue // of which the first miner draws nothing
		}
		v, err := losses.Evaluate(drawing()[name], []float64{1, math.NaN(), 2, 3, 4, 6, 7, 9}, []int{1, 1, 2, 2}, tensor.Float32)
		require.True(t, err != nil || math.IsNaN(v.Loss), "%s: %v", name, v)
	}
}
