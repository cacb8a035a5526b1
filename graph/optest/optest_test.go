package optest_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"medusa/graph"
	"medusa/graph/optest"
)

// square is x², with faults where a test wants them.
type square struct {
	slope     float64 // of the gradient, by x
	skips     bool    // the last number is not written
	overwrite bool    // of the input
}

func (square) Shape(in [][]int) ([]int, error) { return in[0], nil }

func (s square) Float32(out []float32, in [][]float32) error { fill(s, out, in[0]); return nil }
func (s square) Float64(out []float64, in [][]float64) error { fill(s, out, in[0]); return nil }

func fill[T float32 | float64](s square, out, x []T) {
	for i, v := range x {
		if !s.skips || i < len(x)-1 {
			out[i] = v * v
		}
	}
	if s.overwrite {
		x[0] = 0
	}
}

func (s square) Gradient(in []graph.Expr, _, grad graph.Expr) []graph.Expr {
	return []graph.Expr{grad.Mul(in[0]).Scale(s.slope)}
}

// reported is a test that keeps what is reported, up to the first Fatal.
type reported struct {
	testing.TB
	lines []string
}

func (r *reported) Helper()                   {}
func (r *reported) Errorf(f string, a ...any) { r.lines = append(r.lines, fmt.Sprintf(f, a...)) }
func (r *reported) Fatal(a ...any)            { r.Fatalf("%s", fmt.Sprint(a...)) }
func (r *reported) Fatalf(f string, a ...any) {
	r.Errorf(f, a...)
	panic(r)
}

func faults(op graph.Op) string {
	r := &reported{}
	func() {
		defer func() {
			if e := recover(); e != nil && e != any(r) {
				panic(e)
			}
		}()
		optest.Run(r, op, optest.Input{Shape: []int{2, 2}, Values: []float64{1, -2, 3, math.Pi}})
	}()
	return strings.Join(r.lines, "\n")
}

func TestRun(t *testing.T) {
	optest.Run(t, square{slope: 2}, optest.Random([]int{3, 4})...)
	optest.Run(t, square{slope: 2}, optest.Input{Shape: []int{1}, Values: []float64{0}})
	for op, want := range map[square]string{
		{slope: 1}:                  "gradient to input 0",
		{slope: 2, skips: true}:     "number 3 of the result depends on what stood there",
		{slope: 2, overwrite: true}: "the op changes number 0 of input 0 from 1 to 0",
	} {
		if got := faults(op); !strings.Contains(got, want) {
			t.Errorf("%+v: got %q, want %q", op, got, want)
		}
	}
}
