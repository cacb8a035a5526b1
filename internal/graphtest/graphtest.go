// Package graphtest checks operations of package graph: their values in both types, and
// their gradients by central differences.
package graphtest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
)

// Input is a tensor given to an operation.
type Input struct {
	Shape  []int
	Values []float64 // row-major
	Data   bool      // no gradient is asked for
}

// Of makes an input of values.
func Of(values []float64, shape ...int) Input { return Input{Shape: shape, Values: values} }

// Data makes an input of values to which no gradient flows, such as labels or a mask.
func Data(values []float64, shape ...int) Input {
	return Input{Shape: shape, Values: values, Data: true}
}

// Random makes an input of normal numbers.
func Random(rng *rand.Rand, shape ...int) Input {
	values := make([]float64, tensor.Shape(shape).TotalSize())
	for i := range values {
		values[i] = rng.NormFloat64()
	}
	return Of(values, shape...)
}

// Mask makes a data input of which each entry is 1 with probability p, else 0.
func Mask(rng *rand.Rand, p float64, shape ...int) Input {
	in := Random(rng, shape...)
	for i := range in.Values {
		in.Values[i] = 0
		if rng.Float64() < p {
			in.Values[i] = 1
		}
	}
	in.Data = true
	return in
}

// Build makes the expression under test of its inputs.
type Build func(in []graph.Expr) graph.Expr

// Machine runs an expression and the gradient of a weighted sum of its elements, again
// and again.
type Machine struct {
	Shape tensor.Shape // of the expression
	VM    gorgonia.VM

	inputs  []*tensor.Dense
	weights []float64
	value   gorgonia.Value
	grads   []gorgonia.Value // nil entry: data
}

// Device runs the machines of New that compute in float32; nil is the CPU.
var Device *machine.Device

// New builds the graph of an expression in dt, ready to Run. The objective whose
// gradient is taken is the sum of the elements, weighted by fixed odd numbers.
func New(dt tensor.Dtype, build Build, inputs ...Input) (*Machine, error) {
	if Device == nil || dt != tensor.Float32 {
		return newMachine(machine.New, dt, build, inputs)
	}
	on := func(g *gorgonia.ExprGraph) (gorgonia.VM, error) { return machine.On(g, Device) }
	return newMachine(on, dt, build, inputs)
}

// NewPlain is New on Gorgonia's own machine, where every op has memory of its own.
func NewPlain(dt tensor.Dtype, build Build, inputs ...Input) (*Machine, error) {
	plain := func(g *gorgonia.ExprGraph) (gorgonia.VM, error) { return gorgonia.NewTapeMachine(g), nil }
	return newMachine(plain, dt, build, inputs)
}

func newMachine(machine func(*gorgonia.ExprGraph) (gorgonia.VM, error), dt tensor.Dtype, build Build, inputs []Input) (*Machine, error) {
	m := &Machine{}
	g := gorgonia.NewGraph()
	var wrt gorgonia.Nodes
	exprs := make([]graph.Expr, len(inputs))
	for i, in := range inputs {
		d, err := graph.Tensor(in.Values, dt, in.Shape...)
		if err != nil {
			return nil, err
		}
		m.inputs = append(m.inputs, d)
		n := gorgonia.NewTensor(g, dt, len(in.Shape), gorgonia.WithShape(in.Shape...),
			gorgonia.WithName(fmt.Sprintf("input%d", i)), gorgonia.WithValue(d))
		exprs[i] = graph.Data(n)
		if !in.Data {
			exprs[i] = graph.Of(n)
			wrt = append(wrt, n)
		}
	}
	out := build(exprs)
	node, err := out.Node()
	if err != nil {
		return nil, err
	}
	m.Shape = out.Shape().Clone()
	gorgonia.Read(node, &m.value)
	if err := m.objective(dt, out, wrt, inputs); err != nil {
		return nil, err
	}
	m.VM, err = machine(g)
	return m, err
}

// objective adds the weighted sum of out and its gradients to the graph.
func (m *Machine) objective(dt tensor.Dtype, out graph.Expr, wrt gorgonia.Nodes, inputs []Input) error {
	m.grads = make([]gorgonia.Value, len(inputs))
	m.weights = Weights(size(out.Shape()))
	if len(wrt) == 0 || out.IsData() {
		return nil
	}
	var cost graph.Expr
	if out.Shape().Dims() == 0 {
		cost = out.Scale(m.weights[0])
	} else {
		d, err := graph.Tensor(m.weights, dt, out.Shape()...)
		if err != nil {
			return err
		}
		w := gorgonia.NewTensor(out.Graph(), dt, d.Dims(), gorgonia.WithShape(d.Shape()...), gorgonia.WithName("weights"), gorgonia.WithValue(d))
		cost = out.Mul(graph.Data(w)).Sum()
	}
	node, err := cost.Node()
	if err != nil {
		return err
	}
	nodes, err := gorgonia.Grad(node, wrt...)
	if err != nil {
		return err
	}
	for i, k := 0, 0; i < len(inputs); i++ {
		if !inputs[i].Data {
			gorgonia.Read(nodes[k], &m.grads[i])
			k++
		}
	}
	return nil
}

// size is the number of elements, 1 for a scalar.
func size(s tensor.Shape) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Weights are the weights of n elements in the objective, between −1 and 1.
func Weights(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = math.Sin(float64(3*i + 1))
	}
	return w
}

// Set changes element k of input i.
func (m *Machine) Set(i, k int, v float64) {
	switch data := m.inputs[i].Data().(type) {
	case []float32:
		data[k] = float32(v)
	case []float64:
		data[k] = v
	}
}

// Run computes the expression's elements and the objective's gradient to every input
// that is not data.
func (m *Machine) Run() (value []float64, grads [][]float64, err error) {
	if err := m.VM.RunAll(); err != nil {
		m.VM.Reset()
		return nil, nil, err
	}
	if value, err = graph.Numbers(m.value); err != nil {
		return nil, nil, err
	}
	grads = make([][]float64, len(m.grads))
	for i, g := range m.grads {
		if g == nil {
			continue
		}
		if grads[i], err = graph.Numbers(g); err != nil {
			return nil, nil, err
		}
	}
	m.VM.Reset()
	return value, grads, nil
}

// Close releases the machine.
func (m *Machine) Close() error { return m.VM.Close() }

// Eval builds and runs an expression once.
func Eval(dt tensor.Dtype, build Build, inputs ...Input) (value []float64, grads [][]float64, err error) {
	defer graph.Guard("evaluating an expression", &err)
	m, err := New(dt, build, inputs...)
	if err != nil {
		return nil, nil, err
	}
	defer m.Close()
	return m.Run()
}

// Gradient checks the symbolic gradient in float64 against central differences, entry
// by entry to 1e-7 of the largest entry (the differences' own error is about 1e-9), and
// value and gradient in float32 against float64 to 1e-4.
func Gradient(t testing.TB, build Build, inputs ...Input) {
	t.Helper()
	m, err := New(tensor.Float64, build, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	value, grads, err := m.Run()
	if err != nil {
		t.Fatal(err)
	}
	for i, in := range inputs {
		if in.Data {
			continue
		}
		want, err := m.differences(i, in.Values)
		if err != nil {
			t.Fatal(err)
		}
		if err := closeTo(grads[i], want, 1e-7); err != nil {
			t.Errorf("gradient to input %d: %v (want by central differences)", i, err)
		}
	}
	v32, g32, err := Eval(tensor.Float32, build, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	if err := closeTo(v32, value, 1e-4); err != nil {
		t.Errorf("value in float32: %v (want by float64)", err)
	}
	for i := range inputs {
		if err := closeTo(g32[i], grads[i], 1e-4); err != nil {
			t.Errorf("gradient to input %d in float32: %v (want by float64)", i, err)
		}
	}
}

// differences is the objective's gradient to input i by central differences.
func (m *Machine) differences(i int, x []float64) ([]float64, error) {
	const h = 1e-5
	grad := make([]float64, len(x))
	for k, v := range x {
		var side [2]float64
		for s, d := range []float64{h, -h} {
			m.Set(i, k, v+d)
			value, _, err := m.Run()
			if err != nil {
				return nil, err
			}
			for j, y := range value {
				side[s] += m.weights[j] * y
			}
		}
		m.Set(i, k, v)
		grad[k] = (side[0] - side[1]) / (2 * h)
	}
	return grad, nil
}

// Values checks an expression's elements against want, in float64 to 1e-12 and in
// float32 to 1e-5 of the largest.
func Values(t testing.TB, want []float64, build Build, inputs ...Input) {
	t.Helper()
	for dt, tol := range map[tensor.Dtype]float64{tensor.Float64: 1e-12, tensor.Float32: 1e-5} {
		got, _, err := Eval(dt, build, inputs...)
		if err == nil {
			err = closeTo(got, want, tol)
		}
		if err != nil {
			t.Errorf("%v: %v", dt, err)
		}
	}
}

// closeTo returns an error for the first entry that is off by more than tol of the
// largest finite entry of want, or of 1 if that is larger.
func closeTo(got, want []float64, tol float64) error {
	if len(got) != len(want) {
		return errors.Errorf("%d numbers, want %d", len(got), len(want))
	}
	scale := 1.0
	for _, w := range want {
		if a := math.Abs(w); !math.IsInf(a, 0) && !math.IsNaN(a) {
			scale = max(scale, a)
		}
	}
	for i, w := range want {
		g := got[i]
		if g == w || math.IsNaN(g) && math.IsNaN(w) {
			continue
		}
		if !(math.Abs(g-w) <= tol*scale) {
			return errors.Errorf("entry %d is %.12g, want %.12g", i, g, w)
		}
	}
	return nil
}
