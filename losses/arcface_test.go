package losses_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
)

func init() {
	mappers["ArcFaceLoss"] = func(r *goldenRecord) losses.Loss { return arcFaceOf(r, 1) }
	mappers["SubCenterArcFaceLoss"] = func(r *goldenRecord) losses.Loss { return arcFaceOf(r, int(r.number("sub_centers", 3))) }
}

func arcFaceOf(r *goldenRecord, subCenters int) losses.Loss {
	l := losses.Default[*losses.ArcFace]()
	l.Margin, l.Scale, l.SubCenters = r.number("margin", 28.6), r.number("scale", 64), subCenters
	r.by(cosine)
	r.weights(&l.ClassWeights, "classifier.weight", subCenters)
	return l
}

func ExampleArcFace() {
	l := losses.Default[*losses.ArcFace]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func TestArcFaceProperties(t *testing.T) {
	with := func(set func(l *losses.ArcFace)) *losses.ArcFace { return over(losses.Default[*losses.ArcFace](), set) }
	properties(t, map[string]*losses.ArcFace{
		"of the paper": with(func(*losses.ArcFace) {}),
		"small":        with(func(l *losses.ArcFace) { l.Margin, l.Scale = 10, 4 }),
		"wide":         with(func(l *losses.ArcFace) { l.Margin, l.Scale = 120, 4 }), // past π
		"smoothed":     with(func(l *losses.ArcFace) { l.Smoothing, l.Focal, l.Scale = 0.1, 1, 4 }),
		"in batch":     with(func(l *losses.ArcFace) { l.Compete, l.Scale, l.Smoothing = losses.BatchClasses, 4, 0.1 }),
		"sub-centers":  with(func(l *losses.ArcFace) { l.SubCenters, l.Scale = 3, 4 }),
		"sub-centers in batch": with(func(l *losses.ArcFace) {
			l.SubCenters, l.Scale, l.Compete = 3, 4, losses.BatchClasses
		}),
		"mined":         with(func(l *losses.ArcFace) { l.Scale, l.Miner = 4, semiHard(0.3) }),
		"class weights": with(func(l *losses.ArcFace) { l.Scale, l.Reducer = 4, classWeights }),
	}, byClass...)
	properties(t, map[string]losses.Loss{"on the trunk": onFeatures{with(func(l *losses.ArcFace) { l.On, l.Scale = losses.OnTrunk, 4 })}}, byClass...)
}

// Margins beyond π, nearest sub-centers, and the whole in plain numbers.
func TestArcFaceIsItsFormula(t *testing.T) {
	x, y := randomBatch(6, 9, 4, 3)
	for _, degrees := range []float64{20, 110} {
		l := over(losses.Default[*losses.ArcFace](), func(l *losses.ArcFace) { l.Classes, l.SubCenters, l.Margin, l.Scale = 3, 2, degrees, 3 })
		m, beyond := degrees*math.Pi/180, 0
		agrees(t, l, x, y, 2, func(h plainHead) func() float64 {
			return func() float64 {
				return h.mean(func(i int) float64 {
					cos := h.cosines(i)
					own := math.Cos(math.Acos(cos[y[i]]) + m)
					if math.Acos(cos[y[i]])+m > math.Pi {
						own = cos[y[i]] - m*math.Sin(m)
						beyond++
					}
					for c := range cos {
						cos[c] *= 3
					}
					return softmaxLoss(3*own, cos, y[i])
				})
			}
		})
		require.Equal(t, degrees > 100, beyond > 0)
	}
}

func TestArcFaceRefuses(t *testing.T) {
	refuses(t, map[string]*losses.ArcFace{
		"losses: arcface: margin: -1 is out of": over(losses.Default[*losses.ArcFace](), func(l *losses.ArcFace) { l.Margin = -1 }),
		"losses: arcface: scale: 0 is out of":   over(losses.Default[*losses.ArcFace](), func(l *losses.ArcFace) { l.Scale = 0 }),
	})
}
