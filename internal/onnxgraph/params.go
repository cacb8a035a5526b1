package onnxgraph

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/onnx"
	"medusa/internal/weights"
)

// learnsAt are the inputs of operators that are weights wherever they are constant.
var learnsAt = map[string][]int{
	"Conv": {1, 2}, "Gemm": {1, 2}, "MatMul": {0, 1}, "PRelu": {1}, "BatchNormalization": {1, 2, 3, 4}, "LayerNormalization": {1, 2},
	"InstanceNormalization": {1, 2}, "GroupNormalization": {1, 2}, "RMSNormalization": {1},
}

// moves are operators that give the numbers of their first input other places and shapes.
var moves = map[string]bool{
	"Identity": true, "Reshape": true, "Transpose": true, "Unsqueeze": true, "Squeeze": true, "Expand": true, "Slice": true, "Gather": true, "Cast": true,
	"Split": true, "Flatten": true, "Tile": true, "Dropout": true, "CastLike": true,
}

// joins are operators that bring a weight together with what was computed from pictures by other weights: a bias, a
// factor for each channel, positions, a class token.
var joins = map[string]bool{"Add": true, "Mul": true, "Concat": true}

// chooser tells parameters from constants.
type chooser struct {
	*Net
	stored  map[string]*weights.Tensor // what the file holds, by names of tensors
	inNode  map[string]bool            // those that nodes Constant hold
	roots   map[string]string          // of tensors that are stored ones, moved
	learned map[string]bool            // tensors that depend on a parameter and on pictures
	seen    map[string]bool            // tensors that depend on pictures
}

// chooseParams makes parameters of the tensors that learn. Those are what convolutions, products and normalisations read, and
// initializers of several numbers that are added to what was computed by such, multiplied or joined with it.
func (n *Net) chooseParams(m *weights.Model) error {
	n.params = map[string]*param{}
	c := &chooser{Net: n, stored: map[string]*weights.Tensor{}, inNode: map[string]bool{}, roots: map[string]string{}, learned: map[string]bool{}, seen: map[string]bool{n.input.Name: true}}
	for _, t := range m.Tensors {
		c.stored[t.Name], c.roots[t.Name] = t, t.Name
	}
	for _, node := range n.nodes {
		if node.Op == "Constant" && len(node.Out) == 1 {
			if t, ok := attribute(node, "value").(*weights.Tensor); ok {
				c.stored[node.Out[0]], c.roots[node.Out[0]], c.inNode[node.Out[0]] = t, node.Out[0], true
			}
		}
	}
	for _, node := range n.nodes {
		if err := c.visit(node); err != nil {
			return err
		}
	}
	return nil
}

// visit finds the parameters that a node reads.
func (c *chooser) visit(node onnx.Node) error {
	if root, moved := c.roots[first(node.In)]; moved && moves[node.Op] {
		for _, out := range node.Out {
			c.roots[out] = root
		}
	}
	strong := learnsAt[node.Op]
	sees, learned := false, false
	for i, in := range node.In {
		sees = sees || c.seen[in]
		learned = learned || c.learned[in]
		if root, ok := c.roots[in]; ok && slices.Contains(strong, i) {
			buffer := node.Op == "BatchNormalization" && i >= 3
			if err := c.take(root, buffer); err != nil {
				return err
			}
			learned = true
		}
	}
	if joins[node.Op] && learned && sees {
		for _, in := range node.In {
			if root, ok := c.roots[in]; ok && !c.inNode[root] && c.stored[root].Len() > 1 {
				if err := c.take(root, false); err != nil {
					return err
				}
			}
		}
	}
	for _, out := range node.Out {
		c.seen[out] = sees
		c.learned[out] = sees && learned
	}
	return nil
}

// take makes a stored tensor a parameter, if it can be one.
func (c *chooser) take(root string, buffer bool) error {
	t := c.stored[root]
	if p := c.params[root]; p != nil && p.buffer != buffer {
		return errors.Errorf("its tensor %q is both a weight and a statistic of batch normalisation: export it anew", root)
	}
	if !t.Dtype.Float() || len(t.Shape) == 0 || t.Len() == 0 {
		return nil
	}
	p := &param{name: root, shape: t.Shape, buffer: buffer}
	if c.inNode[root] {
		p.tensor = t
	}
	c.params[root] = p
	return nil
}

// takeConstants reads what is no parameter, and takes the nodes away that hold it.
func (n *Net) takeConstants(m *weights.Model) error {
	n.constants = map[string]*constant{}
	left := n.nodes[:0:0]
	for _, node := range n.nodes {
		if node.Op != "Constant" {
			node, err := withConstants(node)
			if err != nil {
				return err
			}
			left = append(left, node)
			continue
		}
		if len(node.Out) != 1 {
			return errors.Errorf("node %s holds a constant for %d tensors: the file is damaged", nodeName(node), len(node.Out))
		}
		if n.params[node.Out[0]] != nil {
			continue
		}
		c, err := valueOf(node)
		if err != nil {
			return errors.WithMessagef(err, "node %s", nodeName(node))
		}
		n.constants[node.Out[0]] = c
	}
	n.nodes = left
	for _, node := range n.nodes {
		for _, in := range node.In {
			t := m.Lookup(in)
			if t == nil || n.params[in] != nil || n.constants[in] != nil {
				continue
			}
			c, err := readConstant(t)
			if err != nil {
				return err
			}
			n.constants[in] = c
		}
	}
	return n.checkOrigins()
}

// withConstants is a node whose attributes are read as far as they are tensors.
func withConstants(node onnx.Node) (onnx.Node, error) {
	node.Attributes = slices.Clone(node.Attributes)
	for i, a := range node.Attributes {
		if t, ok := a.Value.(*weights.Tensor); ok {
			c, err := readConstant(t)
			if err != nil {
				return node, errors.WithMessagef(err, "node %s", nodeName(node))
			}
			node.Attributes[i].Value = c
		}
	}
	return node, nil
}

// checkOrigins returns an error for a node that reads what is nowhere made.
func (n *Net) checkOrigins() error {
	made := map[string]bool{"": true, n.input.Name: true}
	for _, node := range n.nodes {
		for _, in := range node.In {
			if !made[in] && n.params[in] == nil && n.constants[in] == nil {
				return errors.Errorf("node %s reads %q, which nothing makes: the file is damaged, or its weights were left out of it", nodeName(node), in)
			}
		}
		for _, out := range node.Out {
			made[out] = true
		}
	}
	return nil
}

// classes is how many outputs of a last layer are taken for those of a classifier.
const classes = 1000

// warnOfClassifier warns of a last layer that ImageNet's classifiers have.
func (n *Net) warnOfClassifier() {
	last := n.nodes[len(n.nodes)-1]
	if len(last.In) < 2 || last.Op != "Gemm" && last.Op != "MatMul" && last.Op != "Add" {
		return
	}
	for _, in := range last.In[1:] {
		p := n.params[in]
		if p == nil || !slices.Contains(p.shape, classes) && !slices.Contains(p.shape, classes+1) {
			continue
		}
		features := last.In[0]
		if last.Op == "Add" {
			for _, before := range n.nodes {
				if slices.Contains(before.Out, features) {
					features = cmp.Or(first(before.In), features)
				}
			}
		}
		n.warnings = append(n.warnings, fmt.Sprintf("the output %q of the backbone has one number for each of %d classes, as a classifier of ImageNet; the features before it are #%s", n.output, classes, features))
		return
	}
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}
