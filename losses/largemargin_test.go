package losses_test

import (
	"fmt"
	"testing"

	"gorgonia.org/tensor"

	"medusa/losses"
)

func init() {
	mappers["LargeMarginSoftmaxLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.LargeMarginSoftmax]()
		l.Margin, l.Scale = int(r.number("margin", 4)), r.number("scale", 1)
		l.Anneal = 0
		r.by(cosine)
		r.weights(&l.ClassWeights, "classifier.weight", 1)
		return l
	}
}

func ExampleLargeMarginSoftmax() {
	l := losses.Default[*losses.LargeMarginSoftmax]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["classifier.weight"]))
	// Output:
	// <nil> 8 4
}

func TestLargeMarginSoftmaxProperties(t *testing.T) {
	with := func(set func(l *losses.LargeMarginSoftmax)) *losses.LargeMarginSoftmax {
		return over(losses.Default[*losses.LargeMarginSoftmax](), func(l *losses.LargeMarginSoftmax) {
			l.Anneal = 0
			set(l)
		})
	}
	properties(t, map[string]*losses.LargeMarginSoftmax{
		"of the paper": with(func(*losses.LargeMarginSoftmax) {}),
		"no margin":    with(func(l *losses.LargeMarginSoftmax) { l.Margin = 1 }),
		"of 3 parts":   with(func(l *losses.LargeMarginSoftmax) { l.Margin, l.Scale, l.Smoothing = 3, 2, 0.1 }),
		"in batch":     with(func(l *losses.LargeMarginSoftmax) { l.Compete, l.Margin = losses.BatchClasses, 2 }),
	}, byClass...)
}

func TestLargeMarginSoftmaxRefuses(t *testing.T) {
	refuses(t, map[string]*losses.LargeMarginSoftmax{
		"losses: large-margin: margin: 0 is out of": over(losses.Default[*losses.LargeMarginSoftmax](), func(l *losses.LargeMarginSoftmax) { l.Margin = 0 }),
	})
}
