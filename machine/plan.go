package machine

import (
	"runtime/debug"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/ram"
)

// MemoryError says that the values of a graph need more memory than the host has free.
type MemoryError struct {
	Reason string // such as: needs 9 GiB of memory, and 7 GiB are free
}

func (e *MemoryError) Error() string {
	return "a run " + e.Reason + "; make the batch, the pictures or the channels smaller, or end segments (graph.EndSegment)"
}

// planned makes the values of g and its steps as a device runs them. Segments are computed once more only if the values
// take less memory then: where one block is larger than all others together, they may not.
func planned(g *gorgonia.ExprGraph, d *Device) (*compiler, []graph.Step, error) {
	steps, err := graph.Steps(g)
	if err != nil {
		return nil, nil, err
	}
	if d == nil {
		steps = graph.Powered(graph.Chained(graph.OnHost(steps)))
	}
	again, err := graph.Recomputed(steps)
	if err != nil {
		return nil, nil, err
	}
	c := newCompiler(d)
	if err := c.plan(steps); err != nil || len(again) == len(steps) {
		return c, steps, err
	}
	less := newCompiler(d)
	if err := less.plan(again); err != nil {
		return nil, nil, err
	}
	if less.needs(again) < c.needs(steps) {
		return less, again, nil
	}
	return c, steps, nil
}

// checkMemory refuses, before any memory is taken, what the values of a run need more of than is free. The system gives
// out memory that it does not have, and ends the process that uses it.
func checkMemory(bytes int64) error {
	if ram.Check(float64(bytes)) == nil {
		return nil
	}
	debug.FreeOSMemory() // such as that of a machine that was closed
	if err := ram.Check(float64(bytes)); err != nil {
		return errors.Wrap(&MemoryError{err.Error()}, "machine")
	}
	return nil
}

// needs is how many bytes the values of steps take where all of them run on one side.
func (c *compiler) needs(steps []graph.Step) int64 {
	arenas := map[tensor.Dtype]*arena{}
	for dt, a := range c.host {
		arenas[dt] = &arena{size: a.size}
	}
	for i, s := range steps {
		for _, m := range c.taken(s) {
			if slot := arenas[m.dt].take(m.n, i); m.last >= 0 && !m.pinned {
				slot.giveBack(m.last)
			}
		}
	}
	for _, a := range arenas {
		a.blocks()
	}
	return bytesOf(arenas)
}

// taken are the memories that a step of the host takes.
func (c *compiler) taken(s graph.Step) (taken []*memory) {
	if s.Spec == nil || c.isOtherShape(s) || c.isPinning(s) {
		return nil
	}
	for _, nodes := range append([][]*gorgonia.Node{{s.Node}}, s.Further...) {
		if len(nodes) > 0 {
			taken = append(taken, c.values[nodes[0]].memory)
		}
	}
	return taken
}

func bytesOf(arenas map[tensor.Dtype]*arena) (sum int64) {
	for _, a := range arenas {
		sum += a.bytes
	}
	return sum
}
