// Package onnx holds the file format of the Open Neural Network Exchange: a graph of named operators
// over named tensors, in a message of protocol buffers, that ONNX Runtime and others run.
//
// https://github.com/onnx/onnx describes it: onnx/onnx.proto the messages, docs/Operators.md the
// operators, of which this package knows nothing. The messages are encoded field by field and not by
// generated code: that of two packages in one program, each with a message onnx.ModelProto, would end
// the program when it starts.
package onnx

// Model is a file.
type Model struct {
	IRVersion       int64 // of the format
	Opset           int64 // the version of the operators
	Producer        string
	ProducerVersion string
	Doc             string
	Graph           Graph
	Metadata        []Property // each key once
}

// Property is an entry of the metadata.
type Property struct{ Key, Value string }

// Graph is what is computed. A tensor has one name, by which nodes read it, and one origin: an input, an
// initializer or a node before those that read it.
type Graph struct {
	Name         string
	Doc          string
	Nodes        []Node
	Initializers []Tensor
	Inputs       []Value
	Outputs      []Value
}

// Node is an operator that is applied.
type Node struct {
	Op         string // such as Conv
	Name       string
	Domain     string   // whose operator it is; empty for those of ONNX itself
	In, Out    []string // names of tensors; an input that is left out is empty
	Attributes []Attribute
}

// Attribute is a constant of an operator.
type Attribute struct {
	Name  string
	Value any // int64, float32, string, []int64, []float32, []string or Tensor
}

// Elem is the type of a tensor's elements.
type Elem int32

// Types, by their numbers in the format.
const (
	Float32  Elem = 1
	Uint8    Elem = 2
	Int64    Elem = 7
	Float16  Elem = 10
	Float64  Elem = 11
	BFloat16 Elem = 16
)

// size is how many bytes an element has; 0 for a type that is not written.
func (e Elem) size() int {
	switch e {
	case Float32:
		return 4
	case Uint8:
		return 1
	case Int64:
		return 8
	}
	return 0
}

// Value describes an input or an output.
type Value struct {
	Name  string
	Doc   string
	Elem  Elem
	Shape []Dim
}

// Dim is the size of an axis: a number, or a name for one that is known when the graph is run.
type Dim struct {
	Size  int64
	Param string // in place of Size
}

// Tensor is a constant.
type Tensor struct {
	Name  string
	Elem  Elem
	Shape []int64 // no entry: a scalar
	Raw   []byte  // the elements, row by row, little endian
}
