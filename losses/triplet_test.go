package losses_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func init() {
	skip("losses_by_reducer.json", "the library raises an error: it has no such reduction of triplets",
		map[string]any{"loss": "TripletMarginLoss", "reducer": "PerAnchorReducer"})
	mappers["TripletMarginLoss"] = func(r *goldenRecord) losses.Loss {
		return losses.Triplet{Margin: r.number("margin", 0.05), Swap: r.flag("swap"), Soft: r.flag("smooth_loss"), Metric: r.metric(), Reducer: r.reducer()}
	}
}

func ExampleTriplet() {
	show(losses.Default[losses.Triplet]()) // batch-hard
	show(losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}})
	show(losses.Triplet{Margin: 0.2}) // all triplets
	// Output:
	// 0.722
	// 0.722
	// 0.548
}

func semiHard(margin float64) miners.TripletMargin {
	return miners.TripletMargin{Type: miners.SemiHard, Margin: margin}
}

func TestTripletProperties(t *testing.T) {
	hard, raw := miners.BatchHard{}, pairs.LP{Raw: true}
	properties(t, map[string]losses.Triplet{
		"batch-hard":     losses.Default[losses.Triplet](),
		"FaceNet":        {Margin: 0.2, Miner: semiHard(0.2), Metric: pairs.LP{Power: 2}},
		"all":            {Margin: 0.2},
		"hard":           {Margin: 0.2, Miner: miners.TripletMargin{Type: miners.Hard}},
		"easy":           {Margin: 0.5, Miner: miners.TripletMargin{Type: miners.Easy, Margin: 0.1}},
		"semi-hard":      {Margin: 0.4, Miner: semiHard(0.4)},
		"soft":           {Miner: hard, Soft: true},
		"all soft":       {Soft: true, Margin: 0.1},
		"swap":           {Margin: 0.2, Miner: hard, Swap: true, Metric: raw},
		"all swap":       {Swap: true, Margin: 0.5},
		"semi swap soft": {Miner: semiHard(0.5), Swap: true, Soft: true, Margin: 0.5},
		"cosine":         {Margin: 0.2, Miner: hard, Metric: pairs.Cosine{}},
		"other metric":   {Margin: 0.2, Miner: miners.BatchHard{Metric: pairs.LP{P: 3}}, Metric: raw},
		"all mean":       {Margin: 0.2, Reducer: pairs.Mean{}},
		"all sum":        {Margin: 0.2, Reducer: pairs.Sum{}},
		"all per anchor": {Margin: 0.2, Reducer: pairs.PerAnchor{}},
		"all bounded":    {Margin: 0.2, Reducer: pairs.Threshold{Low: 0.05, High: 0.3}},
	})
	properties(t, map[string]losses.Triplet{"class weights": {Margin: 0.2, Reducer: classWeights}}, losstest.ByClass("it has weights of classes"))
}

// Points 0 and 1 of one class and 3 of another have two triplets, with D_ap − D_an of
// 1 − 3 and 1 − 2.
func TestTripletByHand(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := pairs.LP{Raw: true}
	for name, c := range map[string]struct {
		loss losses.Triplet
		want float64
	}{
		"batch-hard":           {losses.Triplet{Margin: 2.5, Miner: miners.BatchHard{}}, (0.5 + 1.5) / 2},
		"non-zero":             {losses.Triplet{Margin: 1.5, Miner: miners.BatchHard{}}, 0.5},
		"mean":                 {losses.Triplet{Margin: 1.5, Reducer: pairs.Mean{}}, 0.25},
		"sum":                  {losses.Triplet{Margin: 2.5, Reducer: pairs.Sum{}}, 2},
		"per anchor":           {losses.Triplet{Margin: 2.5, Reducer: pairs.PerAnchor{}}, 2. / 3},
		"per anchor, non-zero": {losses.Triplet{Margin: 2.5, Reducer: pairs.PerAnchor{Of: pairs.NonZero{}}}, 1},
		"semi-hard":            {losses.Triplet{Margin: 2.5, Miner: semiHard(1.2)}, 1.5},
		"easy":                 {losses.Triplet{Margin: 2.5, Miner: miners.TripletMargin{Type: miners.Easy, Margin: 1.2}}, 0.5},
		"hard":                 {losses.Triplet{Margin: 2.5, Miner: miners.TripletMargin{Type: miners.Hard, Margin: 1.2}}, 0},
		"hard and semi-hard":   {losses.Triplet{Margin: 2.5, Miner: miners.TripletMargin{Type: miners.All, Margin: 1.2}}, 1.5},
		"soft":                 {losses.Triplet{Soft: true}, (math.Log1p(math.Exp(-2)) + math.Log1p(math.Exp(-1))) / 2},
		"swap":                 {losses.Triplet{Margin: 2.5, Swap: true}, (1.5 + 1.5) / 2},
		"squared":              {losses.Triplet{Margin: 9, Miner: miners.BatchHard{}, Metric: pairs.LP{Power: 2, Raw: true}}, (1. + 6) / 2},
		"bounded from below":   {losses.Triplet{Margin: 2.5, Reducer: pairs.Threshold{Low: 1}}, 1.5},
		"bounded from above":   {losses.Triplet{Margin: 2.5, Reducer: pairs.Threshold{High: 1}}, 0.5},
		"weights of classes":   {losses.Triplet{Margin: 2.5, Reducer: pairs.ClassWeighted{Weights: []float64{3, 1}}}, 3},
		"margin of zero":       {losses.Triplet{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if c.loss.Metric == nil {
				c.loss.Metric = raw
			}
			require.InDelta(t, c.want, value(t, c.loss, x, y), 1e-12)
		})
	}
}

// Hard, semi-hard and easy triplets are all triplets, each once.
func TestMinersPartAllTriplets(t *testing.T) {
	for seed := range uint64(4) {
		x, y := randomBatch(seed, 20, 3, 4)
		sum := func(m miners.Miner) float64 {
			return value(t, losses.Triplet{Margin: 0.3, Miner: m, Soft: true, Reducer: pairs.Sum{}}, x, y)
		}
		of := func(k miners.TripletType) miners.Miner { return miners.TripletMargin{Type: k, Margin: 0.3} }
		require.InDelta(t, sum(nil), sum(of(miners.Hard))+sum(of(miners.SemiHard))+sum(of(miners.Easy)), 1e-9)
		require.InDelta(t, sum(of(miners.All)), sum(of(miners.Hard))+sum(of(miners.SemiHard)), 1e-9)
	}
}

// Batch-hard is a maximum and a minimum a row.
func TestBatchHardByRows(t *testing.T) {
	x, y := randomBatch(7, 24, 5, 6)
	want := losses.Func(func(b pairs.Batch) graph.Expr {
		d := graph.Distances(graph.Normalize(b.X))
		pos, neg := graph.PairMasks(b.Labels)
		terms := graph.RowMax(pos, d, 0).Sub(graph.RowMin(neg, d, 0)).Plus(0.2).Relu()
		return graph.MeanOver(terms.Detach().Above(0), terms)
	})
	a, err := losses.Evaluate(losses.Default[losses.Triplet](), x, y, tensor.Float64)
	require.NoError(t, err)
	b, err := losses.Evaluate(want, x, y, tensor.Float64)
	require.NoError(t, err)
	require.InDelta(t, b.Loss, a.Loss, 1e-14)
	require.InDeltaSlice(t, b.Gradient, a.Gradient, 1e-14)
}

// The two distances of an anchor's one triplet, read without a matrix, and the kernel over all
// triplets say the same.
func TestSingleTripletsAreTriplets(t *testing.T) {
	x, y := randomBatch(8, 24, 5, 6)
	for _, soft := range []bool{false, true} {
		single := losses.Triplet{Margin: 0.3, Soft: soft, Miner: miners.BatchHard{}}
		many := single
		many.Miner = unmarked{miners.BatchHard{}}
		a, err := losses.Evaluate(single, x, y, tensor.Float64)
		require.NoError(t, err)
		b, err := losses.Evaluate(many, x, y, tensor.Float64)
		require.NoError(t, err)
		require.InDelta(t, b.Loss, a.Loss, 1e-14)
		require.InDeltaSlice(t, b.Gradient, a.Gradient, 1e-14)
		require.InDelta(t, activeShare(t, many, x, y), activeShare(t, single, x, y), 1e-14)
	}
}

// unmarked hides that a miner chooses single triplets.
type unmarked struct{ miners.Miner }

func (m unmarked) Mine(b pairs.Batch) pairs.Selection {
	s := m.Miner.Mine(b)
	s.Single = false
	return s
}

func TestTripletRefuses(t *testing.T) {
	refuses(t, map[string]losses.Triplet{
		"losses: triplet: margin: -1 is out of range, want 0 to 1000": {Margin: -1},
		"margin: NaN is out of range":                                 {Margin: math.NaN(), Soft: true},
		"margin: +Inf is out of range":                                {Margin: math.Inf(1)},
		"between 2 and 1, want low < high":                            {Reducer: pairs.Threshold{Low: 2, High: 1}},
		"between NaN and":                                             {Reducer: pairs.Threshold{Low: math.NaN()}},
		"the weight of class 1 is -1":                                 {Reducer: pairs.ClassWeighted{Weights: []float64{1, -1, 1}}},
		`triplet-margin: unknown type "hardest"`:                      {Miner: miners.TripletMargin{Type: "hardest"}},
		"the margin is -0.1":                                          {Miner: semiHard(-0.1)},
	})
}

func TestTripletActiveShare(t *testing.T) {
	x, y := []float64{0, 1, 3}, []int{0, 0, 1}
	raw := pairs.LP{Raw: true}
	for name, c := range map[string]struct {
		loss losses.Triplet
		want float64
	}{
		"one of two": {losses.Triplet{Margin: 1.5, Metric: raw}, 0.5},
		"soft":       {losses.Triplet{Margin: 1.5, Metric: raw, Soft: true}, 0.5},
		"mined":      {losses.Triplet{Margin: 1.5, Metric: raw, Miner: miners.BatchHard{}}, 0.5},
		"none":       {losses.Triplet{Margin: 0.5, Metric: raw}, 0},
		"no triplet": {losses.Triplet{Margin: 0.5, Miner: miners.TripletMargin{Type: miners.Hard}, Metric: raw}, 0},
	} {
		require.InDelta(t, c.want, activeShare(t, c.loss, x, y), 1e-12, name)
	}
}
