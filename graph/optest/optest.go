// Package optest checks a graph.Op from outside of this module: what [testing/slogtest] is to a
// slog.Handler.
package optest

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/graphtest"
)

// Input is an input of an op: numbers row by row, or random ones.
type Input struct {
	Shape  []int
	Values []float64 // drawn from the normal distribution if nil
	Data   bool      // no gradient flows to it, such as to labels
}

// Random are inputs of random numbers.
func Random(shapes ...[]int) []Input {
	in := make([]Input, len(shapes))
	for i, s := range shapes {
		in[i].Shape = s
	}
	return in
}

// Run checks an op on inputs near which it is smooth: that it writes every number of its result
// and changes none of its inputs, that its gradients are those of central differences in float64, and that
// float32 and Gorgonia's own machine give the same.
func Run(t testing.TB, op graph.Op, inputs ...Input) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	in := make([]graphtest.Input, len(inputs))
	shapes := make([][]int, len(inputs))
	for i, x := range inputs {
		in[i] = graphtest.Input{Shape: x.Shape, Values: x.Values, Data: x.Data}
		if x.Values == nil {
			in[i].Values = graphtest.Random(rng, x.Shape...).Values
		}
		shapes[i] = x.Shape
	}
	out, err := op.Shape(shapes)
	if err != nil {
		t.Fatal(err)
	}
	writes(t, op, sizeOf(out), in)
	build := func(in []graph.Expr) graph.Expr { return graph.Apply(op, in...) }
	graphtest.Gradient(t, build, in...)
	plainMachine(t, build, in)
}

func sizeOf(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// plainMachine holds the results on Gorgonia's machine to those on ours, in two runs.
func plainMachine(t testing.TB, build graphtest.Build, in []graphtest.Input) {
	t.Helper()
	want, grads, err := graphtest.Eval(tensor.Float64, build, in...)
	if err != nil {
		t.Fatal(err)
	}
	m, err := graphtest.NewPlain(tensor.Float64, build, in...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for run := range 2 {
		got, back, err := m.Run()
		if err != nil {
			t.Fatal(err)
		}
		same(t, "result", run, want, got)
		for i := range grads {
			same(t, "gradient", run, grads[i], back[i])
		}
	}
}

func same(t testing.TB, what string, run int, want, got []float64) {
	t.Helper()
	for i, v := range want {
		if got[i] != v && !(v != v && got[i] != got[i]) {
			t.Fatalf("run %d on Gorgonia's machine: number %d of the %s is %v, on machine.New's it is %v", run+1, i, what, got[i], v)
		}
	}
}

// writes runs the op over memory full of NaN and over memory full of 7.
func writes(t testing.TB, op graph.Op, n int, in []graphtest.Input) {
	t.Helper()
	var from, before [][]float64
	for _, x := range in {
		from, before = append(from, append([]float64(nil), x.Values...)), append(before, x.Values)
	}
	var results [2][]float64
	for i, old := range []float64{math.NaN(), 7} {
		results[i] = make([]float64, n)
		for k := range results[i] {
			results[i][k] = old
		}
		if err := op.Float64(results[i], from); err != nil {
			t.Fatal(err)
		}
		unchanged(t, before, from)
	}
	for k, v := range results[0] {
		if w := results[1][k]; v != w && !(v != v && w != w) {
			t.Fatalf("number %d of the result depends on what stood there: it is %v or %v", k, v, w)
		}
	}
}

func unchanged(t testing.TB, before, now [][]float64) {
	t.Helper()
	for i, x := range now {
		for k, v := range x {
			if v != before[i][k] {
				t.Fatalf("the op changes number %d of input %d from %v to %v", k, i, before[i][k], v)
			}
		}
	}
}
