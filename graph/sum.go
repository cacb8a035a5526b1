package graph

import (
	"reflect"
	"slices"
	"sync"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// isSum tells whether n is Gorgonia's sum of two nodes of one shape, such as Grad makes of
// the gradients from two readers.
func isSum(n *gorgonia.Node) bool {
	if n.Op() == nil || n.Op().Arity() != 2 {
		return false
	}
	for in := n.Graph().From(n.ID()); in.Next(); {
		input := in.Node().(*gorgonia.Node)
		if !slices.Equal(input.Shape(), n.Shape()) || input.Dtype() != n.Dtype() {
			return false
		}
	}
	if dt := n.Dtype(); dt != tensor.Float32 && dt != tensor.Float64 {
		return false
	}
	sum := sumOf(operands{n.Dtype(), n.Dims()})
	return reflect.TypeOf(n.Op()) == sum.kind && n.Op().Hashcode() == sum.hash
}

// operands are what Gorgonia's sum of two values of one type depends on.
type operands struct {
	dt   tensor.Dtype
	dims int
}

// opIdentity tells an op of Gorgonia's from its others, whose types it does not export.
type opIdentity struct {
	kind reflect.Type
	hash uint32
}

var (
	sums   = map[operands]opIdentity{}
	sumsMu sync.Mutex
)

// sumOf identifies the op that gorgonia.Add makes for such operands.
func sumOf(of operands) opIdentity {
	sumsMu.Lock()
	defer sumsMu.Unlock()
	if known, ok := sums[of]; ok {
		return known
	}
	g := gorgonia.NewGraph()
	operand := func(name string) *gorgonia.Node {
		if of.dims == 0 {
			return gorgonia.NewScalar(g, of.dt, gorgonia.WithName(name))
		}
		shape := slices.Repeat([]int{2}, of.dims)
		return gorgonia.NewTensor(g, of.dt, of.dims, gorgonia.WithShape(shape...), gorgonia.WithName(name))
	}
	op := gorgonia.Must(gorgonia.Add(operand("a"), operand("b"))).Op()
	sums[of] = opIdentity{reflect.TypeOf(op), op.Hashcode()}
	return sums[of]
}
