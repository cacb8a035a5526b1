package onnxgraph

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/catalog"
	"medusa/internal/onnx"
	"medusa/internal/weights"
)

// Net is a model of ONNX, cut at a tensor: what computes features of pictures. Many goroutines may build graphs of one.
type Net struct {
	path   string // of the file, where the weights are; empty for a net of Decode
	opset  int64
	input  onnx.Value
	output string
	nodes  []onnx.Node // those that the output needs, in order, without those that hold constants

	constants map[string]*constant
	params    map[string]*param
	warnings  []string
}

// param is a tensor that learns, or that a batch normalisation keeps.
type param struct {
	name   string
	shape  []int
	buffer bool
	tensor *weights.Tensor // of a node Constant
}

// Open reads the model at path up to a tensor, which may be inside; where none is named, up to its first output.
func Open(path, tensor string) (*Net, error) {
	m, err := weights.OpenModel(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	n := &Net{path: path}
	return n, errors.WithMessagef(n.read(m, tensor), "onnx: %s", path)
}

// Decode reads what Encode made. Its parameters have shapes and no numbers.
func Decode(graph []byte) (*Net, error) {
	m, err := weights.ReadModel(bytes.NewReader(graph), int64(len(graph)))
	if err != nil {
		return nil, err
	}
	if len(m.Inputs) == 0 || len(m.Outputs) != 1 {
		return nil, errors.New("onnx: a stored graph has no pictures or no output: the model file is damaged")
	}
	n := &Net{params: map[string]*param{}}
	for _, v := range m.Inputs[1:] {
		p := &param{name: v.Name, buffer: v.Doc == bufferDoc}
		for _, d := range v.Shape {
			p.shape = append(p.shape, int(d.Size))
		}
		n.params[v.Name] = p
	}
	m.Inputs = m.Inputs[:1]
	return n, errors.WithMessage(n.read(m, ""), "onnx: the stored graph")
}

// bufferDoc marks inputs of stored graphs that do not learn.
const bufferDoc = "buffer"

// Encode is the graph without the numbers of its parameters, which are inputs of it behind the pictures.
func (n *Net) Encode() ([]byte, error) {
	g := onnx.Graph{Name: "backbone", Inputs: []onnx.Value{n.input}, Outputs: []onnx.Value{{Name: n.output, Elem: onnx.Float32}}}
	for _, node := range n.nodes {
		g.Nodes = append(g.Nodes, stored(node))
	}
	for _, name := range sortedKeys(n.params) {
		p := n.params[name]
		v := onnx.Value{Name: name, Elem: onnx.Float32}
		if p.buffer {
			v.Doc = bufferDoc
		}
		for _, d := range p.shape {
			v.Shape = append(v.Shape, onnx.Dim{Size: int64(d)})
		}
		g.Inputs = append(g.Inputs, v)
	}
	for _, name := range sortedKeys(n.constants) {
		g.Initializers = append(g.Initializers, n.constants[name].tensor(name))
	}
	m := onnx.Model{IRVersion: 8, Opset: n.opset, Graph: g}
	return m.Marshal()
}

// stored is a node as package onnx writes it: without attributes that nobody here reads.
func stored(node onnx.Node) onnx.Node {
	var attributes []onnx.Attribute
	for _, a := range node.Attributes {
		switch v := a.Value.(type) {
		case *constant:
			a.Value = v.tensor("")
		case weights.Subgraph, nil:
			continue
		}
		attributes = append(attributes, a)
	}
	node.Attributes = attributes
	return node
}

// Sizes are those of the pictures that the file fixes, 0 where it leaves them open.
func (n *Net) Sizes() (channels, height, width int) {
	s := n.input.Shape
	fixed := func(axis int) int { return int(s[axis].Size) }
	if n.channelsLast() {
		return fixed(3), fixed(1), fixed(2)
	}
	return fixed(1), fixed(2), fixed(3)
}

// batch is the number of pictures that the file fixes; 0 where it leaves it open.
func (n *Net) batch() int { return int(n.input.Shape[0].Size) }

// channelsLast reports whether pictures are (B, H, W, C), as TensorFlow has them.
func (n *Net) channelsLast() bool {
	s := n.input.Shape
	isColour := func(d onnx.Dim) bool { return d.Size == 1 || d.Size == 3 || d.Size == 4 }
	return isColour(s[3]) && s[1].Size > 0 && !isColour(s[1]) || isColour(s[3]) && s[1].Size == 0 && s[1].Param != "" && n.beginsWithTranspose()
}

// beginsWithTranspose reports whether the pictures' channels are brought to the front first.
func (n *Net) beginsWithTranspose() bool {
	return slices.ContainsFunc(n.nodes, func(node onnx.Node) bool {
		perm, _ := attribute(node, "perm").([]int64)
		return node.Op == "Transpose" && len(node.In) == 1 && node.In[0] == n.input.Name && slices.Equal(perm, []int64{0, 3, 1, 2})
	})
}

// Output is the name of the tensor at which the model is cut.
func (n *Net) Output() string { return n.output }

// Warnings says what may not be meant.
func (n *Net) Warnings() []string { return n.warnings }

// read takes what the output needs of a model.
func (n *Net) read(m *weights.Model, tensor string) error {
	n.opset = m.Opset
	if n.opset > 0 && n.opset < 7 {
		return errors.Errorf("its operators are of version %d, of 2017: bring it to a newer one with onnx.version_converter, at least 7", n.opset)
	}
	if err := n.cut(m, tensor); err != nil {
		return err
	}
	if err := n.refuseUnknown(m.Functions); err != nil {
		return err
	}
	if err := n.takeInput(m); err != nil {
		return err
	}
	if n.params == nil {
		if err := n.chooseParams(m); err != nil {
			return err
		}
	}
	if err := n.takeConstants(m); err != nil {
		return err
	}
	n.recognise()
	n.warnOfClassifier()
	return nil
}

// cut keeps the nodes that the output needs.
func (n *Net) cut(m *weights.Model, tensor string) error {
	if n.output = tensor; tensor == "" {
		if len(m.Outputs) == 0 {
			return errors.New("it has no output: export it anew")
		}
		n.output = m.Outputs[0].Name
	}
	makers := map[string]int{}
	for i, node := range m.Nodes {
		for _, out := range node.Out {
			if out != "" {
				makers[out] = i
			}
		}
	}
	if _, ok := makers[n.output]; !ok {
		return errors.Errorf("it has no tensor %q%s; its last ones are %s", n.output, catalog.Hint(n.output, sortedKeys(makers)), strings.Join(lastTensors(m), ", "))
	}
	needed := make([]bool, len(m.Nodes))
	n.need(m, makers, needed, makers[n.output])
	made := map[string]bool{}
	for i, node := range m.Nodes {
		if !needed[i] {
			continue
		}
		for _, in := range node.In {
			if at, ok := makers[in]; ok && !made[in] {
				return errors.Errorf("node %s reads %q, which node %s behind it makes: the nodes are not in order, or read each other; export it anew", nodeName(node), in, nodeName(m.Nodes[at]))
			}
		}
		for _, out := range node.Out {
			made[out] = true
		}
		n.nodes = append(n.nodes, node)
	}
	n.dropIdentities()
	return nil
}

// dropIdentities lets nodes read what nodes Identity pass on, by which exporters share equal initializers.
func (n *Net) dropIdentities() {
	of := map[string]string{}
	left := n.nodes[:0:0]
	for _, node := range n.nodes {
		node.In = slices.Clone(node.In)
		for i, in := range node.In {
			node.In[i] = cmp.Or(of[in], in)
		}
		if node.Op == "Identity" && isStandard(node) && len(node.In) == 1 && len(node.Out) == 1 && node.Out[0] != n.output {
			of[node.Out[0]] = node.In[0]
			continue
		}
		left = append(left, node)
	}
	n.nodes = left
}

// need marks the nodes that one of them reads, itself among them.
func (n *Net) need(m *weights.Model, makers map[string]int, needed []bool, first int) {
	open := []int{first}
	for len(open) > 0 {
		i := open[len(open)-1]
		open = open[:len(open)-1]
		if needed[i] {
			continue
		}
		needed[i] = true
		for _, in := range m.Nodes[i].In {
			if at, ok := makers[in]; ok {
				open = append(open, at)
			}
		}
	}
}

// lastTensors are the outputs, and what the last nodes make.
func lastTensors(m *weights.Model) (names []string) {
	for i := len(m.Nodes) - 1; i >= 0 && len(names) < 6; i-- {
		if m.Nodes[i].Op != "Constant" {
			names = append(names, m.Nodes[i].Out...)
		}
	}
	return names
}

// takeInput finds the pictures among what the nodes read.
func (n *Net) takeInput(m *weights.Model) error {
	reads := map[string]bool{}
	for _, node := range n.nodes {
		for _, in := range node.In {
			reads[in] = true
		}
	}
	var inputs []onnx.Value
	for _, v := range m.Inputs {
		if m.Lookup(v.Name) == nil && reads[v.Name] {
			inputs = append(inputs, v)
		}
	}
	switch {
	case len(inputs) == 0:
		return errors.Errorf("its tensor %q depends on no input: cut it elsewhere", n.output)
	case len(inputs) > 1:
		return errors.Errorf("its tensor %q is computed from %d inputs (%s), want pictures alone: export the part that sees pictures, or cut it before they meet, as onnx:FILE#TENSOR", n.output, len(inputs), namesOf(inputs))
	}
	n.input = inputs[0]
	switch s := n.input.Shape; {
	case s == nil:
		n.input.Shape = make([]onnx.Dim, 4) // not said, and so open
	case len(s) != 4:
		return errors.Errorf("its input %q has %d axes, want pictures (B, C, H, W)", n.input.Name, len(s))
	}
	if e := n.input.Elem; e != onnx.Float32 && e != onnx.Float16 && e != onnx.Float64 && e != onnx.BFloat16 && e != 0 {
		return errors.Errorf("its input %q takes pictures of whole numbers, which it normalises itself: export it with an input of floats, or from behind that on", n.input.Name)
	}
	for _, d := range n.input.Shape {
		if d.Size < 0 || d.Size > 1<<20 {
			return errors.Errorf("its input %q has a side of %d: the file is damaged", n.input.Name, d.Size)
		}
	}
	return nil
}

func namesOf(values []onnx.Value) string {
	var names []string
	for _, v := range values {
		names = append(names, v.Name)
	}
	return strings.Join(names, ", ")
}

// nodeName is how messages call a node.
func nodeName(n onnx.Node) string {
	switch {
	case n.Name != "":
		return n.Name
	case len(n.Out) > 0:
		return "of " + n.Out[0]
	}
	return n.Op
}
