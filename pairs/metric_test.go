package pairs_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
	"medusa/pairs"
)

// lpNorm is (Σ|x|^p)^(1/p).
func lpNorm(x []float64, p float64) (n float64) {
	for _, v := range x {
		if math.IsInf(p, 1) {
			n = max(n, math.Abs(v))
		} else {
			n += math.Pow(math.Abs(v), p)
		}
	}
	if math.IsInf(p, 1) {
		return n
	}
	return math.Pow(n, 1/p)
}

func minus(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for k := range a {
		d[k] = a[k] - b[k]
	}
	return d
}

func dot(a, b []float64) (s float64) {
	for k := range a {
		s += a[k] * b[k]
	}
	return s
}

func variance(a []float64) (s float64) {
	mean := 0.0
	for _, v := range a {
		mean += v / float64(len(a))
	}
	for _, v := range a {
		s += (v - mean) * (v - mean)
	}
	return s / float64(len(a)-1)
}

// Each metric by its formula: what rows are divided by, and what two rows then give.
var formulas = []struct {
	metric pairs.Metric
	norm   float64 // 0: none
	of     func(a, b []float64) float64
}{
	{pairs.LP{}, 2, func(a, b []float64) float64 { return lpNorm(minus(a, b), 2) }},
	{pairs.LP{Raw: true}, 0, func(a, b []float64) float64 { return lpNorm(minus(a, b), 2) }},
	{pairs.LP{Power: 2}, 2, func(a, b []float64) float64 { return math.Pow(lpNorm(minus(a, b), 2), 2) }},
	{pairs.LP{P: 1}, 1, func(a, b []float64) float64 { return lpNorm(minus(a, b), 1) }},
	{pairs.LP{P: 3}, 3, func(a, b []float64) float64 { return lpNorm(minus(a, b), 3) }},
	{pairs.LP{P: 3, Power: 2, Raw: true}, 0, func(a, b []float64) float64 { return math.Pow(lpNorm(minus(a, b), 3), 2) }},
	{pairs.LP{P: 1, Power: 1.5}, 1, func(a, b []float64) float64 { return math.Pow(lpNorm(minus(a, b), 1), 1.5) }},
	{pairs.LP{P: math.Inf(1), Raw: true}, 0, func(a, b []float64) float64 { return lpNorm(minus(a, b), math.Inf(1)) }},
	{pairs.Cosine{}, 2, dot},
	{pairs.Cosine{Power: 2}, 2, func(a, b []float64) float64 { return dot(a, b) * dot(a, b) }},
	{pairs.Cosine{Power: 3}, 2, func(a, b []float64) float64 { return math.Pow(dot(a, b), 3) }},
	{pairs.Dot{Raw: true}, 0, dot},
	{pairs.Dot{P: 1}, 1, dot},
	{pairs.SNR{}, 2, func(a, b []float64) float64 { return variance(minus(a, b)) / variance(a) }},
	{pairs.SNR{Power: 2, Raw: true}, 0, func(a, b []float64) float64 { return math.Pow(variance(minus(a, b))/variance(a), 2) }},
}

func TestMetrics(t *testing.T) {
	for _, f := range formulas {
		t.Run(fmt.Sprintf("%T%+v", f.metric, f.metric), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 1))
			between := func(in []graph.Expr) graph.Expr { return f.metric.Between(in[0], in[1]) }
			self := func(in []graph.Expr) graph.Expr { return f.metric.Between(in[0], in[0]) }
			for _, s := range [][3]int{{1, 1, 3}, {4, 6, 5}} {
				n, m, e := s[0], s[1], s[2]
				x, y := graphtest.Random(rng, n, e), graphtest.Random(rng, m, e)
				row := func(in graphtest.Input, i int) []float64 {
					r := append([]float64(nil), in.Values[i*e:(i+1)*e]...)
					if f.norm != 0 {
						norm := lpNorm(r, f.norm)
						for k := range r {
							r[k] /= norm
						}
					}
					return r
				}
				var want, wantSelf []float64
				for i := range n {
					for j := range m {
						want = append(want, f.of(row(x, i), row(y, j)))
					}
					for j := range n {
						wantSelf = append(wantSelf, f.of(row(x, i), row(x, j)))
					}
				}
				graphtest.Values(t, want, between, x, y)
				graphtest.Values(t, wantSelf, self, x)
				graphtest.Gradient(t, between, x, y)
			}
		})
	}
}

// Equal rows, and rows of zeros, give finite numbers and gradients, in both types.
func TestMetricsAreFinite(t *testing.T) {
	row := []float64{0.1, -0.7, 1e-3}
	x := graphtest.Of(append(append(append([]float64{}, row...), row...), 0, 0, 0), 3, 3)
	for _, f := range formulas {
		for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
			d, grads, err := graphtest.Eval(dt, func(in []graph.Expr) graph.Expr { return f.metric.Between(in[0], in[0]) }, x)
			require.NoError(t, err)
			for _, v := range append(d, grads[0]...) {
				require.False(t, math.IsNaN(v) || math.IsInf(v, 0), "%T%+v: %v %v", f.metric, f.metric, d, grads[0])
			}
		}
	}
}

func TestMetricsRefuse(t *testing.T) {
	g := gorgonia.NewGraph()
	x := graph.Of(gorgonia.NewMatrix(g, tensor.Float64, gorgonia.WithShape(2, 3), gorgonia.WithName("x")))
	for want, m := range map[string]pairs.Metric{
		"pairs: lp: p is 0.5, want at least 1":   pairs.LP{P: 0.5},
		"pairs: lp: the power is -1, want above": pairs.LP{Power: -1},
		"pairs: dot: p is NaN":                   pairs.Dot{P: math.NaN()},
		"pairs: snr: the power is +Inf":          pairs.SNR{Power: math.Inf(1)},
	} {
		require.ErrorContains(t, m.Between(x, x).Err(), want)
	}
	for _, text := range pairs.MetricNames() {
		m, err := pairs.ParseMetric(text)
		require.NoError(t, err)
		require.NoError(t, m.Between(x, x).Err(), text)
	}
	_, err := pairs.ParseMetric("lp(p=0.5)")
	require.ErrorContains(t, err, "want at least 1")
}

func ExampleLP() {
	x := graphtest.Of([]float64{3, 4, 0, 2}, 2, 2)
	for _, m := range []pairs.Metric{pairs.LP{Raw: true}, pairs.LP{Power: 2, Raw: true}, pairs.Cosine{}} {
		d, _, err := graphtest.Eval(tensor.Float64, func(in []graph.Expr) graph.Expr { return m.Between(in[0], in[0]) }, x)
		fmt.Printf("%.3f %v\n", d, err)
	}
	// Output:
	// [0.000 3.606 3.606 0.000] <nil>
	// [0.000 13.000 13.000 0.000] <nil>
	// [1.000 0.800 0.800 1.000] <nil>
}
