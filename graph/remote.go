package graph

import (
	"io"
	"unsafe"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// remoteOp is what an op has on a device. To Gorgonia its value is a token: a tensor of the
// right shape whose elements nobody may touch.
type remoteOp struct {
	m       *remoteMachine
	engine  *sumEngine
	sources []source
	shown   bool // an op of Gorgonia's reads the output: it is copied to the host
	kern    device.Kernel
	args    []device.Memory
	mem     device.Memory
	token   gorgonia.Value
	onHost  *hostWork // of an op without a kernel on the device
}

// source is where an input comes from: an op, a leaf, a sum that the engine makes, or else the
// host, from an op of Gorgonia's.
type source struct {
	op   *op
	leaf *leaf
	sum  bool
	mem  device.Remote // of the host's
}

// hostWork is an op done by the host.
type hostWork struct {
	kern device.Kernel
	in   []device.Memory
	out  device.Memory
}

// run puts the op's work on the device.
func (r *remoteOp) run(o *op, inputs []gorgonia.Value) (gorgonia.Value, error) {
	if r.args == nil {
		r.args = make([]device.Memory, len(o.from))
	}
	for i := range r.sources {
		mem, err := r.input(i, o, inputs)
		if err != nil {
			return nil, errors.Wrapf(err, "graph: %s: input %d", o, i)
		}
		r.args[i] = device.Memory{Remote: mem, On: r.m.d.acc}
	}
	if o.place.alias {
		*o.spec.(device.Keep).Into = r.args[0]
		if r.token == nil {
			r.token = gorgonia.NewF32(0)
		}
		return r.token, nil
	}
	if r.kern == nil && r.onHost == nil {
		if err := r.prepare(o); err != nil {
			return nil, err
		}
	}
	if r.onHost != nil {
		if err := r.runOnHost(o); err != nil {
			return nil, errors.Wrapf(err, "graph: %s, on the host", o)
		}
	} else if err := r.kern.Run(r.mem, r.args); err != nil {
		return nil, errors.Wrapf(err, "graph: %s", o)
	}
	if !r.shown {
		return r.token, nil
	}
	return r.show(o)
}

func (r *remoteOp) input(i int, o *op, inputs []gorgonia.Value) (device.Remote, error) {
	s := &r.sources[i]
	switch {
	case s.op != nil:
		return s.op.remote.mem.Remote, nil
	case s.leaf != nil:
		return s.leaf.mem, nil
	case s.sum:
		d, ok := inputs[i].(*tensor.Dense)
		if !ok || r.engine.of[d] == nil {
			return nil, errors.New("a sum that the device did not make")
		}
		return r.engine.of[d], nil
	}
	m, err := hostMemory(inputs[i])
	if err != nil {
		return nil, err
	}
	if len(m.F32) != o.in[i].TotalSize() {
		return nil, errors.Errorf("value has shape %v, the graph was built for %v", inputs[i].Shape(), o.in[i])
	}
	if s.mem == nil {
		r.m.fixed = true
		if s.mem, err = r.m.alloc(len(m.F32)); err != nil {
			return nil, err
		}
	}
	return s.mem, r.m.d.acc.Upload(s.mem, m.F32)
}

// prepare makes the kernel and the token, and finds the output's memory.
func (r *remoteOp) prepare(o *op) error {
	r.mem = device.Memory{Remote: o.place.remote, On: r.m.d.acc}
	if _, ok := o.spec.(device.Copy); ok && r.sources[0].leaf != nil && !o.place.kept {
		// Such as a new shape of the pictures: what an input holds stays as it is for the run, and
		// nobody looks later.
		r.mem.Remote = r.sources[0].leaf.mem
		r.kern = nothing{}
		r.setToken(o)
		return nil
	}
	kern, err := r.m.d.acc.Kernel(o.spec)
	switch {
	case errors.Is(err, device.ErrNoKernel):
		r.m.d.tell("on the host, for want of a kernel: " + device.Describe(o.spec))
		r.m.fixed = true
		if r.onHost, err = newHostWork(o); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	r.kern = kern
	r.setToken(o)
	return nil
}

func (r *remoteOp) setToken(o *op) {
	r.token = gorgonia.NewF32(0)
	if o.out.Dims() > 0 {
		r.token = r.engine.newToken(o.out, r.mem.Remote)
	}
}

// nothing is the kernel of an op whose output is its input.
type nothing struct{}

func (nothing) Run(device.Memory, []device.Memory) error { return nil }

// close gives back what the kernel holds.
func (r *remoteOp) close() {
	if c, ok := r.kern.(io.Closer); ok {
		_ = c.Close() // gives memory back to the device, which cannot fail
	}
	r.kern = nil
}

func newHostWork(o *op) (*hostWork, error) {
	kern, err := device.CPU.Kernel(o.spec)
	if err != nil {
		return nil, err
	}
	h := &hostWork{kern: kern, out: device.Memory{F32: make([]float32, o.out.TotalSize())}}
	for _, s := range o.in {
		h.in = append(h.in, device.Memory{F32: make([]float32, s.TotalSize())})
	}
	return h, nil
}

// writer is a spec whose kernel writes into inputs, too.
type writer interface{ Writes() []int }

func (r *remoteOp) runOnHost(o *op) error {
	h, acc := r.onHost, r.m.d.acc
	for i, m := range h.in {
		if err := acc.Download(m.F32, r.args[i].Remote); err != nil {
			return err
		}
	}
	if err := h.kern.Run(h.out, h.in); err != nil {
		return err
	}
	if w, ok := o.spec.(writer); ok {
		for _, i := range w.Writes() {
			if err := acc.Upload(r.args[i].Remote, h.in[i].F32); err != nil {
				return err
			}
		}
	}
	return acc.Upload(r.mem.Remote, h.out.F32)
}

// show is the output as a value of the host.
func (r *remoteOp) show(o *op) (gorgonia.Value, error) {
	values := make([]float32, o.out.TotalSize())
	if err := r.m.d.acc.Download(values, r.mem.Remote); err != nil {
		return nil, errors.Wrapf(err, "graph: %s", o)
	}
	if o.out.Dims() == 0 {
		return gorgonia.NewF32(values[0]), nil
	}
	return tensor.New(tensor.WithShape(o.out...), tensor.WithBacking(values)), nil
}

// sumEngine makes the sums of gradients from several readers, which Gorgonia's Grad puts into
// the graph. It is what tokens are made with, so that Gorgonia knows that the host must not
// touch their elements.
type sumEngine struct {
	tensor.StdEng
	m    *remoteMachine
	of   map[*tensor.Dense]device.Remote
	sums map[[2]*tensor.Dense]*tensor.Dense
	adds map[*tensor.Dense]device.Kernel
}

// tokenMemory is what tokens point to.
var tokenMemory [1]float32

// close gives back what the kernels hold.
func (e *sumEngine) close() {
	for _, k := range e.adds {
		if c, ok := k.(io.Closer); ok {
			_ = c.Close()
		}
	}
}

// newToken is a tensor that stands for memory of the device.
func (e *sumEngine) newToken(shape tensor.Shape, mem device.Remote) *tensor.Dense {
	t := tensor.New(tensor.WithShape(shape...), tensor.Of(tensor.Float32), tensor.WithEngine(e),
		tensor.FromMemory(uintptr(unsafe.Pointer(&tokenMemory)), uintptr(4*shape.TotalSize())))
	e.of[t] = mem
	return t
}

// AllocAccessible says so.
func (e *sumEngine) AllocAccessible() bool { return false }

// eitherEngine is the engine of a machine's values: it adds tokens on the device and tensors of
// the host there.
type eitherEngine struct {
	tensor.StdEng
	device *sumEngine
}

// Add is a sum of two tensors.
func (e eitherEngine) Add(a, b tensor.Tensor, opts ...tensor.FuncOpt) (tensor.Tensor, error) {
	x, ok1 := a.(*tensor.Dense)
	y, ok2 := b.(*tensor.Dense)
	if ok1 && ok2 && e.device.of[x] != nil && e.device.of[y] != nil {
		return e.device.add(x, y)
	}
	return e.StdEng.Add(a, b, opts...) // which refuses a token
}

// add is a sum of two tokens.
func (e *sumEngine) add(x, y *tensor.Dense) (*tensor.Dense, error) {
	key := [2]*tensor.Dense{x, y}
	acc, n := e.m.d.acc, x.Shape().TotalSize()
	out := e.sums[key]
	if out == nil {
		mem, err := e.m.alloc(n)
		if err != nil {
			return nil, err
		}
		out = e.newToken(x.Shape().Clone(), mem)
		e.sums[key] = out
		if e.adds == nil {
			e.adds = map[*tensor.Dense]device.Kernel{}
		}
		if e.adds[out], err = acc.Kernel(device.Binary{Op: device.Add, A: []int{n}, B: []int{n}}); err != nil {
			return nil, err
		}
	}
	memory := func(t *tensor.Dense) device.Memory { return device.Memory{Remote: e.of[t], On: acc} }
	return out, e.adds[out].Run(memory(out), []device.Memory{memory(x), memory(y)})
}
