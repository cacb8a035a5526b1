package losses_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"gorgonia.org/tensor"

	"medusa/losses"
)

func init() {
	mappers["CosFaceLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.CosFace]()
		l.Margin, l.Scale = r.number("margin", 0.35), r.number("scale", 64)
		r.by(cosine)
		r.weights(&l.ClassWeights, "classifier.weight", 1)
		return l
	}
}

func ExampleCosFace() {
	l := losses.Default[*losses.CosFace]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func TestCosFaceProperties(t *testing.T) {
	with := func(set func(l *losses.CosFace)) *losses.CosFace { return over(losses.Default[*losses.CosFace](), set) }
	properties(t, map[string]*losses.CosFace{
		"of the paper": with(func(*losses.CosFace) {}),
		"no margin":    with(func(l *losses.CosFace) { l.Margin, l.Scale = 0, 4 }),
		"in batch":     with(func(l *losses.CosFace) { l.Compete, l.Scale = losses.BatchClasses, 4 }),
		"sub-centers":  with(func(l *losses.CosFace) { l.SubCenters, l.Scale = 2, 4 }),
	}, byClass...)
}

// Without a margin it is the cross-entropy.
func TestCosFaceWithoutMargin(t *testing.T) {
	x, y := randomBatch(4, 9, 4, 3)
	l := over(losses.Default[*losses.CosFace](), func(l *losses.CosFace) { l.Classes, l.Margin, l.Scale, l.Smoothing = 3, 0, 7, 0.1 })
	ce := over(losses.Default[*losses.CrossEntropy](), func(l *losses.CrossEntropy) { l.Classes, l.Scale, l.Smoothing = 3, 7, 0.1 })
	got, err := losses.Evaluate(l, x, y, tensor.Float64)
	require.NoError(t, err)
	want, err := losses.Evaluate(ce, x, y, tensor.Float64)
	require.NoError(t, err)
	require.InEpsilon(t, want.Loss, got.Loss, 1e-12)
	require.InDeltaSlice(t, want.Gradient, got.Gradient, 1e-12)
	require.InDeltaSlice(t, want.Params["classifier.weight"], got.Params["classifier.weight"], 1e-12)
}

func TestCosFaceRefuses(t *testing.T) {
	refuses(t, map[string]*losses.CosFace{
		"losses: cosface: margin: 3 is out of": over(losses.Default[*losses.CosFace](), func(l *losses.CosFace) { l.Margin = 3 }),
	})
}
