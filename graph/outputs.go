package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// An op of several outputs is the node of its first, which gradients flow through; the others, whose specs say their
// shapes, are data. Each is a node of its own that reads the first one's: so Gorgonia's graph, its Grad and all machines
// know who needs what. A machine computes the outputs that somebody reads, in one run of the op's kernel, and each has
// memory of its own.

// further is an output besides the first as Gorgonia's own machine has it.
type further struct {
	node  *gorgonia.Node // nil until somebody asks for it
	value gorgonia.Value // nil if nobody reads it
}

// output is output number, from 1 on, of the op whose first output e is.
func (e Expr) output(number int) Expr {
	if e.Err() != nil {
		return e
	}
	o, ok := e.n.Op().(*op)
	if !ok {
		return Fail(errors.Errorf("graph: output %d of a node that is no op of package graph", number))
	}
	outputs := spec.OutputsOf(o.spec)
	if number < 1 || number > len(outputs) {
		return Fail(errors.Errorf("graph: %s has outputs 1 to %d besides its first, not %d", o, len(outputs), number))
	}
	result := apply(spec.Further{Number: number}, outputs[number-1].Shape, nil, e)
	if of, ok := result.at(); ok {
		of.absorbed = true // the op has it, if anybody reads it
		if o.further == nil {
			o.further = make([]further, len(outputs))
		}
		o.further[number-1].node = result.n
	}
	return result
}

// furtherOf is the op of which o is a further output, and its number.
func (o *op) furtherOf() (of *op, number int, ok bool) {
	what, ok := o.spec.(spec.Further)
	if !ok {
		return nil, 0, false
	}
	of, ok = o.from[0].Op().(*op)
	return of, what.Number, ok
}

// isPlaces reports whether the op's node is a further output that is places.
func (o *op) isPlaces() bool {
	of, number, ok := o.furtherOf()
	return ok && spec.OutputsOf(of.spec)[number-1].Places
}

// makeFurther makes the buffers of the outputs besides the first that somebody reads by now, for Gorgonia's own machine.
func (o *op) makeFurther(dt tensor.Dtype) (err error) {
	for i := range o.further {
		f := &o.further[i]
		if f.node == nil || f.value != nil || f.node.Op().(*op).isUnread() {
			continue
		}
		what := spec.OutputsOf(o.spec)[i]
		of := dt
		if what.Places {
			of = tensor.Int32
		}
		d := tensor.New(tensor.Of(of), tensor.WithShape(what.Shape...))
		if o.mem[1+i], err = denseMemory(d); err != nil {
			return err
		}
		f.value = d
	}
	return nil
}

// furtherValue is output number as the last run of the op made it.
func (o *op) furtherValue(number int) (gorgonia.Value, error) {
	if v := o.further[number-1].value; v != nil {
		return v, nil
	}
	return nil, errors.Errorf("graph: output %d of %s, which was not run", number, o)
}

// outputs are the further outputs of steps.
type outputs struct {
	maker map[*gorgonia.Node]*gorgonia.Node     // whose step makes the output
	of    map[*gorgonia.Node][][]*gorgonia.Node // that the node's step makes: see Step.Further
}

// furtherOutputs finds those among nodes, where runs says which nodes are computed.
func furtherOutputs(nodes []*gorgonia.Node, runs map[*gorgonia.Node]bool) outputs {
	found := outputs{map[*gorgonia.Node]*gorgonia.Node{}, map[*gorgonia.Node][][]*gorgonia.Node{}}
	for _, n := range nodes {
		o, ok := n.Op().(*op)
		if !ok {
			continue
		}
		if _, number, ok := o.furtherOf(); ok {
			maker, among := makerOf(o.from[0], number, runs)
			found.maker[n] = maker
			if found.of[maker] == nil {
				found.of[maker] = make([][]*gorgonia.Node, among)
			}
			found.of[maker][number-1] = append(found.of[maker][number-1], n)
		}
	}
	return found
}

// makerOf is the node whose step makes output number of n, and how many it makes besides its first. What is not fused
// after all has the outputs of the op that it would have been fused with.
func makerOf(n *gorgonia.Node, number int, runs map[*gorgonia.Node]bool) (maker *gorgonia.Node, among int) {
	o := n.Op().(*op)
	if o.runsPlain(runs) {
		if o = o.plain; len(spec.OutputsOf(o.spec)) == 0 {
			return makerOf(o.from[0], number, runs)
		}
	}
	return n, len(spec.OutputsOf(o.spec))
}

// runsPlain reports whether a fused op is run as it was asked for, as somebody else needs what its parts make.
func (o *op) runsPlain(runs map[*gorgonia.Node]bool) bool {
	return slices.ContainsFunc(o.parts, func(part *gorgonia.Node) bool { return runs[part] })
}
