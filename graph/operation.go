package graph

import (
	"slices"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// Operation says what a node computes, in the words in which it was asked for: for those who write
// graphs down in other formats, or draw them.
type Operation struct {
	// Kind names the operation:
	//
	//	Conv           x, w and maybe a bias; Config is a Conv
	//	Linear         x, w and maybe a bias
	//	BatchNorm      x, γ, β, running mean and variance; Config is a BatchNorm
	//	MaxPool        Config is a Pool
	//	AvgPool        Config is a Pool
	//	GlobalAvgPool
	//	Normalize      rows; Config is a RowNorm
	//	Reshape        to the node's shape, such as Flatten
	//	Add, Sub, Mul, Div, Max, Min
	//	               of two inputs, as Expr's methods
	//	Relu, Sigmoid, Tanh, Affine …
	//	               of one input, as Expr's methods; Config is Constants
	//	LayerNorm      x, maybe γ and β; Config is a LayerNormed
	//	Softmax, LogSoftmax
	//	               Config is the axis, an int
	//	MatMul         of matrices that are the last two axes; Config is a Product
	//	Permute        Config is the axes, []int, of the input, in the order of the result
	//	Concat         Config is the axis, an int
	//	Slice          Config is a Span
	//	Sum            over the axes where the node's shape has 1 and the input's has not, or over all
	//	               to a scalar
	//	Broadcast      to the node's shape
	//	Constant       of the node's shape; Config is its one value, a float64
	//	Values         of the node's shape; Config is the numbers, []float64
	Kind   string
	Config any              // of the type that Kind tells, or nil
	In     []*gorgonia.Node // inputs of the graph among them go by their names: parameters by those of Params
}

// RowNorm says how Normalize and its like divide rows.
type RowNorm struct {
	P   float64 // of the norm
	Eps float64 // the smallest number that a row is divided by
}

// Constants are the numbers of a function of one variable: k and c of Affine and of Hinge, the bounds of
// Clamp, the exponent of Power, β of Swish.
type Constants [2]float64

// LayerNormed says how LayerNorm normalises, and which of γ and β are among the inputs.
type LayerNormed struct {
	Eps         float64
	Gamma, Beta bool
}

// Product says which of two matrices are transposed before they are multiplied.
type Product struct{ TransA, TransB bool }

// Span is the part [From, To) of an axis.
type Span struct{ Axis, From, To int }

// OperationOf is the operation of a node of this package's. Of an op that was fused with those before it,
// it is what was asked for: so a walk along In from a network's output meets each layer by itself. It is
// false of inputs, which have no operation, and of nodes that are not in Operation's list.
func OperationOf(n *gorgonia.Node) (Operation, bool) {
	if n == nil {
		return Operation{}, false
	}
	o, ok := n.Op().(*op)
	if !ok {
		return Operation{}, false
	}
	if o.plain != nil {
		o = o.plain
	}
	kind, config := o.kind()
	if kind == "" {
		return Operation{}, false
	}
	in := append([]*gorgonia.Node(nil), o.from...)
	if kind == "BatchNorm" { // the statistics are an op of their own
		running := o.from[1].Op().(*op).from
		running = running[len(running)-2:]
		in = []*gorgonia.Node{in[0], in[2], in[3], running[0], running[1]}
	}
	return Operation{Kind: kind, Config: config, In: in}, true
}

// kind is what Operation says of an op.
func (o *op) kind() (kind string, config any) {
	switch s := o.spec.(type) {
	case spec.Conv:
		return "Conv", Conv{Stride: [2]int{s.StrideH, s.StrideW}, Pad: [2]int{s.PadH, s.PadW}, Dilation: [2]int{s.DilH, s.DilW}, Groups: s.Groups}
	case spec.Linear:
		return "Linear", nil
	case spec.BatchNorm:
		switch stats := o.from[1].Op().(*op).spec.(type) {
		case spec.RunningStats:
			return "BatchNorm", BatchNorm{Eps: stats.Eps}
		case spec.BatchStats:
			return "BatchNorm", BatchNorm{Train: true, Momentum: stats.Momentum, Eps: stats.Eps}
		}
	case spec.MaxPool:
		return "MaxPool", poolOf(s.Pool2D)
	case spec.AvgPool:
		return "AvgPool", poolOf(s.Pool2D)
	case spec.PlaneMean:
		return "GlobalAvgPool", nil
	case spec.Normalize:
		return "Normalize", RowNorm{P: s.P, Eps: s.Eps}
	case spec.Copy:
		return "Reshape", nil
	case spec.Binary:
		return binaryKinds[s.Op], nil
	case spec.Unary:
		return unaryKinds[s.F], Constants{s.A, s.B}
	}
	return o.kindOfShapes()
}

// kindOfShapes is kind of ops that attention and the like are made of.
func (o *op) kindOfShapes() (kind string, config any) {
	switch s := o.spec.(type) {
	case spec.LayerNorm:
		return "LayerNorm", LayerNormed{Eps: s.Eps, Gamma: s.Gamma, Beta: s.Beta}
	case spec.Softmax:
		return "Softmax", rowAxis(o.out, s.Cols)
	case spec.LogSoftmax:
		return "LogSoftmax", rowAxis(o.out, s.Cols)
	case spec.MatMul:
		return "MatMul", Product{s.TransA, s.TransB}
	case spec.BatchMatMul:
		return "MatMul", Product{s.TransA, s.TransB}
	case spec.Permute:
		return "Permute", slices.Clone(s.Axes)
	case spec.Transpose:
		return "Permute", []int{1, 0}
	case spec.Concat:
		return "Concat", joinedAxis(o.in, o.out)
	case spec.Slice:
		axis := joinedAxis(o.in[:1], o.out)
		_, inner := around(o.out, axis)
		return "Slice", Span{axis, s.From / inner, s.To / inner}
	case spec.SumTo:
		return "Sum", nil
	case spec.Broadcast:
		return "Broadcast", nil
	case spec.Constant:
		return "Constant", s.Value
	case spec.Values:
		return "Values", slices.Clone(s.Numbers())
	}
	return "", nil
}

// rowAxis is the last axis of cols elements behind which all axes have one.
func rowAxis(s tensor.Shape, cols int) int {
	axis := len(s) - 1
	for axis > 0 && s[axis] != cols {
		axis--
	}
	return axis
}

// joinedAxis is the first axis along which an input is not as long as the output; 0 if there is none.
func joinedAxis(in []tensor.Shape, out tensor.Shape) int {
	for axis := range out {
		if in[0][axis] != out[axis] {
			return axis
		}
	}
	return 0
}

func poolOf(p spec.Pool2D) Pool {
	return Pool{Window: [2]int{p.KH, p.KW}, Stride: [2]int{p.StrideH, p.StrideW}, Pad: [2]int{p.PadH, p.PadW}, Ceil: p.Ceil, ExcludePad: p.ExcludePad}
}

var binaryKinds = map[spec.Operator]string{
	spec.Add: "Add", spec.Sub: "Sub", spec.Mul: "Mul", spec.Div: "Div", spec.Max: "Max", spec.Min: "Min",
	spec.Greater: "Greater", spec.GreaterEqual: "AtLeast", spec.Same: "Equal",
}

var unaryKinds = map[spec.Func]string{
	spec.Affine: "Affine", spec.Relu: "Relu", spec.Hinge: "Hinge", spec.Square: "Square", spec.Sqrt: "Sqrt", spec.Exp: "Exp",
	spec.Log: "Log", spec.Softplus: "Softplus", spec.Sigmoid: "Sigmoid", spec.Tanh: "Tanh", spec.Abs: "Abs",
	spec.Power: "Power", spec.Clamp: "Clamp", spec.Acos: "Acos", spec.Cos: "Cos", spec.Gelu: "GELU",
	spec.GeluTanh: "GELUTanh", spec.Swish: "Swish", spec.HardSwish: "HardSwish", spec.Step: "Above", spec.Equal: "Is",
}
