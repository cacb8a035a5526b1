package miners_test

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/golden"
	"medusa/miners"
	"medusa/pairs"
)

// recorded is a record of what the reference's miner chose.
type recorded struct {
	*golden.Record
	left   map[string]any // parameters that were not read
	metric pairs.Metric   // the reference's own default where the record has none
}

func (r *recorded) number(name string, def float64) float64 {
	if v, ok := r.left[name].(float64); ok {
		delete(r.left, name)
		return v
	}
	return def
}

func (r *recorded) kind(name string, def miners.TripletType) miners.TripletType {
	v, ok := r.left[name].(string)
	if !ok {
		return def
	}
	delete(r.left, name)
	return map[string]miners.TripletType{"all": miners.All, "easy": miners.Easy, "semihard": miners.SemiHard, "hard": miners.Hard}[v]
}

func (r *recorded) numbers(name string) (out []float64) {
	list, _ := r.left[name].([]any)
	delete(r.left, name)
	for _, v := range list {
		out = append(out, v.(float64))
	}
	return out
}

// byName make our miner of a record, by the reference's name of it.
var byName = map[string]func(r *recorded) miners.Miner{
	"all_pairs":      func(*recorded) miners.Miner { return nil },
	"all_triplets":   func(*recorded) miners.Miner { return nil },
	"BatchHardMiner": func(r *recorded) miners.Miner { return miners.BatchHard{Metric: r.metric} },
	"TripletMarginMiner": func(r *recorded) miners.Miner {
		return miners.TripletMargin{Type: r.kind("type_of_triplets", miners.All), Margin: r.number("margin", 0.2), Metric: r.metric}
	},
	"BatchEasyHardMiner": func(r *recorded) miners.Miner {
		return miners.BatchEasyHard{Pos: r.kind("pos_strategy", miners.Easy), Neg: r.kind("neg_strategy", miners.SemiHard),
			PosRange: r.numbers("allowed_pos_range"), NegRange: r.numbers("allowed_neg_range"), Metric: r.metric}
	},
	"MultiSimilarityMiner": func(r *recorded) miners.Miner {
		return miners.MultiSimilarity{Epsilon: r.number("epsilon", 0.1), Metric: r.metric}
	},
	"PairMarginMiner": func(r *recorded) miners.Miner {
		return miners.PairMargin{Pos: r.number("pos_margin", 0.2), Neg: r.number("neg_margin", 0.8), Metric: r.metric}
	},
	// The reference's asks for normalised embeddings and then does not normalise them.
	"AngularMiner": func(r *recorded) miners.Miner { return miners.Angular{Angle: r.number("angle", 20), Raw: true} },
	"HDCMiner": func(r *recorded) miners.Miner {
		return miners.HDC{Share: r.number("filter_percentage", 0.5), Metric: r.metric}
	},
	"EmbeddingsAlreadyPackagedAsTriplets": func(*recorded) miners.Miner { return miners.Packaged{} },
	"UniformHistogramMiner": func(r *recorded) miners.Miner {
		return &miners.UniformHistogram{Bins: int(r.number("num_bins", 100)), Pos: 7, Neg: 5, Metric: r.metric}
	},
}

func TestGolden(t *testing.T) {
	f := golden.Open(t, "miners.json")
	f.Each(t, nil, func(t *testing.T, r *golden.Record) bool {
		var name string
		_, err := r.Field("miner", &name)
		require.NoError(t, err)
		if name == "DistanceWeightedMiner" {
			return true // see TestGoldenWeights
		}
		return byName[name] != nil && check(t, r, name)
	})
}

func check(t *testing.T, r *golden.Record, name string) bool {
	require.NoError(t, r.Only("case", "miner", "params", "distance", "tuples", "reference", "ref_emb", "ref_labels", "note",
		"pos", "neg", "pos_threshold_value", "neg_threshold_value", "pos_tie_at_boundary", "neg_tie_at_boundary"))
	rec := &recorded{Record: r, left: maps.Clone(r.Params), metric: metricOf(t, r, name)}
	delete(rec.left, "distance")
	m := byName[name](rec)
	require.Empty(t, rec.left, "parameters that were not read")
	batch, ref := rowsOf(t, r)
	if name == "UniformHistogramMiner" {
		checkLevels(t, r, m, batch)
		return true
	}
	var want struct {
		Triplets *tupleList
		Pos      *tupleList `json:"pos_pairs"`
		Neg      *tupleList `json:"neg_pairs"`
	}
	_, err := r.Field("tuples", &want)
	require.NoError(t, err)
	columns := len(batch.Labels)
	if len(ref.Labels) > 0 {
		columns = len(ref.Labels)
	}
	pos, neg, err := miners.Pairs(m, rec.metric, batch, ref)
	require.NoError(t, err)
	if want.Triplets == nil {
		want.Pos.check(t, pairTuples(pos), columns, boundary(t, r, "pos", rec.metric, batch))
		want.Neg.check(t, pairTuples(neg), columns, boundary(t, r, "neg", rec.metric, batch))
		return true
	}
	triplets, err := miners.Triplets(m, rec.metric, batch, ref)
	require.NoError(t, err)
	var got [][]int
	for _, tr := range triplets {
		got = append(got, tr[:])
	}
	want.Triplets.check(t, got, columns, nil)
	if name == "all_triplets" {
		return true
	}
	// The pairs that a loss over pairs sees, which kernels count, are those of the triplets.
	var wantPos, wantNeg [][2]int
	for _, tr := range triplets {
		wantPos, wantNeg = append(wantPos, [2]int{tr[0], tr[1]}), append(wantNeg, [2]int{tr[0], tr[2]})
	}
	byRows := func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) }
	slices.SortFunc(wantPos, byRows)
	slices.SortFunc(wantNeg, byRows)
	require.Equal(t, wantPos, pos)
	require.Equal(t, wantNeg, neg)
	return true
}

// metricOf is the record's distance, or the default of the reference's miner.
func metricOf(t *testing.T, r *golden.Record, name string) pairs.Metric {
	if r.Distance == nil {
		if name == "MultiSimilarityMiner" {
			return pairs.Cosine{}
		}
		return pairs.LP{}
	}
	switch d := r.Distance; {
	case d.Type == "LpDistance" && d.Normalize && !d.Inverted:
		return pairs.LP{P: d.P, Power: d.Power}
	case d.Type == "CosineSimilarity" && d.Normalize && d.Inverted:
		return pairs.Cosine{Power: d.Power}
	}
	require.Fail(t, "no metric", "%+v", *r.Distance)
	return nil
}

func rowsOf(t *testing.T, r *golden.Record) (batch, ref miners.Rows) {
	batch = miners.Rows{Embeddings: r.Input.Embeddings.Data, Labels: r.Input.Labels}
	var e golden.Matrix
	if is, err := r.Field("ref_emb", &e); is {
		require.NoError(t, err)
		ref.Embeddings = e.Data
		_, err = r.Field("ref_labels", &ref.Labels)
		require.NoError(t, err)
	}
	return batch, ref
}

// tupleList are tuples as a record has them: all of them, or their number with two sums.
type tupleList struct {
	Names []string
	N     int
	Code  int `json:"sum_code"`
	CodeM int `json:"sum_code_sq_mod"`
	List  [][]int
}

// check compares tuples, in the order of their rows, with those of the record. Where the last of a
// share is as far as others, ours has all of these; tied tells which they are.
func (l *tupleList) check(t *testing.T, got [][]int, columns int, tied func(tuple []int) bool) {
	t.Helper()
	if tied != nil {
		require.Len(t, l.List, l.N, "all tuples are listed")
		for _, tuple := range l.List {
			require.True(t, slices.ContainsFunc(got, func(g []int) bool { return slices.Equal(g, tuple) }), tuple)
		}
		for _, tuple := range got {
			listed := slices.ContainsFunc(l.List, func(g []int) bool { return slices.Equal(g, tuple) })
			require.True(t, listed || tied(tuple), tuple)
		}
		return
	}
	if l.List != nil {
		want := l.List
		if len(want) == 0 {
			want = nil
		}
		require.Equal(t, want, got)
	}
	sum, squares := 0, 0
	for _, tuple := range got {
		code := 0
		for _, i := range tuple {
			code = code*columns + i
		}
		sum += code
		squares = (squares + code%1000000007*(code%1000000007)) % 1000000007
	}
	require.Equal(t, []int{l.N, l.Code, l.CodeM}, []int{len(got), sum, squares})
}

func pairTuples(of [][2]int) (out [][]int) {
	for _, p := range of {
		out = append(out, p[:])
	}
	return out
}

// boundary tells which pairs are as far as the last of a share, where several are.
func boundary(t *testing.T, r *golden.Record, side string, metric pairs.Metric, batch miners.Rows) func(tuple []int) bool {
	var tie bool
	_, err := r.Field(side+"_tie_at_boundary", &tie)
	require.NoError(t, err)
	if !tie {
		return nil
	}
	var at golden.Number
	_, err = r.Field(side+"_threshold_value", &at)
	require.NoError(t, err)
	require.Equal(t, pairs.LP{P: 2, Power: 1}, metric)
	e := len(batch.Embeddings) / len(batch.Labels)
	unit := func(i int) []float64 {
		row := slices.Clone(batch.Embeddings[i*e : (i+1)*e])
		n := 0.0
		for _, v := range row {
			n += v * v
		}
		for k := range row {
			row[k] /= math.Sqrt(n)
		}
		return row
	}
	return func(tuple []int) bool {
		x, y := unit(tuple[0]), unit(tuple[1])
		d := 0.0
		for k := range x {
			d += (x[k] - y[k]) * (x[k] - y[k])
		}
		return math.Abs(math.Sqrt(d)-float64(at)) < 1e-12
	}
}

// checkLevels checks that every bin of the record that holds a pair is drawn from as often as asked
// for, and no other.
func checkLevels(t *testing.T, r *golden.Record, m miners.Miner, batch miners.Rows) {
	pos, neg, err := miners.Pairs(m, pairs.LP{}, batch, miners.Rows{})
	require.NoError(t, err)
	all, others, err := miners.Pairs(nil, pairs.LP{}, batch, miners.Rows{})
	require.NoError(t, err)
	for _, side := range []struct {
		name       string
		drawn, all [][2]int
		each       int
	}{{"pos", pos, all, 7}, {"neg", neg, others, 5}} {
		var bins struct {
			Edges  []float64
			Counts []int
		}
		is, err := r.Field(side.name, &bins)
		require.NoError(t, err)
		if !is {
			require.Empty(t, side.all)
			require.Empty(t, side.drawn)
			continue
		}
		count := func(of [][2]int) []int {
			out := make([]int, len(bins.Counts))
			for _, p := range of {
				out[binOf(distance(batch, p), bins.Edges)]++
			}
			return out
		}
		require.Equal(t, bins.Counts, count(side.all))
		want := make([]int, len(bins.Counts))
		for i, n := range bins.Counts {
			if n > 0 {
				want[i] = side.each
			}
		}
		require.Equal(t, want, count(side.drawn))
	}
}

// distance is that of two rows of length 1.
func distance(batch miners.Rows, p [2]int) float64 {
	e := len(batch.Embeddings) / len(batch.Labels)
	x, y := batch.Embeddings[p[0]*e:(p[0]+1)*e], batch.Embeddings[p[1]*e:(p[1]+1)*e]
	var xx, yy, xy float64
	for k := range x {
		xx, yy, xy = xx+x[k]*x[k], yy+y[k]*y[k], xy+x[k]*y[k]
	}
	return math.Sqrt(max(0, 2-2*xy/math.Sqrt(xx*yy)))
}

// binOf is the bin of a number that may be off by rounding at the outer edges.
func binOf(v float64, edges []float64) int {
	for i := len(edges) - 2; i > 0; i-- {
		if v >= edges[i]-1e-12 {
			return i
		}
	}
	return 0
}
