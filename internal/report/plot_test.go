package report

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTicks(t *testing.T) {
	texts := func(a axis, n int) (s []string) {
		for _, k := range a.ticks(n) {
			s = append(s, k.Text)
		}
		return s
	}
	for _, row := range []struct {
		name   string
		values []float64
		log    bool
		n      int
		want   []string
	}{
		{"unit", []float64{0, 1}, false, 5, []string{"0", "0.2", "0.4", "0.6", "0.8", "1"}},
		{"steps", []float64{1, 600}, false, 5, []string{"200", "400", "600"}},
		{"negative", []float64{-2, 2}, false, 4, []string{"−2", "−1", "0", "1", "2"}},
		{"large", []float64{0, 2e6}, false, 4, []string{"0", "500k", "1M", "1.5M", "2M"}},
		{"small", []float64{0, 3e-5}, false, 3, []string{"0", "1e−5", "2e−5", "3e−5"}},
		{"powers", []float64{1e-4, 0.1}, true, 5, []string{"1e−4", "0.001", "0.01", "0.1"}},
		{"less than a power", []float64{2, 6}, true, 4, []string{"2", "3", "4", "5", "6"}},
		{"one value", []float64{5, 5}, false, 2, []string{"4.5", "5", "5.5"}},
		{"nothing", []float64{math.NaN(), math.Inf(1)}, false, 2, []string{"0", "0.5", "1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			assert.Equal(t, row.want, texts(newAxis(row.values, 0, 100, row.log), row.n))
		})
	}
}

func TestTrace(t *testing.T) {
	nan := math.NaN()
	x, y := axis{0, 10, 0, 100, false}, axis{0, 1, 100, 0, false}
	for _, row := range []struct {
		values []float64
		want   string
	}{
		{[]float64{0, 1, .5}, "M0 100L10 0L20 50"},
		{[]float64{0, nan, .5, .25}, "M0 100h0M20 50L30 75"},
		{[]float64{nan, math.Inf(1), 1}, "M20 0h0"},
		{[]float64{nan}, ""},
	} {
		steps := []int{0, 1, 2, 3}[:len(row.values)]
		assert.Equal(t, row.want, trace(Series{Steps: steps, Values: row.values}, x, y))
	}
}

func TestThinnedKeepsEverySpike(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	steps, values := indices(10_000), make([]float64, 10_000)
	for i := range values {
		values[i] = r.Float64()
	}
	values[1234], values[4321], values[7777] = 50, -50, math.NaN()
	s, v := thinned(steps, values, 400)
	require.Len(t, v, len(s))
	assert.LessOrEqual(t, len(s), 400)
	assert.Greater(t, len(s), 350)
	assert.Contains(t, v, 50.0)
	assert.Contains(t, v, -50.0)
	for k, step := range s {
		assert.Equal(t, values[step], v[k])
		if k > 0 {
			assert.Greater(t, step, s[k-1])
		}
	}
}

func TestSeparationByHand(t *testing.T) {
	edges := []float64{0, 1, 2}
	for _, row := range []struct {
		positive, negative []float64
		want               float64
	}{
		{[]float64{5, 0}, []float64{0, 9}, 1}, {[]float64{0, 5}, []float64{9, 0}, 0}, {[]float64{3, 3}, []float64{1, 1}, .5},
		{[]float64{3, 1}, []float64{1, 1}, .5*.375 + .5*.875},
	} {
		assert.InDelta(t, row.want, Distances{Edges: edges, Positive: row.positive, Negative: row.negative}.separation(), 1e-15)
	}
	assert.True(t, math.IsNaN(Distances{Edges: edges, Positive: []float64{0, 0}, Negative: []float64{1, 1}}.separation()))
}

func TestPicturesOfNoClassAreNoPair(t *testing.T) {
	x := []float32{0, 1, 5, 9}
	with, ok := measureDistances("", x, 1, []int{0, 0, -1, -1})
	require.True(t, ok)
	require.Equal(t, 1., sum(with.Positive), "the pair of class 0 alone")
	require.InDelta(t, 1./4, with.Negative[binOf(with, 4)], 1e-12, "four pairs: 1 to 5 is one of them")
}

func binOf(h Distances, d float64) int {
	for b := range h.Positive {
		if h.Edges[b] <= d && d < h.Edges[b+1] {
			return b
		}
	}
	return len(h.Positive) - 1
}

func TestMeasureDistancesByHand(t *testing.T) {
	// Points 0, 3, 4 on a line, the last of another class, and one NaN.
	h, ok := measureDistances("x", []float32{0, 0, 3, 0, 4, 0, float32(math.NaN()), 0}, 2, []int{0, 0, 1, 1})
	require.True(t, ok)
	require.Len(t, h.Edges, histogramBins+1)
	assert.InDelta(t, 4, h.Edges[histogramBins], 0)
	bin := func(d float64) int { return min(int(d/4*histogramBins), histogramBins-1) }
	assert.InDelta(t, 1, h.Positive[bin(3)], 1e-15)
	assert.InDelta(t, .5, h.Negative[bin(1)], 1e-15)
	assert.InDelta(t, .5, h.Negative[bin(4)], 1e-15)
	assert.InDelta(t, 2, sum(h.Positive)+sum(h.Negative), 1e-12)
	_, ok = measureDistances("x", []float32{1, 1}, 1, []int{0, 1})
	assert.False(t, ok, "all distances zero")
}
