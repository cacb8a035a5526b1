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

func ExampleCurricularFace() {
	l := losses.Default[*losses.CurricularFace]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func TestCurricularFaceProperties(t *testing.T) {
	with := func(set func(l *losses.CurricularFace)) *losses.CurricularFace {
		return over(losses.Default[*losses.CurricularFace](), set)
	}
	for name, set := range map[string]func(l *losses.CurricularFace){
		"of the paper": func(*losses.CurricularFace) {},
		"fast":         func(l *losses.CurricularFace) { l.Momentum, l.Scale, l.Margin = 0.5, 4, 10 },
		"in batch":     func(l *losses.CurricularFace) { l.Compete, l.SubCenters, l.Scale = losses.BatchClasses, 2, 4 },
	} {
		properties(t, map[string]*losses.CurricularFace{name: with(set)}, append(byClass,
			losstest.Stateful("t follows the cosines", func() losses.Loss { return with(set) }),
			losstest.StopsGradient("t and the choice of the hard are held fixed"))...)
	}
}

// Three steps in plain numbers.
func TestCurricularFaceIsItsFormula(t *testing.T) {
	x, y := randomBatch(3, 8, 4, 5)
	l := over(losses.Default[*losses.CurricularFace](), func(l *losses.CurricularFace) { l.Classes, l.Momentum, l.Scale = 5, 0.3, 3 })
	last, hards, m := 0.0, 0, 28.6*math.Pi/180
	for range 3 {
		agrees(t, l, x, y, 1, func(h plainHead) func() float64 {
			mine := func(i int) float64 {
				angle := math.Acos(h.cosines(i)[y[i]])
				if angle+m > math.Pi {
					return math.Cos(angle) - m*math.Sin(m)
				}
				return math.Cos(angle + m)
			}
			last = 0.7*last + 0.3*h.mean(func(i int) float64 { return h.cosines(i)[y[i]] })
			now := last
			hard := make([][]bool, len(y))
			for i := range y {
				for c, cos := range h.cosines(i) {
					hard[i] = append(hard[i], cos > mine(i))
					if c != y[i] && hard[i][c] {
						hards++
					}
				}
			}
			return func() float64 {
				return h.mean(func(i int) float64 {
					z := h.cosines(i)
					for c, cos := range z {
						if z[c] = 3 * cos; hard[i][c] {
							z[c] *= now + cos
						}
					}
					return softmaxLoss(3*mine(i), z, y[i])
				})
			}
		})
		require.InEpsilon(t, last, l.Params().Lookup("t").Value.Data().([]float64)[0], 1e-9)
	}
	require.Greater(t, hards, 3)
}

func TestCurricularFaceRefuses(t *testing.T) {
	refuses(t, map[string]*losses.CurricularFace{
		"losses: curricularface: momentum: 2 is out of": over(losses.Default[*losses.CurricularFace](), func(l *losses.CurricularFace) { l.Momentum = 2 }),
	})
}
