package losses_test

import (
	"fmt"
	"testing"

	"gorgonia.org/tensor"

	"medusa/losses"
)

func init() {
	mappers["SoftTripleLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.SoftTriple]()
		l.Centers = int(r.number("centers_per_class", 10))
		l.Lambda, l.Gamma, l.Margin = r.number("la", 20), r.number("gamma", 0.1), r.number("margin", 0.01)
		r.by(cosine)
		r.weights(&l.ClassWeights, "centers", l.Centers)
		return l
	}
}

func ExampleSoftTriple() {
	l := losses.Default[*losses.SoftTriple]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["centers"]))
	// Output:
	// <nil> 8 40
}

func TestSoftTripleProperties(t *testing.T) {
	with := func(set func(l *losses.SoftTriple)) *losses.SoftTriple {
		return over(losses.Default[*losses.SoftTriple](), set)
	}
	properties(t, map[string]*losses.SoftTriple{
		"of the paper": with(func(*losses.SoftTriple) {}),
		"one center":   with(func(l *losses.SoftTriple) { l.Centers, l.Lambda = 1, 4 }),
		"in batch":     with(func(l *losses.SoftTriple) { l.Centers, l.Compete = 3, losses.BatchClasses }),
	}, byClass...)
}

func TestSoftTripleRefuses(t *testing.T) {
	refuses(t, map[string]*losses.SoftTriple{
		"losses: soft-triple: centers: 0 is out of": over(losses.Default[*losses.SoftTriple](), func(l *losses.SoftTriple) { l.Centers = 0 }),
		"losses: soft-triple: gamma: 0 is out of":   over(losses.Default[*losses.SoftTriple](), func(l *losses.SoftTriple) { l.Gamma = 0 }),
	})
}
