package machine

import (
	"os"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/exclusive"
)

// Machine runs a graph; it is a gorgonia.VM. One goroutine runs it at a time, and another one
// gets an error; machines of different graphs run at the same time, also over one Params.
type Machine struct {
	use    *exclusive.Use
	nodes  gorgonia.Nodes // that it computes
	inputs []*input
	steps  []step
	remote *remote // of a device; nil on the CPU
	now    step    // that is run
	closed bool

	recomputed int   // how many steps a run does once more
	memory     int64 // bytes of the values of a run
}

var _ gorgonia.VM = (*Machine)(nil)

// step is one thing that is done in a run.
type step interface {
	run() error
	String() string
}

// New makes the Machine that runs g. g must be whole: the gradients, and the calls of graph.Keep for
// what is wanted of a run, come first. A run takes memory only for what must live at once, and so it
// gives nodes no values: graph.Keep and gorgonia.Read are the ways to get at results. Masks of pairs
// that nothing reads are not made.
//
// g belongs to this machine from then on.
func New(g *gorgonia.ExprGraph) (gorgonia.VM, error) { return On(g, nil) }

// On is New on a device; nil is the CPU. Values are float32. The tensors of params, and those that
// the device was given to hold (Device.Adopt), are used where they are and stay on the device;
// other inputs are copied there before each run. What is kept (graph.Keep) is copied to the host
// when it is asked for. Ops without a kernel on the device, and Gorgonia's own, run on the host,
// which the device's log is told.
func On(g *gorgonia.ExprGraph, d *Device, params ...*graph.Params) (vm gorgonia.VM, err error) {
	defer graph.Guard("making a machine", &err)
	switch {
	case g == nil:
		return nil, errors.New("machine: no graph to make a machine of")
	case d != nil && d.acc == nil:
		return nil, errClosed
	}
	d.Adopt(graph.Tensors(params...)...)
	m, err := compile(g, d)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Nodes are the nodes that the machine computes. Those that other ops compute on the way are not among them.
func (m *Machine) Nodes() gorgonia.Nodes { return m.nodes }

// Recomputed is how many ops a run computes once more instead of keeping their results (graph.EndSegment).
func (m *Machine) Recomputed() int { return m.recomputed }

// Memory is how many bytes the machine took for the values of a run: on the host, or on the device that it is of.
// Inputs and what kernels work with are not among them.
func (m *Machine) Memory() int64 { return m.memory }

const theMachine = "machine: the machine"

// RunAll computes everything for the values that the inputs have.
func (m *Machine) RunAll() (err error) {
	if err := m.use.Begin(theMachine); err != nil {
		return err
	}
	defer m.use.End()
	defer m.guard(&err)
	if m.closed {
		return errors.New("machine: the machine is closed")
	}
	for _, in := range m.inputs {
		if err := in.takeBound(); err != nil {
			return err
		}
	}
	if m.remote != nil {
		return m.remote.run(m)
	}
	return m.walk()
}

// guard turns a panic into an error that names the step.
func (m *Machine) guard(err *error) {
	if r := recover(); r != nil {
		*err = errors.Errorf("machine: running %v: %v", m.now, r)
	}
}

func (m *Machine) walk() error {
	for _, s := range m.steps {
		m.now = s
		if err := s.run(); err != nil {
			return err
		}
	}
	return nil
}

// Reset does nothing: it is there because a gorgonia.VM has it, to be called between two runs.
func (m *Machine) Reset() {}

// Close gives back what the machine holds.
func (m *Machine) Close() error {
	if err := m.use.Begin(theMachine); err != nil {
		return err
	}
	defer m.use.End()
	if m.closed {
		return nil
	}
	m.closed = true
	m.steps, m.inputs = nil, nil
	if m.remote != nil {
		return m.remote.close()
	}
	return nil
}

// Poison names the environment variable that, if set, has memory filled with NaN after its
// last reader, so that whatever reads it later shows. It is for tests.
const Poison = "MEDUSA_POISON"

var poisonFreed = os.Getenv(Poison) != ""
