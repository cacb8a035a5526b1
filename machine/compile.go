package machine

import (
	"io"
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/cpu"
	"medusa/internal/device"
	"medusa/internal/exclusive"
	"medusa/internal/spec"
)

// compiler makes the steps of a machine of those of a graph.
type compiler struct {
	m       *Machine
	d       *Device // nil is the CPU
	values  map[*gorgonia.Node]*value
	written map[*gorgonia.Node]bool // inputs that steps change
	host    map[tensor.Dtype]*arena
	remote  *arena
	now     int // the step that is added
}

func compile(g *gorgonia.ExprGraph, d *Device) (_ *Machine, err error) {
	c, steps, err := planned(g, d)
	if err != nil {
		return nil, err
	}
	if d == nil {
		if err := checkMemory(c.needs(steps)); err != nil {
			return nil, err
		}
	}
	for i, s := range steps {
		if err = c.add(i, s); err != nil {
			break
		}
	}
	if err == nil {
		err = c.place()
	}
	if err != nil {
		if d != nil {
			_ = c.m.remote.close() // the first error counts
		}
		return nil, err
	}
	return c.m, nil
}

// place gives all values their memory.
func (c *compiler) place() error {
	arenas := []*arena{c.host[tensor.Float32], c.host[tensor.Float64], c.host[tensor.Int32]}
	if c.remote != nil {
		arenas = append(arenas, c.remote)
	}
	for _, a := range arenas {
		if err := a.place(); err != nil {
			return errors.Wrap(err, "machine: memory for the values of a run")
		}
	}
	if c.m.memory = bytesOf(c.host); c.remote != nil {
		c.m.memory = c.remote.bytes
	}
	return nil
}

func newCompiler(d *Device) *compiler {
	c := &compiler{
		m: &Machine{use: &exclusive.Use{}}, d: d, values: map[*gorgonia.Node]*value{}, written: map[*gorgonia.Node]bool{},
		host: map[tensor.Dtype]*arena{},
	}
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64, tensor.Int32} {
		c.host[dt] = &arena{make: hostMemory(dt), size: int64(dt.Size())}
	}
	if d != nil {
		c.m.use, c.m.remote = &d.use, &remote{d: d}
		c.remote = &arena{make: c.m.remote.alloc, size: 4}
	}
	return c
}

// plan makes the values, and finds out which step is the last to read each.
func (c *compiler) plan(steps []graph.Step) error {
	for _, s := range steps {
		for _, i := range spec.Writes(s.Spec) {
			c.written[s.In[i]] = true
		}
	}
	for i, s := range steps {
		for _, n := range s.In {
			v := c.values[n]
			if v == nil {
				v = c.input(n)
			}
			v.last = i
			v.pinned = v.pinned || isForeign(s) // whose result may be a view of it
		}
		if s.Into != nil {
			continue
		}
		v := &value{shape: s.Node.Shape()}
		switch {
		case c.isOtherShape(s):
			v.memory = c.values[s.In[0]].memory
		case c.isPinning(s):
			c.values[s.In[0]].pinned = true
			fallthrough
		default:
			v.memory = &memory{n: size(v.shape), last: -1}
		}
		if isForeign(s) {
			v.host = &device.Memory{}
			v.made = &foreignStep{node: s.Node, memory: v.memory}
		}
		if s.Spec != nil {
			if v.dt = s.Node.Dtype(); v.dt != tensor.Float32 && c.d != nil {
				return errors.Errorf("machine: %s computes in float32, and the graph has %v; use the CPU", c.d.Name(), v.dt)
			}
		}
		c.values[s.Node] = v
		for _, nodes := range s.Further {
			c.planOutput(nodes)
		}
		if s.Again {
			c.m.recomputed++
			continue
		}
		c.m.nodes = append(append(c.m.nodes, s.Node), slices.Concat(s.Further...)...)
	}
	return nil
}

// planOutput makes the value of an output besides the first, for all its nodes.
func (c *compiler) planOutput(nodes []*gorgonia.Node) {
	for _, n := range nodes {
		v := &value{n.Shape(), &memory{n: size(n.Shape()), dt: n.Dtype(), last: -1}}
		if one := c.values[nodes[0]]; one != nil {
			v.memory = one.memory
		}
		c.values[n] = v
	}
}

// input makes the value of an input or constant of the graph.
func (c *compiler) input(n *gorgonia.Node) *value {
	in := &input{node: n, n: size(n.Shape()), written: c.written[n]}
	c.m.inputs = append(c.m.inputs, in)
	c.values[n] = &value{n.Shape(), &memory{n: in.n, dt: n.Dtype(), input: in, host: &in.host, last: -1}}
	return c.values[n]
}

// size is the number of elements, 1 of a scalar.
func size(s tensor.Shape) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// isForeign reports whether a step is no op of package graph: it is run as it is.
func isForeign(s graph.Step) bool { return s.Spec == nil && s.Into == nil }

// isOtherShape reports whether a step only gives what it reads another shape, in the same memory. It is
// false where later steps change that memory.
func (c *compiler) isOtherShape(s graph.Step) bool {
	_, ok := s.Spec.(spec.Copy)
	return ok && s.Kept == nil && !c.written[s.In[0]]
}

// isPinning reports whether a step keeps what it reads by keeping its memory. Inputs are copied instead,
// since they may be filled anew before anybody looks, and so are the results of foreign ops.
func (c *compiler) isPinning(s graph.Step) bool {
	if s.Kept == nil {
		return false
	}
	m := c.values[s.In[0]]
	return m.input == nil && m.made == nil
}

// add adds a step of the graph to the machine, and gives back the memory that it is the last to
// read.
func (c *compiler) add(i int, s graph.Step) error {
	c.now = i
	if err := c.addStep(s); err != nil {
		return err
	}
	for _, n := range s.In {
		m := c.values[n].memory
		if m.pinned || m.last != i {
			continue
		}
		for _, s := range m.slots {
			s.giveBack(i)
			if poisonFreed {
				c.m.steps = append(c.m.steps, poisonStep{s})
			}
		}
		m.slots = nil
	}
	return nil
}

func (c *compiler) addStep(s graph.Step) error {
	switch {
	case s.Into != nil:
		return c.addRead(s)
	case s.Spec == nil:
		return c.addForeign(s)
	case c.isOtherShape(s):
		return nil
	case c.isPinning(s):
		return c.addPinned(s)
	}
	return c.addKernel(s)
}

// addPinned tells where a kept value stands.
func (c *compiler) addPinned(s graph.Step) error {
	at, err := c.near(c.values[s.In[0]].memory, c.d != nil)
	c.m.steps = append(c.m.steps, keptStep{s.Kept, at})
	return err
}

// addKernel adds a kernel of ours, on the device if it has one.
func (c *compiler) addKernel(s graph.Step) error {
	kern, onDevice, err := c.kernel(s.Spec)
	if err != nil {
		return err
	}
	step := &kernelStep{spec: s.Spec, kern: kern, args: make([]device.Memory, len(s.In))}
	for _, n := range s.In {
		m, err := c.near(c.values[n].memory, onDevice)
		if err != nil {
			return err
		}
		step.in = append(step.in, m)
	}
	c.takeOutputs(step, s, onDevice)
	c.m.steps = append(c.m.steps, step)
	if s.Kept != nil {
		c.m.steps = append(c.m.steps, keptStep{s.Kept, step.out[0]})
	}
	if c.d != nil && !onDevice {
		for _, i := range spec.Writes(s.Spec) {
			c.m.steps = append(c.m.steps, pushStep{c.d, c.values[s.In[i]].input})
		}
	}
	return nil
}

// takeOutputs gives a step's outputs their memory: the first, and the others that somebody reads.
func (c *compiler) takeOutputs(step *kernelStep, s graph.Step, onDevice bool) {
	step.outs = make([]device.Memory, 1+len(spec.OutputsOf(s.Spec)))
	step.out = make([]*device.Memory, len(step.outs))
	for i, nodes := range append([][]*gorgonia.Node{{s.Node}}, s.Further...) {
		if len(nodes) == 0 {
			continue
		}
		step.out[i] = c.take(c.values[nodes[0]].memory, onDevice)
	}
}

func (c *compiler) kernel(what any) (kern device.Kernel, onDevice bool, err error) {
	if c.d != nil {
		kern, err := c.d.acc.Kernel(what)
		if err == nil {
			if k, ok := kern.(io.Closer); ok {
				c.m.remote.kernels = append(c.m.remote.kernels, k)
			}
			return kern, true, nil
		}
		if !errors.Is(err, device.ErrNoKernel) {
			return nil, false, err
		}
		c.d.tell("on the host, for want of a kernel: " + spec.Describe(what))
		c.m.remote.onHost = true
	}
	kern, err = cpu.Device.Kernel(what)
	return kern, false, err
}

// take gives a result its memory.
func (c *compiler) take(m *memory, onDevice bool) *device.Memory {
	from := c.host[m.dt]
	if onDevice {
		from = c.remote
	}
	s := from.take(m.n, c.now)
	m.slots = append(m.slots, s)
	if onDevice {
		m.remote = s.at
	} else {
		m.host = s.at
	}
	return s.at
}

// near returns a value's memory on the device or on the host, as onDevice says. If the value is only on
// the other side, near adds a copy.
func (c *compiler) near(m *memory, onDevice bool) (*device.Memory, error) {
	switch {
	case onDevice && m.input != nil:
		m.input.used = true
		return &m.input.remote, nil
	case m.input != nil && c.d != nil:
		c.m.steps = append(c.m.steps, pullStep{c.d, m.input})
		return m.host, nil
	case onDevice && m.remote != nil:
		return m.remote, nil
	case !onDevice && m.host != nil:
		return m.host, nil
	}
	from := m.remote
	if onDevice {
		from = m.host
	}
	if m.dt != tensor.Int32 {
		m.dt = tensor.Float32
	}
	to := c.take(m, onDevice)
	c.m.steps = append(c.m.steps, copyStep{c.d.acc, to, from})
	return to, nil
}
