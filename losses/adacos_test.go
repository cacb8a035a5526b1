package losses_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/losses/losstest"
)

func ExampleAdaCos() {
	l := losses.Default[*losses.AdaCos]()
	l.Classes, l.Seed = 3, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 6
}

func TestAdaCosProperties(t *testing.T) {
	with := func(set func(l *losses.AdaCos)) *losses.AdaCos { return over(losses.Default[*losses.AdaCos](), set) }
	properties(t, map[string]*losses.AdaCos{
		"fixed":          with(func(l *losses.AdaCos) { l.Fixed = true }),
		"fixed in batch": with(func(l *losses.AdaCos) { l.Fixed, l.Compete = true, losses.BatchClasses }),
	}, byClass...)
	for name, set := range map[string]func(l *losses.AdaCos){
		"following":      func(*losses.AdaCos) {},
		"of sub-centers": func(l *losses.AdaCos) { l.SubCenters = 2 },
		"in batch":       func(l *losses.AdaCos) { l.Compete = losses.BatchClasses },
	} {
		properties(t, map[string]*losses.AdaCos{name: with(set)}, append(byClass,
			losstest.Stateful("its scale follows", func() losses.Loss { return with(set) }),
			losstest.StopsGradient("the scale is held fixed"))...)
	}
}

// Three steps in plain numbers, of an odd and an even number of samples.
func TestAdaCosFollows(t *testing.T) {
	for _, n := range []int{7, 8} {
		x, y := randomBatch(3, n, 4, 5)
		l := over(losses.Default[*losses.AdaCos](), func(l *losses.AdaCos) { l.Classes = 5 })
		s := math.Sqrt2 * math.Log(4)
		for range 3 {
			agrees(t, l, x, y, 1, func(h plainHead) func() float64 {
				var sum float64
				var angles []float64
				for i := range y {
					for c, cos := range h.cosines(i) {
						if c == y[i] {
							angles = append(angles, math.Acos(cos))
						} else {
							sum += math.Exp(s * cos)
						}
					}
				}
				slices.Sort(angles)
				s = math.Log(sum/float64(n)) / math.Cos(min(math.Pi/4, angles[(n-1)/2]))
				return func() float64 {
					return h.mean(func(i int) float64 {
						z := h.cosines(i)
						for c := range z {
							z[c] *= s
						}
						return softmaxLoss(z[y[i]], z, y[i])
					})
				}
			})
			require.InEpsilon(t, s, l.Params().Lookup("scale").Value.Data().([]float64)[0], 1e-9)
			for i := range x {
				x[i] = 0.9*x[i] + 0.1*float64(i%3)
			}
		}
	}
}

func TestAdaCosRefuses(t *testing.T) {
	refuses(t, map[string]*losses.AdaCos{
		"losses: adacos of 2 classes, of which it can choose no scale": over(losses.Default[*losses.AdaCos](), func(l *losses.AdaCos) { l.Classes = 2 }),
	})
}
