package losses_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
)

func ExampleMagFace() {
	l := losses.Default[*losses.MagFace]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func TestMagFaceProperties(t *testing.T) {
	with := func(set func(l *losses.MagFace)) *losses.MagFace { return over(losses.Default[*losses.MagFace](), set) }
	properties(t, map[string]*losses.MagFace{
		"of the paper": with(func(*losses.MagFace) {}),
		"short":        with(func(l *losses.MagFace) { l.Shortest, l.Longest, l.Scale = 0.5, 3, 4 }),
		"in batch":     with(func(l *losses.MagFace) { l.Shortest, l.Longest, l.Scale, l.Compete = 0.5, 3, 4, losses.BatchClasses }),
	}, byClass...)
}

// Of samples shorter and longer than the bounds, and between.
func TestMagFaceIsItsFormula(t *testing.T) {
	x, y := randomBatch(3, 8, 4, 3)
	for i, r := range rowsOf(x, 4) {
		scale := (1.1 + float64(i)/4) / length(r) // 1.1 to 2.85
		for k := range r {
			r[k] *= scale
		}
	}
	l := over(losses.Default[*losses.MagFace](), func(l *losses.MagFace) {
		l.Classes, l.Shortest, l.Longest, l.LeastMargin, l.MostMargin, l.Lambda, l.Scale = 3, 1.5, 2.5, 10, 50, 0.7, 3
	})
	var short, between, long bool
	agrees(t, l, x, y, 1, func(h plainHead) func() float64 {
		return func() float64 {
			return h.mean(func(i int) float64 {
				a := length(h.x[i])
				short, between, long = short || a < 1.5, between || a > 1.5 && a < 2.5, long || a > 2.5
				a = min(max(a, 1.5), 2.5)
				m := (10 + 40*(a-1.5)) * math.Pi / 180
				z := h.cosines(i)
				own := math.Cos(math.Acos(z[y[i]]) + m)
				if math.Acos(z[y[i]])+m > math.Pi {
					own = z[y[i]] - m*math.Sin(m)
				}
				for c := range z {
					z[c] *= 3
				}
				return softmaxLoss(3*own, z, y[i]) + 0.7*(1/a+a/2.5/2.5)
			})
		}
	})
	require.True(t, short && between && long)
}

func TestMagFaceRefuses(t *testing.T) {
	with := func(set func(l *losses.MagFace)) *losses.MagFace { return over(losses.Default[*losses.MagFace](), set) }
	refuses(t, map[string]*losses.MagFace{
		"want shortest < longest":               with(func(l *losses.MagFace) { l.Shortest = 110 }),
		"want least-margin at most most-margin": with(func(l *losses.MagFace) { l.LeastMargin = 90 }),
		"take on=raw, or on=trunk":              with(func(l *losses.MagFace) { l.On = losses.OnEmbedding }),
		"leave one of the two out":              with(func(l *losses.MagFace) { l.Compete, l.Share = losses.BatchClasses, 0.1 }),
	})
}
