package losses_test

import (
	"fmt"
	"math"
	"testing"

	"gorgonia.org/tensor"

	"medusa/losses"
	"medusa/pairs"
)

func init() {
	mappers["ProxyNCALoss"] = func(r *goldenRecord) losses.Loss {
		l := losses.Default[*losses.ProxyNCA]()
		l.Scale, l.Metric = r.number("softmax_scale", 1), r.metric()
		r.weights(&l.ClassWeights, "proxies", 1)
		return l
	}
}

func ExampleProxyNCA() {
	l := losses.Default[*losses.ProxyNCA]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["proxies"]))
	// Output:
	// <nil> 8 4
}

func TestProxyNCAProperties(t *testing.T) {
	with := func(set func(l *losses.ProxyNCA)) *losses.ProxyNCA {
		return over(losses.Default[*losses.ProxyNCA](), set)
	}
	properties(t, map[string]*losses.ProxyNCA{
		"probability":   with(func(*losses.ProxyNCA) {}),
		"ratio":         with(func(l *losses.ProxyNCA) { l.Form, l.Scale = losses.Ratio, 1 }),
		"by cosine":     with(func(l *losses.ProxyNCA) { l.Metric = pairs.Cosine{} }),
		"by raw length": with(func(l *losses.ProxyNCA) { l.Metric, l.Scale = pairs.LP{Raw: true}, 1 }),
		"in batch":      with(func(l *losses.ProxyNCA) { l.Compete, l.Form = losses.BatchClasses, losses.Ratio }),
		"mined":         with(func(l *losses.ProxyNCA) { l.Miner = semiHard(0.3) }),
	}, byClass...)
}

// The ratio leaves the sample's own proxy out below the line.
func TestProxyNCARatio(t *testing.T) {
	x, y := randomBatch(4, 9, 4, 3)
	l := over(losses.Default[*losses.ProxyNCA](), func(l *losses.ProxyNCA) {
		l.Classes, l.Form, l.Scale, l.Metric = 3, losses.Ratio, 2, pairs.LP{Power: 2, Raw: true}
	})
	agrees(t, l, x, y, 1, func(h plainHead) func() float64 {
		return func() float64 {
			return h.mean(func(i int) float64 {
				var own, others float64
				for c, p := range h.w {
					var d float64
					for k := range p {
						d += (h.x[i][k] - p[k]) * (h.x[i][k] - p[k])
					}
					if c == y[i] {
						own = math.Exp(-2 * d)
					} else {
						others += math.Exp(-2 * d)
					}
				}
				return -math.Log(own / others)
			})
		}
	})
}

func TestProxyNCARefuses(t *testing.T) {
	refuses(t, map[string]*losses.ProxyNCA{
		"losses: proxy-nca: scale: 0 is out of": over(losses.Default[*losses.ProxyNCA](), func(l *losses.ProxyNCA) { l.Scale = 0 }),
		`losses: proxy-nca: form: "x" is not a`: over(losses.Default[*losses.ProxyNCA](), func(l *losses.ProxyNCA) { l.Form = "x" }),
	})
}
