package graph

import (
	"reflect"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Step is one computation of a graph, as a machine runs it.
type Step struct {
	Node *gorgonia.Node
	In   []*gorgonia.Node // what it reads
	// Further are the nodes of its outputs besides Node, as the spec numbers them from 1 on: none of one that nobody
	// reads, and two where an op that is not fused after all has those of its part.
	Further [][]*gorgonia.Node
	// Spec says what a kernel computes; nil of an op of other origin, which is run as it is.
	Spec any
	// Into is where gorgonia.Read wants a copy of the only input; nil of other steps.
	Into *gorgonia.Value
	// Kept is to be told where the step's copy of its only input stands, or the input itself if it stays
	// as it is until the next run; nil of other steps.
	Kept *Kept
	// Again says that an earlier step computed the same, into other memory: see Recomputed.
	Again bool
}

// Steps lists what g computes, each step after those whose results it reads. What ops of this
// package make by themselves, and nobody else reads, is not among them. Gorgonia's sums of
// gradients are steps with a spec, too. All other nodes that steps read are inputs and constants.
func Steps(g *gorgonia.ExprGraph) ([]Step, error) {
	sorted, err := gorgonia.Sort(pruned(g))
	if err != nil {
		return nil, errors.Wrap(err, "graph: order of ops")
	}
	var steps []Step
	runs := map[*gorgonia.Node]bool{}
	for _, n := range sorted {
		runs[n] = true
	}
	outputs := furtherOutputs(sorted, runs)
	done := map[*gorgonia.Node]bool{}
	var add func(n *gorgonia.Node)
	add = func(n *gorgonia.Node) {
		if done[n] || n.Op() == nil || isConstant(n) {
			return
		}
		done[n] = true
		if of, ok := outputs.maker[n]; ok {
			add(of)
			return
		}
		s := stepOf(n, runs)
		s.Further = outputs.of[n]
		for _, in := range s.In { // they are there already, unless an op is not fused after all
			add(in)
		}
		steps = append(steps, s)
	}
	for i := len(sorted) - 1; i >= 0; i-- { // Sort has what reads before what is read
		add(sorted[i])
	}
	return steps, nil
}

// stepOf is what computes n, where the nodes in runs are computed. An op is fused only if somebody else does
// not need what its parts make: else the work would be done twice.
func stepOf(n *gorgonia.Node, runs map[*gorgonia.Node]bool) Step {
	s := Step{Node: n}
	if o, ok := n.Op().(*op); ok && o.isAt(n) {
		if o.runsPlain(runs) {
			o = o.plain
		}
		s.In, s.Spec, s.Kept = o.from, o.spec, o.kept
		return s
	}
	for in := n.Graph().From(n.ID()); in.Next(); {
		s.In = append(s.In, in.Node().(*gorgonia.Node))
	}
	if isSum(n) {
		size := []int{n.Shape().TotalSize()}
		s.Spec = spec.Binary{Op: spec.Add, A: size, B: size}
	}
	s.Into = readInto(n.Op())
	return s
}

// isConstant reports whether n is one of Gorgonia's constants, whose value is bound to it.
func isConstant(n *gorgonia.Node) bool {
	_, ours := n.Op().(*op)
	return !ours && n.Op().Arity() == 0 && constants[reflect.TypeOf(n.Op())]
}

// constants are the types of ops that constants of Gorgonia's have.
var constants = map[reflect.Type]bool{
	reflect.TypeOf(gorgonia.NewConstant(float32(1)).Op()):                                                        true,
	reflect.TypeOf(gorgonia.NewConstant(tensor.New(tensor.WithShape(1), tensor.WithBacking([]float32{1}))).Op()): true,
}

// readKind is the type of op that gorgonia.Read makes: a struct of one pointer.
var readKind = func() reflect.Type {
	var into gorgonia.Value
	return reflect.TypeOf(gorgonia.Read(gorgonia.NewScalar(gorgonia.NewGraph(), tensor.Float32, gorgonia.WithName("x")), &into).Op())
}()

// readInto is where an op of gorgonia.Read writes to, which Gorgonia does not tell; nil of other
// ops.
func readInto(o gorgonia.Op) *gorgonia.Value {
	if reflect.TypeOf(o) != readKind {
		return nil
	}
	return (*gorgonia.Value)(reflect.ValueOf(o).Field(0).UnsafePointer())
}
