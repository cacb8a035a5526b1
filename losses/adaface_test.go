package losses_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/losses/losstest"
)

func ExampleAdaFace() {
	l := losses.Default[*losses.AdaFace]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func TestAdaFaceProperties(t *testing.T) {
	with := func(set func(l *losses.AdaFace)) *losses.AdaFace { return over(losses.Default[*losses.AdaFace](), set) }
	for name, set := range map[string]func(l *losses.AdaFace){
		"of the paper": func(*losses.AdaFace) {},
		"fast":         func(l *losses.AdaFace) { l.Momentum, l.Scale = 1, 4 },
		"in batch":     func(l *losses.AdaFace) { l.Compete, l.SubCenters, l.Scale = losses.BatchClasses, 2, 4 },
	} {
		properties(t, map[string]*losses.AdaFace{name: with(set)}, append(byClass,
			losstest.Stateful("mean and deviation follow the lengths", func() losses.Loss { return with(set) }),
			losstest.StopsGradient("margins are held fixed"))...)
	}
}

// Three steps in plain numbers; of one sample the deviation is 0.
func TestAdaFaceIsItsFormula(t *testing.T) {
	for _, n := range []int{8, 1} {
		x, y := randomBatch(3, n, 4, 3)
		l := over(losses.Default[*losses.AdaFace](), func(l *losses.AdaFace) { l.Classes, l.Momentum, l.Scale = 3, 0.7, 3 })
		mean, deviation := 20.0, 100.0
		for range 3 {
			agrees(t, l, x, y, 1, func(h plainHead) func() float64 {
				now := h.mean(func(i int) float64 { return length(h.x[i]) })
				square := h.mean(func(i int) float64 { return (length(h.x[i]) - now) * (length(h.x[i]) - now) }) * float64(n)
				mean, deviation = 0.3*mean+0.7*now, 0.3*deviation+0.7*math.Sqrt(square/max(float64(n-1), 1))
				q := make([]float64, n)
				for i := range q {
					q[i] = min(max(0.333*(length(h.x[i])-mean)/(deviation+1e-3), -1), 1)
				}
				return func() float64 {
					return h.mean(func(i int) float64 {
						z := h.cosines(i)
						angle := min(max(math.Acos(z[y[i]])-0.4*q[i], 0), math.Pi)
						for c := range z {
							z[c] *= 3
						}
						return softmaxLoss(3*(math.Cos(angle)-0.4-0.4*q[i]), z, y[i])
					})
				}
			})
			require.InEpsilon(t, mean, l.Params().Lookup("mean").Value.Data().([]float64)[0], 1e-9)
			require.InEpsilon(t, deviation, l.Params().Lookup("deviation").Value.Data().([]float64)[0], 1e-9)
		}
	}
}

func TestAdaFaceRefuses(t *testing.T) {
	refuses(t, map[string]*losses.AdaFace{
		"take on=raw, or on=trunk": over(losses.Default[*losses.AdaFace](), func(l *losses.AdaFace) { l.On = "" }),
	})
}
