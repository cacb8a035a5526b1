package losses_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/losses/losstest"
)

func ExampleCenter() {
	l := losses.Default[*losses.Center]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["centers"]))
	// Output:
	// <nil> 8 4
}

func TestCenterProperties(t *testing.T) {
	properties(t, map[string]*losses.Center{
		"center": over(losses.Default[*losses.Center](), func(*losses.Center) {}),
		"mined":  over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Miner = semiHard(0.3) }),
	}, byClass...)
}

func TestCenterIsItsFormula(t *testing.T) {
	x, y := randomBatch(4, 9, 4, 3)
	l := over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Classes = 4 })
	agrees(t, l, x, y, 1, func(h plainHead) func() float64 {
		return func() float64 {
			return h.mean(func(i int) (sum float64) {
				for k, c := range h.w[y[i]] {
					sum += (h.x[i][k] - c) * (h.x[i][k] - c) / 2
				}
				return sum
			})
		}
	})
}

// By the paper's rule centers move after each step by α·Δ, whatever a solver does, and no gradient is
// theirs; those of classes that are not in the batch stay.
func TestCentersMoveToTheMean(t *testing.T) {
	const classes, e, rate = 5, 4, 0.3
	l := over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Classes, l.Update, l.Rate = classes, losses.ByMean, rate })
	eval, err := losses.NewEvaluator(l, 9, e, tensor.Float64)
	require.NoError(t, err)
	defer eval.Close()
	var centers [][]float64
	for step := range 6 {
		x, y := randomBatch(uint64(step), 9, e, 3)
		if step == 0 {
			centers = rowsOf(slices.Clone(l.Params().Lookup("centers").Value.Float64s()), e)
		}
		rows := rowsOf(x, e)
		want, gradient := 0.0, []float64{}
		delta := make([][]float64, classes)
		n := make([]float64, classes)
		for k := range delta {
			delta[k] = make([]float64, e)
		}
		for i, row := range rows {
			n[y[i]]++
			for k, v := range row {
				d := v - centers[y[i]][k]
				want += d * d / 2 / 9
				gradient = append(gradient, d/9)
				delta[y[i]][k] -= d
			}
		}
		got, err := eval.Value(x, y)
		require.NoError(t, err)
		require.InEpsilon(t, want, got.Loss, 1e-12, "step %d", step)
		require.InDeltaSlice(t, gradient, got.Gradient, 1e-12)
		require.Empty(t, got.Params, "nothing is learned by a gradient")
		for c := range centers {
			for k := range centers[c] {
				centers[c][k] -= rate * delta[c][k] / (1 + n[c])
			}
		}
		require.InDeltaSlice(t, slices.Concat(centers...), l.Params().Lookup("centers").Value.Float64s(), 1e-12, "step %d", step)
		require.Zero(t, n[4], "a class that is in no batch")
	}
}

func TestCentersByMeanProperties(t *testing.T) {
	fresh := func() losses.Loss {
		return over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Update = losses.ByMean })
	}
	losstest.Run(t, fresh(), append(byClass, losstest.Stateful("centers move to the mean", fresh))...)
	refuses(t, map[string]*losses.Center{
		"with update=mean there is none": over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Update, l.Regularizer = losses.ByMean, losses.Default[losses.LpNorm]() }),
		"rate: 2 is out of range":        over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Rate = 2 }),
		`update: "x" is not a choice`:    over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Update = "x" }),
	})
}
