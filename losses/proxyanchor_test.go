package losses_test

import (
	"fmt"
	"testing"

	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/pairs"
)

func init() {
	mappers["ProxyAnchorLoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.ProxyAnchor]()
		l.Margin, l.Alpha, l.Metric = r.number("margin", 0.1), r.number("alpha", 32), r.metric()
		r.weights(&l.ClassWeights, "proxies", 1)
		return l
	}
}

func ExampleProxyAnchor() {
	l := losses.Default[*losses.ProxyAnchor]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["proxies"]))
	// Output:
	// <nil> 8 4
}

func TestProxyAnchorProperties(t *testing.T) {
	with := func(set func(l *losses.ProxyAnchor)) *losses.ProxyAnchor {
		return over(losses.Default[*losses.ProxyAnchor](), set)
	}
	properties(t, map[string]*losses.ProxyAnchor{
		"of the paper":  with(func(*losses.ProxyAnchor) {}),
		"soft":          with(func(l *losses.ProxyAnchor) { l.Alpha, l.Margin = 4, 0 }),
		"mean":          with(func(l *losses.ProxyAnchor) { l.Alpha, l.Reducer = 4, pairs.Mean{} }),
		"class weights": with(func(l *losses.ProxyAnchor) { l.Alpha, l.Reducer = 4, classWeights }),
		"mined":         with(func(l *losses.ProxyAnchor) { l.Alpha, l.Miner = 4, semiHard(0.3) }),
	}, byClass...)
}

func TestProxyAnchorRefuses(t *testing.T) {
	refuses(t, map[string]*losses.ProxyAnchor{
		"losses: proxy-anchor: alpha: 0 is out of":                     over(losses.Default[*losses.ProxyAnchor](), func(l *losses.ProxyAnchor) { l.Alpha = 0 }),
		"losses: proxy-anchor: the distance is one, want a similarity": over(losses.Default[*losses.ProxyAnchor](), func(l *losses.ProxyAnchor) { l.Metric = pairs.LP{} }),
	})
}
