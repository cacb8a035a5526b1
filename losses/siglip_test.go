package losses_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/losses/losstest"
	"medusa/miners"
	"medusa/pairs"
)

func ExampleSigLIP() {
	l := losses.Default[*losses.SigLIP]()
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Printf("%.3f %.3f %.3f %v\n", v.Loss, v.Params["logit_scale"], v.Params["logit_bias"], err)
	// Output:
	// 7.073 [-2.469] [-0.931] <nil>
}

func TestSigLIPProperties(t *testing.T) {
	properties(t, map[string]*losses.SigLIP{
		"default":    losses.Default[*losses.SigLIP](),
		"even":       {Scale: 2, LRScale: 1},
		"distance":   {Scale: 2, Bias: 1, LRScale: 1, Metric: pairs.LP{}},
		"sum":        {Scale: 2, Bias: -1, LRScale: 1, Reducer: pairs.Sum{}},
		"they stay":  {Scale: 2, Bias: -1},
		"batch-hard": {Scale: 2, Bias: -1, LRScale: 1, Miner: miners.BatchHard{}},
		"semi-hard":  {Scale: 2, Bias: -1, LRScale: 1, Miner: semiHard(0.3)},
	})
	properties(t, map[string]*losses.SigLIP{"class weights": {Scale: 2, Bias: -1, LRScale: 1, Reducer: classWeights}}, losstest.ByClass("it has weights of classes"))
}

// The paper's pseudo-code: −(1/B) Σ ln σ(z·(t·s + b)), z = 1 on the diagonal and −1 off it, of a
// batch and its second views.
func TestSigLIPOfTwoViews(t *testing.T) {
	const n, e = 5, 3
	x, y := randomBatch(1, n, e, n)
	ref, _ := randomBatch(2, n, e, n)
	l := &losses.SigLIP{Scale: 4, Bias: -1.5, LRScale: 1}
	eval, err := losses.NewReferenceEvaluator(l, n, n, e, tensor.Float64)
	require.NoError(t, err)
	defer eval.Close()
	v, err := eval.ValueBetween(losses.Rows{Embeddings: x, Labels: y}, losses.Rows{Embeddings: ref, Labels: y})
	require.NoError(t, err)
	cosine := func(i, j int) float64 {
		var xy, xx, yy float64
		for k := range e {
			a, b := x[i*e+k], ref[j*e+k]
			xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
		}
		return xy / math.Sqrt(xx*yy)
	}
	want, scale, bias := 0.0, 0.0, 0.0
	for i := range n {
		for j := range n {
			z := -1.0
			if i == j {
				z = 1
			}
			logit := 4*cosine(i, j) - 1.5
			want += math.Log1p(math.Exp(-z*logit)) / n
			slope := -z / (1 + math.Exp(z*logit)) / n
			bias += slope
			scale += slope * 4 * cosine(i, j)
		}
	}
	require.InDelta(t, want, v.Loss, 1e-12)
	require.InDelta(t, bias, v.Params["logit_bias"][0], 1e-12)
	require.InDelta(t, scale, v.Params["logit_scale"][0], 1e-12)
}

// Scale and bias learn at a rate of their own, and at 0 not at all.
func TestSigLIPRate(t *testing.T) {
	x, y := randomBatch(1, 6, 2, 3)
	for _, rate := range []float64{0, 1, 30} {
		l := &losses.SigLIP{Scale: 10, Bias: -10, LRScale: rate}
		_, err := losses.Evaluate(l, x, y, tensor.Float32)
		require.NoError(t, err)
		for _, p := range l.Params().All() {
			require.Equal(t, rate, p.Rate(), p.Name)
		}
		require.Len(t, l.Params().All(), 2)
	}
}

func TestSigLIPRefuses(t *testing.T) {
	refuses(t, map[string]*losses.SigLIP{
		"losses: siglip: scale: 0 is out of range":     {},
		"losses: siglip: bias: -Inf is out of range":   {Scale: 1, Bias: math.Inf(-1)},
		"losses: siglip: lr-scale: -1 is out of range": {Scale: 1, LRScale: -1},
		"nil *losses.SigLIP":                           nil,
	})
}
