package graph

import (
	"hash"
	"hash/fnv"
	"math"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/chewxy/hm"
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/cpu"
	"medusa/internal/device"
	"medusa/internal/ram"
	"medusa/internal/spec"
)

// gradient builds the gradients to an op's inputs, given inputs, output and the
// gradient to the output. An entry whose input needs none may be the zero Expr; needs
// tells which do.
type gradient func(in []Expr, out, grad Expr, needs []bool) []Expr

// op is a computation with a kernel on every device, as Gorgonia sees it. It owns its
// output buffer: after the first run it allocates nothing.
type op struct {
	spec  any // what the device computes, with all parameters
	from  []*gorgonia.Node
	in    []tensor.Shape
	out   tensor.Shape
	wrt   []bool
	grad  gradient
	id    uint64 // not 0 if the op has state, and so must not be merged with its like
	kern  device.Kernel
	args  []device.Memory
	value gorgonia.Value
	mem   []device.Memory // of all outputs
	loose []*tensor.Dense // contiguous copies of inputs that are views

	further []further // outputs besides the first

	kept     *Kept            // that is to know where the output stands; nil of most
	absorbed bool             // an op was built that computes by itself what this one does
	sums     []*gorgonia.Node // of Gorgonia's, which the op makes by itself

	plain     *op            // what a fused op was asked for: the same, done with what its parts made
	parts     gorgonia.Nodes // what a fused op does by itself, and what these do
	fusedInto *gorgonia.Node // the fused op that does what this one does

	node   *gorgonia.Node // that computes the op
	given  bool           // the node was handed out
	unread gorgonia.Value // see notComputed

	addsGrads bool // see gradSum

	endsSegment bool // see EndSegment
}

var ids atomic.Uint64

// apply adds an op to the graph. spec must describe the computation wholly: ops with
// equal descriptions and inputs are merged. grad may be nil if the result is data.
func apply(what any, out tensor.Shape, grad gradient, in ...Expr) Expr {
	return addOp(&op{spec: what, out: out, grad: grad}, in)
}

// applyStateful is apply for an op whose kernel keeps state, which must not be merged.
func applyStateful(what any, out tensor.Shape, grad gradient, in ...Expr) Expr {
	return addOp(&op{spec: what, out: out, grad: grad, id: ids.Add(1)}, in)
}

func addOp(o *op, in []Expr) (result Expr) {
	if err := firstError(in...); err != nil {
		return Fail(err)
	}
	if err := checkShape(o.out); err != nil {
		return Fail(errors.Wrapf(err, "graph: %s", spec.Describe(o.spec)))
	}
	defer func() {
		if r := recover(); r != nil {
			result = Fail(errors.Errorf("graph: %s: %v", spec.Describe(o.spec), r))
		}
	}()
	for i, e := range in {
		if want := inputType(o.spec, i, in[0].n.Dtype()); e.n.Dtype() != want {
			return Fail(errors.Errorf("graph: %s: inputs of type %v and %v; all must be of one type",
				spec.Describe(o.spec), in[0].n.Dtype(), e.n.Dtype()))
		}
	}
	o.out = o.out.Clone()
	o.read(in)
	o, in = fused(o, in)
	result.data = !slices.Contains(o.wrt, true)
	result.unfused = slices.ContainsFunc(in, func(e Expr) bool { return e.unfused })
	result.n, result.err = gorgonia.ApplyOp(o, o.from...)
	if result.err == nil && !o.isAt(result.n) {
		// Another op's node has the same hash of 32 bits: it would be computed instead.
		o.id = ids.Add(1)
		result.n, result.err = gorgonia.ApplyOp(o, o.from...)
	}
	if result.err != nil {
		result.err = errors.Wrapf(result.err, "graph: %s", spec.Describe(o.spec))
		return result
	}
	if result.n.Op() == gorgonia.Op(o) {
		o.node = result.n
	}
	o.takeParts(result.n)
	return result
}

// read has o read in.
func (o *op) read(in []Expr) {
	for _, e := range in {
		o.from = append(o.from, e.n)
		o.in = append(o.in, e.n.Shape())
		o.wrt = append(o.wrt, !e.data && o.grad != nil)
	}
}

// isAt tells whether n computes o: whether it is o's own node, or that of an op of one
// description and of the same inputs with which o was merged. Gorgonia compares hashes
// of 32 bits, and not the inputs.
func (o *op) isAt(n *gorgonia.Node) bool {
	p, ok := n.Op().(*op)
	return ok && (p == o || p.id == 0 && o.id == 0 && slices.Equal(p.from, o.from) && slices.Equal(p.wrt, o.wrt) &&
		slices.Equal(p.out, o.out) && spec.Describe(p.spec) == spec.Describe(o.spec))
}

// checkShape returns an error for a shape that no value of a graph can have. Empty
// tensors are refused, since reading one ends Gorgonia's machine with a panic.
func checkShape(s tensor.Shape) error {
	size := 1.0
	for _, n := range s {
		if n < 1 {
			return errors.Errorf("shape %v has a side of %d, want at least 1", s, n)
		}
		size *= float64(n)
	}
	if size > math.MaxInt32*64 {
		return errors.Errorf("shape %v is too large: %s in float32", s, ram.Size(4*size))
	}
	return nil
}

func (o *op) Arity() int { return len(o.in) }

func (o *op) Type() hm.Type {
	types := make([]hm.Type, 0, len(o.in)+1)
	for i, s := range o.in {
		types = append(types, typeOf(s, spec.ReadsPlaces(o.spec, i)))
	}
	return hm.NewFnType(append(types, typeOf(o.out, o.isPlaces()))...)
}

// typeOf is the type of a value of that shape: of places, or of numbers of the graph's type.
func typeOf(s tensor.Shape, places bool) hm.Type {
	var of hm.Type = hm.TypeVariable('a')
	if places {
		of = tensor.Int32
	}
	if s.Dims() == 0 {
		return of
	}
	return gorgonia.TensorType{Dims: s.Dims(), Of: of}
}

// inputType is the element type that input i of an op is to have.
func inputType(what any, i int, numbers tensor.Dtype) tensor.Dtype {
	if spec.ReadsPlaces(what, i) {
		return tensor.Int32
	}
	return numbers
}

func (o *op) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) { return o.out.Clone(), nil }

func (o *op) ReturnsPtr() bool     { return true }
func (o *op) CallsExtern() bool    { return false }
func (o *op) OverwritesInput() int { return -1 }
func (o *op) String() string       { return spec.Describe(o.spec) }

func (o *op) WriteHash(h hash.Hash) {
	h.Write([]byte(spec.Describe(o.spec)))
	for _, w := range o.wrt {
		h.Write([]byte{map[bool]byte{true: 1}[w]})
	}
	for _, s := range o.in {
		for _, d := range s {
			h.Write([]byte{byte(d), byte(d >> 8), byte(d >> 16), byte(d >> 24)})
		}
		h.Write([]byte{';'})
	}
	for id := o.id; id > 0; id >>= 8 {
		h.Write([]byte{byte(id)})
	}
}

func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o *op) DiffWRT(int) []bool { return o.wrt }

func (o *op) SymDiff(inputs gorgonia.Nodes, output, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	in := make([]Expr, len(inputs))
	for i, n := range inputs {
		in[i] = Data(n)
	}
	if o.grad == nil {
		return nil, errors.Errorf("graph: %s is not differentiable", o)
	}
	grads := o.grad(in, Data(output), gradSum(Data(grad)), o.wrt)
	nodes := make(gorgonia.Nodes, len(inputs))
	for i, w := range o.wrt {
		if !w {
			continue
		}
		n, err := grads[i].made()
		if err != nil {
			return nil, errors.Wrapf(err, "graph: gradient of %s to input %d", o, i)
		}
		if !slices.Equal(n.Shape(), inputs[i].Shape()) {
			return nil, errors.Errorf("graph: gradient of %s to input %d has shape %v, want %v", o, i, n.Shape(), inputs[i].Shape())
		}
		nodes[i] = n
	}
	return nodes, nil
}

// DoDiff is how Gorgonia's LispMachine asks for gradients. It would leave out without a word
// the gradients of an op that does not have it; nor can it compute them, since some ops
// make by themselves what ops before them say, which then are roots of the graph.
func (o *op) DoDiff(gorgonia.ExecutionContext, gorgonia.Nodes, *gorgonia.Node) error {
	if !slices.Contains(o.wrt, true) {
		return nil
	}
	return errors.Errorf("graph: %s: Gorgonia's LispMachine cannot differentiate ops of package graph; "+
		"differentiate with gorgonia.Grad and run the graph on gorgonia.NewTapeMachine or machine.New", o)
}

// Do runs the kernel on the CPU: on Gorgonia's own machines. Package machine runs kernels itself.
func (o *op) Do(inputs ...gorgonia.Value) (_ gorgonia.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errors.Errorf("graph: running %s: %v", o, r)
		}
	}()
	if len(inputs) > 0 && o.isUnread() {
		return o.notComputed(inputs[0].Dtype()), nil
	}
	if of, number, ok := o.furtherOf(); ok {
		return of.furtherValue(number)
	}
	if o.kern == nil {
		if err := o.prepare(inputs); err != nil {
			return nil, err
		}
	}
	for i, v := range inputs {
		if o.args[i], err = o.memory(i, v); err != nil {
			return nil, errors.Wrapf(err, "graph: %s: input %d", o, i)
		}
	}
	if err := o.makeFurther(inputs[0].Dtype()); err != nil {
		return nil, errors.Wrapf(err, "graph: %s", o)
	}
	if err := o.kern.Run(o.mem, o.args); err != nil {
		return nil, errors.Wrapf(err, "graph: %s", o)
	}
	if o.kept != nil {
		o.kept.StandsAt(o.mem[0])
	}
	return o.value, nil
}

// prepare makes the kernel and the output buffer at the first run.
func (o *op) prepare(inputs []gorgonia.Value) error {
	if len(inputs) != len(o.in) {
		return errors.Errorf("graph: %s has %d inputs, got %d", o, len(o.in), len(inputs))
	}
	kern, err := cpu.Device.Kernel(o.spec)
	if err != nil {
		return err
	}
	o.value = newValue(inputs[0].Dtype(), o.out)
	o.args = make([]device.Memory, len(o.in))
	o.loose = make([]*tensor.Dense, len(o.in))
	o.mem = make([]device.Memory, 1+len(spec.OutputsOf(o.spec)))
	if o.mem[0], err = o.memory(-1, o.value); err != nil {
		return err
	}
	o.kern = kern
	return nil
}

// newValue is a value of that type and shape, of undefined numbers.
func newValue(dt tensor.Dtype, s tensor.Shape) gorgonia.Value {
	switch {
	case s.Dims() > 0:
		return tensor.New(tensor.Of(dt), tensor.WithShape(s...))
	case dt == tensor.Float32:
		return gorgonia.NewF32(0)
	}
	return gorgonia.NewF64(0)
}

// memory is the elements of v, which is input i, or the output if i < 0.
func (o *op) memory(i int, v gorgonia.Value) (device.Memory, error) {
	switch v := v.(type) {
	case *gorgonia.F32:
		return device.Memory{F32: unsafe.Slice((*float32)(v), 1)}, nil
	case *gorgonia.F64:
		return device.Memory{F64: unsafe.Slice((*float64)(v), 1)}, nil
	case *tensor.Dense:
		want := o.out
		if i >= 0 {
			want = o.in[i]
		}
		if v.Shape().TotalSize() != want.TotalSize() {
			return device.Memory{}, errors.Errorf("shape is %v, the graph was built for %v", v.Shape(), want)
		}
		if i >= 0 && (v.RequiresIterator() || v.DataOrder().IsColMajor()) {
			var err error
			if v, err = o.contiguous(i, v); err != nil {
				return device.Memory{}, err
			}
		}
		return denseMemory(v)
	}
	return device.Memory{}, errors.Errorf("value of type %T, want a dense tensor or a scalar", v)
}

// contiguous copies a view into a row-major tensor that the op keeps.
func (o *op) contiguous(i int, v *tensor.Dense) (*tensor.Dense, error) {
	m, ok := v.Materialize().(*tensor.Dense)
	if !ok || m.DataOrder().IsColMajor() {
		return nil, errors.Errorf("a view of shape %v that cannot be made contiguous", v.Shape())
	}
	o.loose[i] = m
	return m, nil
}

// denseMemory is the elements of a contiguous tensor; not nil even if there are none.
func denseMemory(d *tensor.Dense) (device.Memory, error) {
	n := d.Shape().TotalSize()
	switch dt := d.Dtype(); {
	case dt == tensor.Float32 && n == 0:
		return device.Memory{F32: []float32{}}, nil
	case dt == tensor.Float64 && n == 0:
		return device.Memory{F64: []float64{}}, nil
	case dt == tensor.Int32:
		return device.Memory{I32: d.Int32s()[:n]}, nil
	case dt == tensor.Float32:
		return device.Memory{F32: d.Float32s()[:n]}, nil
	case dt == tensor.Float64:
		return device.Memory{F64: d.Float64s()[:n]}, nil
	}
	return device.Memory{}, errors.Errorf("elements of type %v, want float32 or float64", d.Dtype())
}
