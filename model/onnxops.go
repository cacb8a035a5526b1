package model

import (
	"math"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/onnx"
)

// emitter writes one operation down.
type emitter struct {
	*tracer
	op    graph.Operation
	in    []onnxValue
	out   []axis // its result's shape
	label string // with which the names of what it makes begin
}

// onnxForm writes an operation down, and returns the name of its result.
type onnxForm func(e *emitter) (string, error)

// onnxForms are the operations that can be written down, by their kinds.
var onnxForms map[string]onnxForm

func init() {
	onnxForms = map[string]onnxForm{
		"Conv": (*emitter).conv, "Linear": (*emitter).linear, "BatchNorm": (*emitter).batchNorm, "LayerNorm": (*emitter).layerNorm,
		"MaxPool": (*emitter).maxPool, "AvgPool": (*emitter).avgPool, "GlobalAvgPool": (*emitter).globalAvgPool, "Normalize": (*emitter).normalize,
		"Reshape": (*emitter).reshaped, "Permute": (*emitter).permute, "Concat": (*emitter).concat, "Slice": (*emitter).slice,
		"MatMul": (*emitter).matMul, "Sum": (*emitter).sum, "Broadcast": (*emitter).broadcast, "Constant": (*emitter).filled, "Values": (*emitter).values,
		"Softmax": alongAxis("Softmax"), "LogSoftmax": alongAxis("LogSoftmax"),
		"Add": same("Add"), "Sub": same("Sub"), "Mul": same("Mul"), "Div": same("Div"), "Max": same("Max"), "Min": same("Min"),
		"Greater": mask("Greater"), "AtLeast": mask("GreaterOrEqual"), "Equal": mask("Equal"),
		"Relu": same("Relu"), "Exp": same("Exp"), "Log": same("Log"), "Softplus": same("Softplus"), "Sigmoid": same("Sigmoid"),
		"Tanh": same("Tanh"), "Abs": same("Abs"), "Cos": same("Cos"), "HardSwish": same("HardSwish"),
		"Affine": (*emitter).affine, "Hinge": (*emitter).hinge, "Square": (*emitter).square, "Sqrt": (*emitter).sqrt, "Power": (*emitter).power,
		"Clamp": (*emitter).clamp, "Acos": (*emitter).acos, "Swish": (*emitter).swish, "GELU": (*emitter).gelu, "GELUTanh": (*emitter).geluTanh,
		"Above": (*emitter).above, "Is": (*emitter).is,
	}
}

// layer is what the operation is called: as its weights are, or as its kind.
func (e *emitter) layer() string {
	for i, in := range e.op.In {
		if i > 0 && in.Op() == nil {
			if name, ok := strings.CutSuffix(e.in[i].name, ".weight"); ok {
				return name
			}
		}
	}
	return strings.ToLower(e.op.Kind)
}

// names are those of the inputs.
func (e *emitter) names() []string {
	var out []string
	for _, in := range e.in {
		out = append(out, in.name)
	}
	return out
}

// named is an attribute.
func named(name string, value any) onnx.Attribute { return onnx.Attribute{Name: name, Value: value} }

// pairOf is a pair of numbers for height and width; where they are 0, unset.
func pairOf(p [2]int, unset int) []int64 {
	out := make([]int64, 2)
	for i, n := range p {
		if out[i] = int64(n); n == 0 {
			out[i] = int64(unset)
		}
	}
	return out
}

// same is for an operation that ONNX has.
func same(operator string) onnxForm {
	return func(e *emitter) (string, error) { return e.add(e.label, operator, e.names()), nil }
}

// mask is for a comparison, whose result are numbers here.
func mask(operator string) onnxForm {
	return func(e *emitter) (string, error) { return e.compared(operator, e.names()...), nil }
}

func (e *emitter) compared(operator string, in ...string) string {
	return e.add(e.label+".number", "Cast", []string{e.add(e.label, operator, in)}, named("to", int64(onnx.Float32)))
}

func alongAxis(operator string) onnxForm {
	return func(e *emitter) (string, error) {
		return e.add(e.label, operator, e.names(), named("axis", int64(e.op.Config.(int)))), nil
	}
}

func (e *emitter) conv() (string, error) {
	c := e.op.Config.(graph.Conv)
	window, pad := e.in[1].shape[2:], pairOf(c.Pad, 0)
	return e.add(e.label, "Conv", e.names(), named("kernel_shape", []int64{int64(window[0].size), int64(window[1].size)}), named("strides", pairOf(c.Stride, 1)),
		named("pads", append(pad, pad...)), named("dilations", pairOf(c.Dilation, 1)), named("group", int64(max(c.Groups, 1)))), nil
}

func (e *emitter) linear() (string, error) {
	return e.add(e.label, "Gemm", e.names(), named("transB", int64(1))), nil
}

func (e *emitter) batchNorm() (string, error) {
	c := e.op.Config.(graph.BatchNorm)
	if c.Train {
		return "", errors.New("normalises by the batch's statistics, and an exported network has the running ones: build it with Train only in nets.Train")
	}
	return e.add(e.label, "BatchNormalization", e.names(), named("epsilon", float32(c.Eps))), nil
}

func (e *emitter) layerNorm() (string, error) {
	c := e.op.Config.(graph.LayerNormed)
	in := e.names()
	if !c.Gamma { // which ONNX wants
		n := e.out[len(e.out)-1].size
		ones := e.constant(onnx.Floats(e.unique(e.label+".ones"), slices.Repeat([]float32{1}, n), int64(n)))
		in = slices.Insert(in, 1, ones)
	}
	return e.add(e.label, "LayerNormalization", in, named("axis", int64(-1)), named("epsilon", float32(c.Eps))), nil
}

// overhang is by how much the last windows reach beyond the padded picture.
func (e *emitter) overhang(p graph.Pool) (out [2]int64) {
	for i := range out {
		in, windows := e.in[0].shape[2+i].size, e.out[2+i].size
		reach := (windows-1)*max(p.Stride[i], 1) + p.Window[i]
		out[i] = int64(max(reach-in-2*p.Pad[i], 0))
	}
	return out
}

// pool applies a pooling with so much padding before and behind.
func (e *emitter) pool(operator, x string, p graph.Pool, before, behind []int64, more ...onnx.Attribute) string {
	return e.add(e.label, operator, []string{x}, append([]onnx.Attribute{named("kernel_shape", pairOf(p.Window, 1)), named("strides", pairOf(p.Stride, 1)),
		named("pads", append(slices.Clone(before), behind...))}, more...)...)
}

func (e *emitter) maxPool() (string, error) {
	p := e.op.Config.(graph.Pool)
	over, pad := e.overhang(p), pairOf(p.Pad, 0)
	return e.pool("MaxPool", e.in[0].name, p, pad, []int64{pad[0] + over[0], pad[1] + over[1]}), nil
}

// avgPool counts zeros of the padding, unless they are excluded, and never what lies beyond it.
func (e *emitter) avgPool() (string, error) {
	p := e.op.Config.(graph.Pool)
	over, pad, x := e.overhang(p), pairOf(p.Pad, 0), e.in[0].name
	if over == [2]int64{} {
		count := int64(1)
		if p.ExcludePad {
			count = 0
		}
		return e.pool("AveragePool", x, p, pad, pad, named("count_include_pad", count)), nil
	}
	if !p.ExcludePad && p.Pad != [2]int{} {
		sides := e.ints(e.label+".pads", 0, 0, pad[0], pad[1], 0, 0, pad[0], pad[1])
		x, pad = e.add(e.label+".padded", "Pad", []string{x, sides}), []int64{0, 0}
	}
	return e.pool("AveragePool", x, p, pad, []int64{pad[0] + over[0], pad[1] + over[1]}, named("count_include_pad", int64(0))), nil
}

func (e *emitter) globalAvgPool() (string, error) {
	mean := e.add(e.label, "GlobalAveragePool", e.names())
	return e.reshape(e.label+".flat", mean, e.out), nil
}

func (e *emitter) normalize() (string, error) {
	c, x := e.op.Config.(graph.RowNorm), e.in[0].name
	rows := []onnx.Attribute{named("axes", []int64{1}), named("keepdims", int64(1))}
	norm := ""
	switch {
	case c.P == 2:
		norm = e.add(e.label+".norm", "ReduceL2", []string{x}, rows...)
	case c.P == 1:
		norm = e.add(e.label+".norm", "ReduceL1", []string{x}, rows...)
	case math.IsInf(c.P, 1):
		norm = e.add(e.label+".norm", "ReduceMax", []string{e.add(e.label+".abs", "Abs", []string{x})}, rows...)
	default:
		powers := e.add(e.label+".powers", "Pow", []string{e.add(e.label+".abs", "Abs", []string{x}), e.scalar(e.label+".p", c.P)})
		sum := e.add(e.label+".sum", "ReduceSum", []string{powers, e.ints(e.label+".axes", 1)}, named("keepdims", int64(1)))
		norm = e.add(e.label+".norm", "Pow", []string{sum, e.scalar(e.label+".root", 1/c.P)})
	}
	least := e.add(e.label+".divisor", "Max", []string{norm, e.scalar(e.label+".least", c.Eps)})
	return e.add(e.label, "Div", []string{x, least}), nil
}

func (e *emitter) reshaped() (string, error) { return e.reshape(e.label, e.in[0].name, e.out), nil }

func (e *emitter) permute() (string, error) {
	return e.transposed(e.in[0].name, e.op.Config.([]int)), nil
}

func (e *emitter) transposed(x string, axes []int) string {
	perm := make([]int64, len(axes))
	for i, a := range axes {
		perm[i] = int64(a)
	}
	return e.add(e.label+".transposed", "Transpose", []string{x}, named("perm", perm))
}

func (e *emitter) concat() (string, error) {
	return e.add(e.label, "Concat", e.names(), named("axis", int64(e.op.Config.(int)))), nil
}

func (e *emitter) slice() (string, error) {
	c := e.op.Config.(graph.Span)
	return e.add(e.label, "Slice", []string{e.in[0].name, e.ints(e.label+".from", int64(c.From)), e.ints(e.label+".to", int64(c.To)), e.ints(e.label+".axis", int64(c.Axis))}), nil
}

func (e *emitter) matMul() (string, error) {
	c, in := e.op.Config.(graph.Product), e.names()
	for i, transposed := range []bool{c.TransA, c.TransB} {
		if !transposed {
			continue
		}
		n := len(e.in[i].shape)
		axes := make([]int, n)
		for k := range axes {
			axes[k] = k
		}
		axes[n-2], axes[n-1] = n-1, n-2
		in[i] = e.transposed(in[i], axes)
	}
	return e.add(e.label, "MatMul", in), nil
}

func (e *emitter) sum() (string, error) {
	var over []int64
	keep := int64(1)
	for i := range e.in[0].shape {
		if len(e.out) == 0 {
			keep = 0
		}
		if len(e.out) == 0 || e.in[0].shape[i] != e.out[i] {
			over = append(over, int64(i))
		}
	}
	return e.add(e.label, "ReduceSum", []string{e.in[0].name, e.ints(e.label+".axes", over...)}, named("keepdims", keep)), nil
}

func (e *emitter) broadcast() (string, error) {
	return e.add(e.label, "Expand", []string{e.in[0].name, e.shapeOf(e.label, e.out)}), nil
}

// filled is a tensor of one value.
func (e *emitter) filled() (string, error) {
	value := e.scalar(e.label+".value", e.op.Config.(float64))
	return e.add(e.label, "Expand", []string{value, e.shapeOf(e.label, e.out)}), nil
}

func (e *emitter) values() (string, error) {
	var numbers []float32
	for _, v := range e.op.Config.([]float64) {
		numbers = append(numbers, float32(v))
	}
	var shape []int64
	for _, a := range e.out {
		shape = append(shape, int64(a.size))
	}
	return e.constant(onnx.Floats(e.unique(e.label), numbers, shape...)), nil
}

// constants are the numbers of a function of one variable.
func (e *emitter) constants() (a, b float64) {
	c := e.op.Config.(graph.Constants)
	return c[0], c[1]
}

// with applies an operator to x and a number.
func (e *emitter) with(operator, x string, v float64) string {
	return e.add(e.label, operator, []string{x, e.scalar(e.label+".constant", v)})
}

// line is k·x + c.
func (e *emitter) line() string {
	k, c := e.constants()
	x := e.in[0].name
	if k != 1 || c == 0 {
		x = e.with("Mul", x, k)
	}
	if c != 0 {
		x = e.with("Add", x, c)
	}
	return x
}

func (e *emitter) affine() (string, error) { return e.line(), nil }

func (e *emitter) hinge() (string, error) { return e.add(e.label, "Relu", []string{e.line()}), nil }

func (e *emitter) square() (string, error) {
	return e.add(e.label, "Mul", []string{e.in[0].name, e.in[0].name}), nil
}

func (e *emitter) sqrt() (string, error) {
	return e.add(e.label, "Sqrt", []string{e.add(e.label+".positive", "Relu", e.names())}), nil
}

func (e *emitter) power() (string, error) {
	p, _ := e.constants()
	return e.with("Pow", e.in[0].name, p), nil
}

func (e *emitter) clamp() (string, error) {
	low, high := e.constants()
	return e.clip(low, high), nil
}

func (e *emitter) clip(low, high float64) string {
	return e.add(e.label, "Clip", []string{e.in[0].name, e.scalar(e.label+".low", low), e.scalar(e.label+".high", high)})
}

func (e *emitter) acos() (string, error) { return e.add(e.label, "Acos", []string{e.clip(-1, 1)}), nil }

func (e *emitter) swish() (string, error) {
	beta, _ := e.constants()
	x := e.in[0].name
	gate := x
	if beta != 1 {
		gate = e.with("Mul", x, beta)
	}
	return e.add(e.label, "Mul", []string{x, e.add(e.label+".gate", "Sigmoid", []string{gate})}), nil
}

// gelu is ½·x·(1 + erf(x/√2)).
func (e *emitter) gelu() (string, error) {
	x := e.in[0].name
	erf := e.add(e.label, "Erf", []string{e.with("Mul", x, math.Sqrt2/2)})
	return e.halved(x, erf), nil
}

// geluTanh is ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).
func (e *emitter) geluTanh() (string, error) {
	x := e.in[0].name
	cube := e.with("Mul", e.with("Pow", x, 3), 0.044715)
	inner := e.with("Mul", e.add(e.label, "Add", []string{x, cube}), math.Sqrt(2/math.Pi))
	return e.halved(x, e.add(e.label, "Tanh", []string{inner})), nil
}

// halved is ½·x·(1 + y).
func (e *emitter) halved(x, y string) string {
	return e.with("Mul", e.add(e.label, "Mul", []string{x, e.with("Add", y, 1)}), 0.5)
}

func (e *emitter) above() (string, error) { return e.against("Greater"), nil }

func (e *emitter) is() (string, error) { return e.against("Equal"), nil }

// against compares with a constant.
func (e *emitter) against(operator string) string {
	c, _ := e.constants()
	return e.compared(operator, e.in[0].name, e.scalar(e.label+".constant", c))
}
