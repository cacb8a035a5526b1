package losses_test

import (
	"fmt"
	"testing"

	"gorgonia.org/tensor"

	"medusa/losses"
)

func init() {
	mappers["SphereFaceLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.SphereFace]()
		l.Margin, l.Scale = int(r.number("margin", 4)), r.number("scale", 1)
		l.Anneal = 0
		r.by(cosine)
		r.weights(&l.ClassWeights, "classifier.weight", 1)
		return l
	}
}

func ExampleSphereFace() {
	l := losses.Default[*losses.SphereFace]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func TestSphereFaceProperties(t *testing.T) {
	with := func(set func(l *losses.SphereFace)) *losses.SphereFace {
		return over(losses.Default[*losses.SphereFace](), func(l *losses.SphereFace) {
			l.Anneal = 0
			set(l)
		})
	}
	properties(t, map[string]*losses.SphereFace{
		"of the paper": with(func(*losses.SphereFace) {}),
		"no margin":    with(func(l *losses.SphereFace) { l.Margin = 1 }),
		"of 3 parts":   with(func(l *losses.SphereFace) { l.Margin, l.Scale, l.Smoothing = 3, 2, 0.1 }),
		"in batch":     with(func(l *losses.SphereFace) { l.Compete, l.Margin = losses.BatchClasses, 2 }),
		"sub-centers":  with(func(l *losses.SphereFace) { l.SubCenters = 2 }),
	}, byClass...)
}

func TestSphereFaceRefuses(t *testing.T) {
	refuses(t, map[string]*losses.SphereFace{
		"losses: sphereface: margin: 0 is out of": over(losses.Default[*losses.SphereFace](), func(l *losses.SphereFace) { l.Margin = 0 }),
	})
}
