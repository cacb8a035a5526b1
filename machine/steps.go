package machine

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device"
	"medusa/internal/spec"
)

// kernelStep runs a kernel of ours.
type kernelStep struct {
	spec any
	kern device.Kernel
	in   []*device.Memory
	args []device.Memory
	out  []*device.Memory // nil of an output that nobody reads
	outs []device.Memory
}

func (s *kernelStep) run() error {
	for i, m := range s.in {
		s.args[i] = *m
	}
	for i, m := range s.out {
		if m != nil {
			s.outs[i] = *m
		}
	}
	if err := s.kern.Run(s.outs, s.args); err != nil {
		return errors.Wrapf(err, "machine: %s", s)
	}
	return nil
}

func (s *kernelStep) String() string { return spec.Describe(s.spec) }

// keptStep tells where a value that is kept stands.
type keptStep struct {
	kept *graph.Kept
	at   *device.Memory
}

func (s keptStep) run() error {
	s.kept.StandsAt(*s.at)
	return nil
}

func (keptStep) String() string { return "keep" }

// operand is what a foreign op reads: an input, the result of another foreign op, or numbers on the host.
type operand struct {
	*value
	node *gorgonia.Node
	at   *device.Memory
}

// gorgonia is a value of Gorgonia's with a header of its own, since ops may give it another shape.
func (o operand) gorgonia() gorgonia.Value {
	switch {
	case o.made != nil && o.made.node == o.node:
		return o.made.result
	case o.input != nil && o.input.node == o.node:
		return o.node.Value()
	}
	return valueOf(*o.at, o.shape)
}

// operands brings what a step reads to the host.
func (c *compiler) operands(s graph.Step) (out []operand, err error) {
	for _, n := range s.In {
		v := c.values[n]
		o := operand{value: v, node: n}
		if v.made == nil || v.made.node != n {
			if o.at, err = c.near(v.memory, false); err != nil {
				return nil, err
			}
		}
		out = append(out, o)
	}
	if c.d != nil {
		c.m.remote.onHost = true
	}
	return out, nil
}

// foreignStep runs an op that is not of package graph, as it is.
type foreignStep struct {
	node   *gorgonia.Node
	in     []operand
	args   []gorgonia.Value
	result gorgonia.Value
	*memory
}

// addForeign adds an op that is not of package graph.
func (c *compiler) addForeign(s graph.Step) error {
	in, err := c.operands(s)
	if err != nil {
		return err
	}
	if c.d != nil {
		c.d.tell("on the host, as an op of Gorgonia's: " + s.Node.Op().String())
	}
	step := c.values[s.Node].made
	step.in, step.args = in, make([]gorgonia.Value, len(in))
	c.m.steps = append(c.m.steps, step)
	return nil
}

func (s *foreignStep) run() (err error) {
	for i, o := range s.in {
		s.args[i] = o.gorgonia()
	}
	if s.result, err = s.node.Op().Do(s.args...); err != nil {
		return errors.Wrapf(err, "machine: %s", s)
	}
	if s.result == nil {
		return errors.Errorf("machine: %s gives no value outside of Gorgonia's own machine: run the graph on gorgonia.NewTapeMachine", s)
	}
	if dt := s.result.Dtype(); dt != tensor.Float32 && dt != tensor.Float64 {
		return nil // no op of ours reads it
	}
	*s.host, err = memoryOf(s.result, s.n)
	return errors.Wrapf(err, "machine: %s", s)
}

func (s *foreignStep) String() string { return s.node.Op().String() }

// readStep is gorgonia.Read.
type readStep struct {
	operand
	into *gorgonia.Value
}

func (c *compiler) addRead(s graph.Step) error {
	in, err := c.operands(s)
	if err != nil {
		return err
	}
	if len(in) != 1 {
		return errors.Errorf("machine: gorgonia.Read of %d nodes, want one", len(in))
	}
	c.m.steps = append(c.m.steps, readStep{in[0], s.Into})
	return nil
}

func (s readStep) run() (err error) {
	v := s.gorgonia()
	if *s.into != nil {
		_, err = gorgonia.Copy(*s.into, v)
	} else {
		*s.into, err = gorgonia.CloneValue(v)
	}
	if err != nil { // a name is long to make: a formula
		return errors.Wrapf(err, "machine: reading %s", s.node.Name())
	}
	return nil
}

func (s readStep) String() string { return "read " + s.node.Name() }
