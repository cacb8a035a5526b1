package graph

import (
	"fmt"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Op is an operation written in Go outside of this package, for what expressions cannot say, or
// say too slowly. [Apply] makes an expression of it, which trains and evaluates as others do, on
// package machine's machines and on Gorgonia's own; beside a GPU it runs on the host, between copies of
// its inputs and its result.
//
// In errors an Op goes by its method String() string if it has one, or else by its type and fields.
// Two Applys of equal Ops are computed twice. One machine calls an Op from one goroutine at a time;
// an Op with memory of its own must not be given to two machines.
type Op interface {
	// Shape is the shape of the result of inputs of these shapes, or an error that says which
	// shapes were wanted. A scalar has no sides.
	Shape(in [][]int) ([]int, error)

	// Float32 writes every number of out, whose old ones are any, from those of the inputs, which
	// it must not change. All are row by row; none overlap. An error ends the run.
	Float32(out []float32, in [][]float32) error

	// Float64 is Float32 in float64, in which gradients are checked (package optest).
	Float64(out []float64, in [][]float64) error
}

// DifferentiableOp is an Op through which gradients flow. The result of one that is not is
// data.
type DifferentiableOp interface {
	Op

	// Gradient is the gradient to each input, of that input's shape, given the inputs, the
	// result and the gradient to it: expressions, maybe of other Ops. The zero Expr stands for a
	// gradient of 0. Gradients of gradients are not taken, here as of all ops of the package.
	Gradient(in []Expr, out, grad Expr) []Expr
}

// Apply is op of inputs, one at least, all of one element type and graph.
func Apply(op Op, in ...Expr) Expr {
	if err := firstError(in...); err != nil {
		return Fail(err)
	}
	if op == nil || len(in) == 0 {
		return Fail(errors.Errorf("graph: an op %v of %d inputs, want an Op and one input or more", op, len(in)))
	}
	name, err := nameOf(op)
	if err != nil {
		return Fail(err)
	}
	out, err := shapeOf(op, name, in)
	if err != nil {
		return Fail(err)
	}
	var grad gradient
	if d, ok := op.(DifferentiableOp); ok {
		grad = func(in []Expr, out, g Expr, need []bool) []Expr { return outsideGrads(d, name, in, out, g, need) }
	}
	return applyStateful(spec.HostOp{Name: name, F32: op.Float32, F64: op.Float64}, out, grad, in...)
}

func nameOf(op Op) (name string, err error) {
	defer Guard(fmt.Sprintf("the name of a %T", op), &err)
	if s, ok := op.(fmt.Stringer); ok {
		return s.String(), nil
	}
	return fmt.Sprintf("%T%+v", op, op), nil
}

func shapeOf(op Op, name string, in []Expr) (out tensor.Shape, err error) {
	defer Guard("the shape of "+name, &err)
	shapes := make([][]int, len(in))
	for i, e := range in {
		shapes[i] = e.Shape().Clone()
	}
	out, err = op.Shape(shapes)
	return slices.Clone(out), errors.Wrapf(err, "graph: %s", name)
}

// outsideGrads is the gradients by the op, with zeros for those that it leaves out.
func outsideGrads(op DifferentiableOp, name string, in []Expr, out, g Expr, need []bool) (grads []Expr) {
	all := func(err error) []Expr { return slices.Repeat([]Expr{Fail(err)}, len(in)) }
	defer func() {
		if r := recover(); r != nil {
			grads = all(errors.Errorf("graph: the gradient of %s: %v", name, r))
		}
	}()
	grads = slices.Clone(op.Gradient(slices.Clone(in), out, g))
	if len(grads) != len(in) {
		return all(errors.Errorf("graph: %s gives %d gradients, want one for each of %d inputs", name, len(grads), len(in)))
	}
	for i := range grads {
		if need[i] && grads[i] == (Expr{}) {
			grads[i] = g.Constant(0, in[i].Shape()...)
		}
	}
	return grads
}
