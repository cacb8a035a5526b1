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

// Three steps in plain numbers, of an odd and an even number of samples: the paper's, and with a ceiling.
func TestAdaCosFollows(t *testing.T) {
	atCeiling := 0
	for _, c := range []struct {
		n       int
		ceiling float64
	}{{7, 1e4}, {8, 1e4}, {7, 1}, {8, 1.02}} {
		n := c.n
		x, y := randomBatch(3, n, 4, 5)
		l := over(losses.Default[*losses.AdaCos](), func(l *losses.AdaCos) { l.Classes, l.Ceiling = 5, c.ceiling })
		s := math.Sqrt2 * math.Log(4)
		most := c.ceiling * s
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
				if s > most {
					s = most
					atCeiling++
				}
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
	require.NotZero(t, atCeiling)
}

// The scale of the paper runs away where samples are nearer to another class than to their own: it grows by
// a factor at each step. By default it stays what it was at first.
func TestAdaCosDoesNotRunAway(t *testing.T) {
	for ceiling, grows := range map[float64]bool{1e4: true, losses.Default[*losses.AdaCos]().Ceiling: false} {
		l := over(losses.Default[*losses.AdaCos](), func(l *losses.AdaCos) { l.Classes, l.Ceiling, l.Seed = 4, ceiling, 1 })
		x, y := []float64{1, 0, 1, 0.1}, []int{0, 1}
		_, err := losses.Evaluate(l, x, y, tensor.Float64)
		require.NoError(t, err)
		w := l.Params().Lookup("classifier.weight").Value.Data().([]float64)
		copy(w, []float64{-1, 0.2, -1, 0.1, 1, 0, 0, 1}) // both samples are at the third class
		first := math.Sqrt2 * math.Log(3)
		for range 40 {
			_, err := losses.Evaluate(l, x, y, tensor.Float64)
			require.NoError(t, err)
		}
		s := l.Params().Lookup("scale").Value.Data().([]float64)[0]
		if grows {
			require.InEpsilon(t, 1e4*first, s, 1e-9)
		} else {
			require.InEpsilon(t, first, s, 1e-9)
		}
	}
}

func TestAdaCosRefuses(t *testing.T) {
	refuses(t, map[string]*losses.AdaCos{
		"losses: adacos of 2 classes, of which it can choose no scale": over(losses.Default[*losses.AdaCos](), func(l *losses.AdaCos) { l.Classes = 2 }),
	})
}
