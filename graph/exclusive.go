package graph

import (
	"gorgonia.org/gorgonia"

	"medusa/internal/exclusive"
)

// exclusively is vm, which runs g, but refuses to be run while use is another goroutine's: their
// numbers would mix.
func exclusively(vm gorgonia.VM, g *gorgonia.ExprGraph, use *exclusive.Use) gorgonia.VM {
	return &exclusiveVM{vm, g, use}
}

type exclusiveVM struct {
	vm  gorgonia.VM
	g   *gorgonia.ExprGraph
	use *exclusive.Use
}

// Nodes are what the machine computes, and its inputs; what ops make by themselves is not among
// them.
func (m *exclusiveVM) Nodes() gorgonia.Nodes { return m.g.AllNodes() }

const theMachine = "graph: the machine"

// RunAll runs all ops.
func (m *exclusiveVM) RunAll() error {
	if err := m.use.Begin(theMachine); err != nil {
		return err
	}
	defer m.use.End()
	return m.vm.RunAll()
}

// Reset prepares the next run. While another goroutine is in one it does nothing: RunAll says
// so.
func (m *exclusiveVM) Reset() {
	if m.use.Begin(theMachine) == nil {
		defer m.use.End()
		m.vm.Reset()
	}
}

// Close gives back what the machine holds.
func (m *exclusiveVM) Close() error {
	if err := m.use.Begin(theMachine); err != nil {
		return err
	}
	defer m.use.End()
	return m.vm.Close()
}
