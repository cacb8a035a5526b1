package model

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/onnx"
	"medusa/nets"
)

// tracer writes the operations of a network down as nodes of ONNX. It reads the graphs of the network
// for two numbers of pictures side by side: the sizes in which they differ are those that grow with the
// number of pictures.
type tracer struct {
	graph   onnx.Graph
	weights map[string][]float32 // by the names of Params
	input   onnxValue            // what the network reads
	first   *gorgonia.Node       // the network's input in the first graph
	done    map[*gorgonia.Node]onnxValue
	taken   map[string]bool // names of tensors and nodes
	batch   string          // the number of pictures as a tensor (1); empty if nobody needed it
}

// batches are the numbers of pictures of the two graphs.
var batches = [2]int{2, 3}

// onnxValue is a tensor of the ONNX graph.
type onnxValue struct {
	name  string
	shape []axis
}

// axis is the length of an axis: size, or with each so many times the number of pictures.
type axis struct {
	size int
	each bool
}

// traceNetwork writes down the network of cfg, which reads input; what it returns is the embedding.
func (t *tracer) traceNetwork(cfg nets.Config, input string) (onnxValue, error) {
	var ends [2]*gorgonia.Node
	for i, n := range batches {
		x := gorgonia.NewTensor(gorgonia.NewGraph(), tensor.Float32, 4, gorgonia.WithName("pictures"), gorgonia.WithShape(n, cfg.InChannels, cfg.Height, cfg.Width))
		net, err := nets.BuildUnfused(cfg, graph.NewShapes(), x, nets.Eval)
		if err != nil {
			return onnxValue{}, err
		}
		ends[i] = net.Embedding
		if i == 0 {
			t.first = x
		}
	}
	t.input = onnxValue{input, []axis{{1, true}, {size: cfg.InChannels}, {size: cfg.Height}, {size: cfg.Width}}}
	t.done = map[*gorgonia.Node]onnxValue{}
	out, err := t.value(ends[0], ends[1])
	return out, errors.WithMessagef(err, "model: ONNX: backbone %s", cfg.Backbone)
}

// value is what a node computes, which a and b are in the two graphs.
func (t *tracer) value(a, b *gorgonia.Node) (onnxValue, error) {
	if v, ok := t.done[a]; ok {
		return v, nil
	}
	shape, err := axes(a.Shape(), b.Shape())
	if err != nil {
		return onnxValue{}, err
	}
	v := onnxValue{shape: shape}
	if a.Op() == nil {
		v.name, err = t.leaf(a)
	} else {
		v.name, err = t.applied(a, b, shape)
	}
	t.done[a] = v
	return v, err
}

// axes is the shape that a node has in the two graphs.
func axes(a, b tensor.Shape) ([]axis, error) {
	out := make([]axis, len(a))
	for i, n := range a {
		switch {
		case len(a) != len(b):
			return nil, errors.Errorf("a tensor has the shape %v for %d pictures and %v for %d, want as many axes", a, batches[0], b, batches[1])
		case n == b[i]:
			out[i] = axis{size: n}
		case n%batches[0] == 0 && n/batches[0]*batches[1] == b[i]:
			out[i] = axis{n / batches[0], true}
		default:
			return nil, errors.Errorf("a tensor has the shape %v for %d pictures and %v for %d, want sizes that are fixed or grow with the number of pictures", a, batches[0], b, batches[1])
		}
	}
	return out, nil
}

// leaf is the pictures or a parameter.
func (t *tracer) leaf(n *gorgonia.Node) (string, error) {
	if n == t.first {
		return t.input.name, nil
	}
	weights, ok := t.weights[n.Name()]
	if !ok {
		return "", errors.Errorf("the graph reads %q, which is neither the pictures nor a parameter of graph.Params: make it one, or a part of the graph by Expr.Values", n.Name())
	}
	name := t.unique(pytorchName(n.Name()))
	var shape []int64
	for _, d := range n.Shape() {
		shape = append(shape, int64(d))
	}
	t.graph.Initializers = append(t.graph.Initializers, onnx.Floats(name, weights, shape...))
	return name, nil
}

// applied is what an operation makes.
func (t *tracer) applied(a, b *gorgonia.Node, shape []axis) (string, error) {
	op, known := graph.OperationOf(a)
	form := onnxForms[op.Kind]
	if !known || form == nil {
		return "", errors.Errorf("the operation %v has no form in ONNX: make the layer of those that graph.Operation lists", a.Op())
	}
	other, _ := graph.OperationOf(b)
	if other.Kind != op.Kind || len(other.In) != len(op.In) || !reflect.DeepEqual(op.Config, other.Config) {
		return "", errors.Errorf("the operation %v is %v for %d pictures: what depends on their number other than by its shape has no form in ONNX", a.Op(), b.Op(), batches[1])
	}
	e := &emitter{tracer: t, op: op, out: shape}
	for i := range op.In {
		in, err := t.value(op.In[i], other.In[i])
		if err != nil {
			return "", err
		}
		e.in = append(e.in, in)
	}
	e.label = e.layer()
	name, err := form(e)
	return name, errors.WithMessagef(err, "the operation %v", a.Op())
}

// unique is name, or if that is taken, name with a number.
func (t *tracer) unique(name string) string {
	if t.taken == nil {
		t.taken = map[string]bool{}
	}
	free := name
	for i := 2; t.taken[free]; i++ {
		free = fmt.Sprintf("%s_%d", name, i)
	}
	t.taken[free] = true
	return free
}

// add applies an operator; what it returns is the name of the result, which begins with label.
func (t *tracer) add(label, operator string, in []string, attributes ...onnx.Attribute) string {
	name := t.unique(label)
	t.graph.Nodes = append(t.graph.Nodes, onnx.Node{Op: operator, Name: name, In: in, Out: []string{name}, Attributes: attributes})
	return name
}

// scalar is a constant of one number.
func (t *tracer) scalar(label string, v float64) string {
	return t.constant(onnx.Floats(t.unique(label), []float32{float32(v)}))
}

// ints is a constant of whole numbers.
func (t *tracer) ints(label string, values ...int64) string {
	return t.constant(onnx.Ints(t.unique(label), values, int64(len(values))))
}

func (t *tracer) constant(c onnx.Tensor) string {
	t.graph.Initializers = append(t.graph.Initializers, c)
	return c.Name
}

// shapeOf is a shape as a tensor of whole numbers, computed where it grows with the number of pictures.
func (t *tracer) shapeOf(label string, shape []axis) string {
	if !slices.ContainsFunc(shape, func(a axis) bool { return a.each }) {
		sizes := make([]int64, len(shape))
		for i, a := range shape {
			sizes[i] = int64(a.size)
		}
		return t.ints(label+".shape", sizes...)
	}
	var parts []string
	for _, a := range shape {
		part := ""
		if a.each {
			part = t.pictures(label, a.size)
		} else {
			part = t.ints(label+".size", int64(a.size))
		}
		parts = append(parts, part)
	}
	return t.add(label+".shape", "Concat", parts, onnx.Attribute{Name: "axis", Value: int64(0)})
}

// pictures is so many times the number of pictures, as a tensor (1).
func (t *tracer) pictures(label string, times int) string {
	if t.batch == "" {
		t.batch = t.add("batch", "Shape", []string{t.input.name}, onnx.Attribute{Name: "start", Value: int64(0)}, onnx.Attribute{Name: "end", Value: int64(1)})
	}
	if times == 1 {
		return t.batch
	}
	return t.add(label+".size", "Mul", []string{t.batch, t.ints(label+".times", int64(times))})
}

// reshape gives x another shape, of as many elements.
func (t *tracer) reshape(label, x string, shape []axis) string {
	sizes := make([]int64, len(shape))
	open := 0
	for i, a := range shape {
		sizes[i] = int64(a.size)
		if a.each {
			sizes[i] = -1
			open++
		}
	}
	to := ""
	if open > 1 {
		to = t.shapeOf(label, shape)
	} else {
		to = t.ints(label+".shape", sizes...)
	}
	return t.add(label, "Reshape", []string{x, to})
}
