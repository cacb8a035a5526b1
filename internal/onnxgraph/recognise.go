package onnxgraph

import (
	"math"
	"slices"

	"medusa/internal/onnx"
)

// recogniser finds operators that exporters spell out by simpler ones, and for which there are ops that do all at once.
type recogniser struct {
	*Net
	makers  map[string]int   // of tensors, by their nodes
	readers map[string][]int // of tensors
	gone    map[int]bool     // nodes that others stand for
}

// recognise puts one operator in the place of several that spell it out: layer normalisation, GELU, SiLU and its like.
// The nodes between must be read by nobody else.
func (n *Net) recognise() {
	r := &recogniser{Net: n, makers: map[string]int{}, readers: map[string][]int{}, gone: map[int]bool{}}
	for i, node := range n.nodes {
		for _, in := range node.In {
			r.readers[in] = append(r.readers[in], i)
		}
		for _, out := range node.Out {
			r.makers[out] = i
		}
	}
	for i, node := range n.nodes {
		switch node.Op {
		case "Sqrt":
			r.layerNorm(i)
		case "Erf":
			r.gelu(i)
		case "Sigmoid":
			r.swish(i)
		case "HardSigmoid":
			r.hardSwish(i)
		}
	}
	left := n.nodes[:0:0]
	for i, node := range n.nodes {
		if !r.gone[i] {
			left = append(left, node)
		}
	}
	n.nodes = left
}

// next is the node that alone reads what node i makes, if it is of an operator.
func (r *recogniser) next(i int, op string) (int, bool) {
	node := r.nodes[i]
	if len(node.Out) != 1 || node.Out[0] == r.output {
		return 0, false
	}
	readers := r.readers[node.Out[0]]
	if len(readers) == 0 || r.nodes[readers[0]].Op != op || r.gone[readers[0]] || readers[len(readers)-1] != readers[0] {
		return 0, false
	}
	return readers[0], true
}

// made is the node that makes a tensor, if it is of an operator.
func (r *recogniser) made(tensor, op string) (int, bool) {
	i, ok := r.makers[tensor]
	if !ok || r.nodes[i].Op != op || r.gone[i] {
		return 0, false
	}
	return i, true
}

// other is the input of node i that is not a tensor; empty if both or none are.
func (r *recogniser) other(i int, tensor string) string {
	in := r.nodes[i].In
	switch {
	case len(in) != 2 || in[0] == in[1]:
		return ""
	case in[0] == tensor:
		return in[1]
	case in[1] == tensor:
		return in[0]
	}
	return ""
}

// is reports whether a tensor is a constant of one number, close to v.
func (r *recogniser) is(tensor string, v float64) bool {
	k := r.constants[tensor]
	return k != nil && k.size() == 1 && math.Abs(k.at(0)-v) <= 1e-5*math.Abs(v)
}

// scaledBy finds x where a tensor is x·v, as a product or a quotient.
func (r *recogniser) scaledBy(tensor string, v float64) (x string, node int, ok bool) {
	if i, made := r.made(tensor, "Mul"); made && len(r.nodes[i].In) == 2 {
		in := r.nodes[i].In
		switch {
		case r.is(in[1], v):
			return in[0], i, true
		case r.is(in[0], v):
			return in[1], i, true
		}
	}
	if i, made := r.made(tensor, "Div"); made && len(r.nodes[i].In) == 2 && r.is(r.nodes[i].In[1], 1/v) {
		return r.nodes[i].In[0], i, true
	}
	return "", 0, false
}

// stands puts a node in the place of the last of several.
func (r *recogniser) stands(op onnx.Node, last int, others ...int) {
	op.Name, op.Out = r.nodes[last].Name, r.nodes[last].Out
	r.nodes[last] = op
	for _, i := range others {
		r.gone[i] = true
	}
}

// alone reports whether nobody but some nodes reads what node i makes.
func (r *recogniser) alone(i int, by ...int) bool {
	for _, out := range r.nodes[i].Out {
		if out == r.output || slices.ContainsFunc(r.readers[out], func(reader int) bool { return !slices.Contains(by, reader) }) {
			return false
		}
	}
	return true
}

// gelu is x·½·(1 + erf(x/√2)), multiplied in either order.
func (r *recogniser) gelu(erf int) {
	x, scale, ok := r.scaledBy(first(r.nodes[erf].In), math.Sqrt2/2)
	if !ok || !r.alone(scale, erf) {
		return
	}
	plus, ok := r.next(erf, "Add")
	if !ok || !r.is(r.other(plus, r.nodes[erf].Out[0]), 1) {
		return
	}
	times, ok := r.next(plus, "Mul")
	if !ok {
		return
	}
	gelu := onnx.Node{Op: "Gelu", In: []string{x}}
	factor := r.other(times, r.nodes[plus].Out[0])
	if half, at, ok := r.scaledBy(factor, 0.5); ok && half == x && r.alone(at, times) {
		r.stands(gelu, times, scale, erf, plus, at)
		return
	}
	half, halves := r.next(times, "Mul")
	switch {
	case halves && factor == x && r.is(r.other(half, r.nodes[times].Out[0]), 0.5):
		r.stands(gelu, half, scale, erf, plus, times)
	case r.is(factor, 0.5) && halves && r.other(half, r.nodes[times].Out[0]) == x:
		r.stands(gelu, half, scale, erf, plus, times)
	}
}

// swish is x·σ(β·x).
func (r *recogniser) swish(sigmoid int) {
	times, ok := r.next(sigmoid, "Mul")
	if !ok {
		return
	}
	x, in := r.other(times, r.nodes[sigmoid].Out[0]), first(r.nodes[sigmoid].In)
	if x == in {
		r.stands(onnx.Node{Op: "Swish", In: []string{x}}, times, sigmoid)
		return
	}
	scale, ok := r.made(in, "Mul")
	if !ok || !r.alone(scale, sigmoid) {
		return
	}
	if k := r.constants[r.other(scale, x)]; k != nil && k.size() == 1 {
		beta := onnx.Attribute{Name: "alpha", Value: float32(k.at(0))}
		r.stands(onnx.Node{Op: "Swish", In: []string{x}, Attributes: []onnx.Attribute{beta}}, times, scale, sigmoid)
	}
}

// hardSwish is x·max(0, min(1, x/6 + ½)).
func (r *recogniser) hardSwish(gate int) {
	alpha, _ := attribute(r.nodes[gate], "alpha").(float32)
	times, ok := r.next(gate, "Mul")
	if x := first(r.nodes[gate].In); ok && math.Abs(float64(alpha)-1./6) < 1e-6 && attribute(r.nodes[gate], "beta") == any(float32(0.5)) &&
		r.other(times, r.nodes[gate].Out[0]) == x {
		r.stands(onnx.Node{Op: "HardSwish", In: []string{x}}, times, gate)
	}
}

// layerNorm is d/√(mean(d²) + ε), where d is x − mean(x), and what multiplies it and is added to it, over the last axis.
func (r *recogniser) layerNorm(root int) {
	plus, ok := r.made(first(r.nodes[root].In), "Add")
	if !ok || !r.alone(plus, root) {
		return
	}
	eps, variance := r.addend(plus)
	outer, ok := r.made(variance, "ReduceMean")
	if !ok || !r.overLast(outer) || !r.alone(outer, plus) {
		return
	}
	squares, d, ok := r.squares(first(r.nodes[outer].In))
	if !ok || !r.alone(squares, outer) {
		return
	}
	less, ok := r.made(d, "Sub")
	if !ok {
		return
	}
	x := r.nodes[less].In[0]
	inner, ok := r.made(r.nodes[less].In[1], "ReduceMean")
	if !ok || !r.overLast(inner) || first(r.nodes[inner].In) != x || !r.alone(inner, less) {
		return
	}
	over, ok := r.next(root, "Div")
	if !ok || r.nodes[over].In[0] != d || !r.alone(less, squares, over) {
		return
	}
	norm := onnx.Node{Op: "LayerNormalization", In: []string{x}, Attributes: []onnx.Attribute{{Name: "epsilon", Value: float32(eps)}}}
	parts := []int{inner, less, squares, outer, plus, root}
	last := r.affine(&norm, over, &parts)
	r.stands(norm, last, parts...)
}

// addend is the number that a sum adds, and what to; 0 if there is none.
func (r *recogniser) addend(plus int) (v float64, to string) {
	for _, in := range r.nodes[plus].In {
		if k := r.constants[in]; k != nil && k.size() == 1 && k.at(0) > 0 {
			return k.at(0), r.other(plus, in)
		}
	}
	return 0, ""
}

// overLast reports whether a mean is over the last axis, which stays.
func (r *recogniser) overLast(i int) bool {
	node := r.nodes[i]
	if keep, ok := attribute(node, "keepdims").(int64); ok && keep != 1 {
		return false
	}
	at, _ := attribute(node, "axes").([]int64)
	if len(node.In) > 1 && r.constants[node.In[1]] != nil {
		at = r.constants[node.In[1]].ints
	}
	return slices.Equal(at, []int64{-1})
}

// squares finds d where a tensor is d², as a power or a product.
func (r *recogniser) squares(tensor string) (node int, d string, ok bool) {
	if i, made := r.made(tensor, "Pow"); made && r.is(r.nodes[i].In[1], 2) {
		return i, r.nodes[i].In[0], true
	}
	if i, made := r.made(tensor, "Mul"); made && len(r.nodes[i].In) == 2 && r.nodes[i].In[0] == r.nodes[i].In[1] {
		return i, r.nodes[i].In[0], true
	}
	return 0, "", false
}

// affine adds the weights and the shifts of a normalisation to it, if they follow it. What it returns is the last
// of its nodes; the others come to parts.
func (r *recogniser) affine(norm *onnx.Node, last int, parts *[]int) int {
	for _, op := range []string{"Mul", "Add"} {
		at, ok := r.next(last, op)
		if !ok {
			break
		}
		weights := r.other(at, r.nodes[last].Out[0])
		if p := r.params[weights]; p == nil || len(p.shape) != 1 || p.shape[0] == 1 {
			break
		}
		norm.In = append(norm.In, weights)
		*parts = append(*parts, last)
		last = at
	}
	return last
}
