package graph

import (
	"gorgonia.org/gorgonia"

	"medusa/internal/device"
	"medusa/internal/device/cpu"
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
	case device.Conv:
		return "Conv", Conv{Stride: [2]int{s.StrideH, s.StrideW}, Pad: [2]int{s.PadH, s.PadW}, Dilation: [2]int{s.DilH, s.DilW}, Groups: s.Groups}
	case device.Linear:
		return "Linear", nil
	case device.BatchNorm:
		switch stats := o.from[1].Op().(*op).spec.(type) {
		case device.RunningStats:
			return "BatchNorm", BatchNorm{Eps: stats.Eps}
		case device.BatchStats:
			return "BatchNorm", BatchNorm{Train: true, Momentum: stats.Momentum, Eps: stats.Eps}
		}
	case device.MaxPool:
		return "MaxPool", poolOf(s.Pool2D)
	case device.AvgPool:
		return "AvgPool", poolOf(s.Pool2D)
	case device.PlaneMean:
		return "GlobalAvgPool", nil
	case device.Normalize:
		return "Normalize", RowNorm{P: s.P, Eps: s.Eps}
	case device.Copy:
		return "Reshape", nil
	case device.Binary:
		return binaryKinds[s.Op], nil
	case device.Unary:
		return unaryKinds[s.F], Constants{s.A, s.B}
	}
	return "", nil
}

func poolOf(p cpu.Pool2D) Pool {
	return Pool{Window: [2]int{p.KH, p.KW}, Stride: [2]int{p.StrideH, p.StrideW}, Pad: [2]int{p.PadH, p.PadW}, Ceil: p.Ceil, ExcludePad: p.ExcludePad}
}

var binaryKinds = map[device.Operator]string{
	device.Add: "Add", device.Sub: "Sub", device.Mul: "Mul", device.Div: "Div", device.Max: "Max", device.Min: "Min",
	device.Greater: "Greater", device.GreaterEqual: "AtLeast", device.Same: "Equal",
}

var unaryKinds = map[device.Func]string{
	device.Affine: "Affine", device.Relu: "Relu", device.Hinge: "Hinge", device.Square: "Square", device.Sqrt: "Sqrt", device.Exp: "Exp",
	device.Log: "Log", device.Softplus: "Softplus", device.Sigmoid: "Sigmoid", device.Tanh: "Tanh", device.Abs: "Abs",
	device.Power: "Power", device.Clamp: "Clamp", device.Acos: "Acos", device.Cos: "Cos", device.Gelu: "GELU",
	device.GeluTanh: "GELUTanh", device.Swish: "Swish", device.HardSwish: "HardSwish", device.Step: "Above", device.Equal: "Is",
}
