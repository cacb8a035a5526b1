package onnx

import (
	"math"

	"github.com/pkg/errors"
	"google.golang.org/protobuf/encoding/protowire"
)

// maxBytes is the largest message that protocol buffers can hold.
const maxBytes = math.MaxInt32

// Marshal is the file as bytes. It checks what nobody can run: tensors without an origin or with two,
// and constants whose bytes do not fit their shape.
func (m *Model) Marshal() ([]byte, error) {
	if err := m.Graph.check(); err != nil {
		return nil, err
	}
	size := 0
	for _, t := range m.Graph.Initializers {
		size += len(t.Raw)
	}
	if size >= maxBytes-1<<20 {
		return nil, errors.Errorf("onnx: %d bytes of weights, and a file without others beside it holds at most 2 GiB", size)
	}
	graph, err := m.Graph.encode(make([]byte, 0, size+1<<16))
	if err != nil {
		return nil, err
	}
	var b message = make([]byte, 0, len(graph)+1<<12)
	b.number(1, m.IRVersion)
	b.text(2, m.Producer)
	b.text(3, m.ProducerVersion)
	b.text(6, m.Doc)
	b.bytes(7, graph)
	var opset message
	opset.number(2, m.Opset)
	b.bytes(8, opset)
	for _, p := range m.Metadata {
		var entry message
		entry.text(1, p.Key)
		entry.text(2, p.Value)
		b.bytes(14, entry)
	}
	if len(b) > maxBytes {
		return nil, errors.Errorf("onnx: the file has %d bytes, at most 2 GiB are possible", len(b))
	}
	return b, nil
}

// check returns an error for a graph whose tensors do not all come from one place each.
func (g *Graph) check() error {
	made := map[string]bool{}
	origin := func(name string) error {
		if name == "" {
			return errors.New("onnx: a tensor has no name")
		}
		if made[name] {
			return errors.Errorf("onnx: the tensor %q is made twice", name)
		}
		made[name] = true
		return nil
	}
	for _, in := range g.Inputs {
		if err := origin(in.Name); err != nil {
			return err
		}
	}
	for _, t := range g.Initializers {
		if err := origin(t.Name); err != nil {
			return err
		}
		n := int64(t.Elem.size())
		for _, d := range t.Shape {
			n *= d
		}
		if t.Elem.size() == 0 || n != int64(len(t.Raw)) {
			return errors.Errorf("onnx: the tensor %q of shape %v and type %d has %d bytes, want %d", t.Name, t.Shape, t.Elem, len(t.Raw), n)
		}
	}
	for _, n := range g.Nodes {
		for _, in := range n.In {
			if in != "" && !made[in] {
				return errors.Errorf("onnx: node %q reads %q, which nothing before it makes", n.Name, in)
			}
		}
		for _, out := range n.Out {
			if err := origin(out); err != nil {
				return err
			}
		}
	}
	for _, out := range g.Outputs {
		if !made[out.Name] {
			return errors.Errorf("onnx: nothing makes the output %q", out.Name)
		}
	}
	return nil
}

func (g *Graph) encode(b message) (message, error) {
	for _, n := range g.Nodes {
		node, err := n.encode()
		if err != nil {
			return nil, err
		}
		b.bytes(1, node)
	}
	b.text(2, g.Name)
	for _, t := range g.Initializers {
		b.bytes(5, t.encode())
	}
	b.text(10, g.Doc)
	for _, v := range g.Inputs {
		b.bytes(11, v.encode())
	}
	for _, v := range g.Outputs {
		b.bytes(12, v.encode())
	}
	return b, nil
}

func (n Node) encode() (message, error) {
	var b message
	for _, in := range n.In {
		b.element(1, in)
	}
	for _, out := range n.Out {
		b.element(2, out)
	}
	b.text(3, n.Name)
	b.text(4, n.Op)
	b.text(7, n.Domain)
	for _, a := range n.Attributes {
		attribute, err := a.encode()
		if err != nil {
			return nil, errors.Wrapf(err, "onnx: node %q", n.Name)
		}
		b.bytes(5, attribute)
	}
	return b, nil
}

// Types of attributes, by their numbers in the format.
const (
	attributeFloat   = 1
	attributeInt     = 2
	attributeString  = 3
	attributeTensor  = 4
	attributeFloats  = 6
	attributeInts    = 7
	attributeStrings = 8
)

func (a Attribute) encode() (b message, err error) {
	b.text(1, a.Name)
	switch v := a.Value.(type) {
	case float32:
		b = protowire.AppendTag(b, 2, protowire.Fixed32Type)
		b = protowire.AppendFixed32(b, math.Float32bits(v))
		b.number(20, attributeFloat)
	case int64:
		b.always(3, v)
		b.number(20, attributeInt)
	case string:
		b.element(4, v)
		b.number(20, attributeString)
	case []int64:
		for _, i := range v {
			b.always(8, i)
		}
		b.number(20, attributeInts)
	case []float32:
		for _, f := range v {
			b = protowire.AppendTag(b, 7, protowire.Fixed32Type)
			b = protowire.AppendFixed32(b, math.Float32bits(f))
		}
		b.number(20, attributeFloats)
	case []string:
		for _, s := range v {
			b.element(9, s)
		}
		b.number(20, attributeStrings)
	case Tensor:
		b.bytes(5, v.encode())
		b.number(20, attributeTensor)
	default:
		return nil, errors.Errorf("attribute %q is of type %T, want int64, float32, string, a list of these or Tensor", a.Name, a.Value)
	}
	return b, nil
}

func (t Tensor) encode() message {
	var b message = make([]byte, 0, len(t.Raw)+len(t.Name)+64)
	for _, d := range t.Shape {
		b.always(1, d)
	}
	b.number(2, int64(t.Elem))
	b.text(8, t.Name)
	b.bytes(9, t.Raw)
	return b
}

func (v Value) encode() message {
	var shape, array, kind, b message
	for _, d := range v.Shape {
		var dim message
		if d.Param != "" {
			dim.text(2, d.Param)
		} else {
			dim.always(1, d.Size)
		}
		shape.bytes(1, dim)
	}
	array.number(1, int64(v.Elem))
	array.bytes(2, shape)
	kind.bytes(1, array)
	b.text(1, v.Name)
	b.bytes(2, kind)
	b.text(3, v.Doc)
	return b
}

// message is a message of protocol buffers that grows field by field.
type message []byte

// number appends a whole number unless it is 0, which is what a missing one means.
func (b *message) number(field protowire.Number, v int64) {
	if v != 0 {
		b.always(field, v)
	}
}

// always appends a whole number, such as an element of a list.
func (b *message) always(field protowire.Number, v int64) {
	*b = protowire.AppendTag(*b, field, protowire.VarintType)
	*b = protowire.AppendVarint(*b, uint64(v))
}

// text appends a text unless it is empty.
func (b *message) text(field protowire.Number, v string) {
	if v != "" {
		b.element(field, v)
	}
}

// element appends a text, such as an element of a list.
func (b *message) element(field protowire.Number, v string) {
	*b = protowire.AppendTag(*b, field, protowire.BytesType)
	*b = protowire.AppendString(*b, v)
}

// bytes appends bytes, such as those of a message within.
func (b *message) bytes(field protowire.Number, v []byte) {
	*b = protowire.AppendTag(*b, field, protowire.BytesType)
	*b = protowire.AppendBytes(*b, v)
}
