package losses_test

import (
	"fmt"
	"testing"

	"gorgonia.org/tensor"

	"medusa/losses"
)

func ExampleCenter() {
	l := losses.Default[*losses.Center]()
	l.Classes, l.Seed = 2, 1
	v, err := losses.Evaluate(l, points, labels, tensor.Float64)
	fmt.Println(err, len(v.Gradient), len(v.Params["centers"]))
	// Output:
	// <nil> 8 4
}

func TestCenterProperties(t *testing.T) {
	properties(t, map[string]*losses.Center{
		"center": over(losses.Default[*losses.Center](), func(*losses.Center) {}),
		"mined":  over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Miner = semiHard(0.3) }),
	}, byClass...)
}

func TestCenterIsItsFormula(t *testing.T) {
	x, y := randomBatch(4, 9, 4, 3)
	l := over(losses.Default[*losses.Center](), func(l *losses.Center) { l.Classes = 4 })
	agrees(t, l, x, y, 1, func(h plainHead) func() float64 {
		return func() float64 {
			return h.mean(func(i int) (sum float64) {
				for k, c := range h.w[y[i]] {
					sum += (h.x[i][k] - c) * (h.x[i][k] - c) / 2
				}
				return sum
			})
		}
	})
}
