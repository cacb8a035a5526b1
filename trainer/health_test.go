package trainer

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWatch(t *testing.T) {
	const classes = 100
	lively := func(s int) StepInfo {
		return StepInfo{Step: s, Loss: 1 / math.Sqrt(float64(s)), MeanPositive: 0.2, MeanNegative: 0.9, EmbeddingNorm: 1, HasActive: true, ActiveShare: 0.5}
	}
	for name, c := range map[string]struct {
		at    func(s int) StepInfo
		steps int
		kinds []string
		says  string
	}{
		"a healthy run": {lively, 400, nil, ""},
		"collapse": {func(s int) StepInfo {
			i := lively(s)
			i.MeanPositive, i.MeanNegative, i.Loss = 1e-6, 2e-6, 0.2
			return i
		}, 100, []string{"collapse"}, "nearly one point"},
		"collapse of raw embeddings, at any scale": {func(s int) StepInfo {
			i := lively(s)
			i.MeanPositive, i.MeanNegative, i.EmbeddingNorm = 1e-3, 1e-3, 20
			return i
		}, 10, []string{"collapse"}, "nearly one point"},
		"all embeddings 0": {func(s int) StepInfo {
			i := lively(s)
			i.MeanPositive, i.MeanNegative, i.EmbeddingNorm = 0, 0, 0
			return i
		}, 10, []string{"collapse"}, "nearly one point"},
		"close, and classes not told apart": {func(s int) StepInfo {
			i := lively(s)
			i.MeanPositive, i.MeanNegative, i.Loss = 0.05, 0.0501, 0.2+0.01*math.Sin(float64(s))
			return i
		}, 100, []string{"collapse"}, "nearly one point"},
		"close, but classes told apart": {func(s int) StepInfo {
			i := lively(s)
			i.MeanPositive, i.MeanNegative = 0.04, 0.09
			return i
		}, 100, nil, ""},
		"a short dip is none": {func(s int) StepInfo {
			i := lively(s)
			if s%nearSteps != 0 {
				i.MeanPositive, i.MeanNegative = 0, 0
			}
			return i
		}, 100, nil, ""},
		"guessing": {func(s int) StepInfo {
			i := lively(s)
			i.Loss = math.Log(classes) + 0.01*math.Sin(float64(s))
			return i
		}, 200, []string{"stuck"}, "ln 100: no better than guessing"},
		"stuck elsewhere": {func(s int) StepInfo {
			i := lively(s)
			i.Loss = 0.3
			return i
		}, 200, []string{"stuck"}, "hardly moves"},
		"nothing active": {func(s int) StepInfo {
			i := lively(s)
			i.ActiveShare = 0
			return i
		}, 200, []string{"idle"}, "no pair or triplet"},
		"a loss that does not tell what is active": {func(s int) StepInfo {
			i := lively(s)
			i.HasActive, i.ActiveShare = false, 0
			return i
		}, 200, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var w health
			var kinds []string
			var last Warning
			for s := 1; s <= c.steps; s++ {
				for _, warning := range w.examine(c.at(s), classes, "pictures") {
					kinds = append(kinds, warning.Kind)
					last = warning
				}
			}
			require.Equal(t, c.kinds, kinds)
			require.Contains(t, last.Message, c.says)
			if len(kinds) > 0 {
				require.NotEmpty(t, last.Advice)
			}
		})
	}
}

func TestMeasure(t *testing.T) {
	x := []float32{3, 4, 0, 0, 3, 0} // lengths 5, 0, 3; distances 5, 4, 3
	s := spreadOf(x, 2, []int{1, 1, 2})
	require.InDelta(t, 8.0/3, s.norm, 1e-12)
	require.InDelta(t, 5, s.positive, 1e-12)
	require.InDelta(t, 3.5, s.negative, 1e-12)
	require.Equal(t, spread{norm: 8.0 / 3}.norm, s.norm)
	alone := spreadOf(x, 2, []int{1, 2, 3})
	require.Zero(t, alone.positive, "no pairs")
}
