package machine

import (
	"runtime/debug"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/internal/device"
	"medusa/internal/ram"
)

// MemoryError says that the values of a graph need more memory than the host has free.
type MemoryError struct {
	Reason string // such as: needs 9 GiB of memory, and 7 GiB are free
}

func (e *MemoryError) Error() string {
	return "a run " + e.Reason + "; make the batch, the pictures or the channels smaller, or end segments (graph.EndSegment)"
}

// checkMemory refuses, before any memory is taken, what the values of a run need more of than is free. The system gives
// out memory that it does not have, and ends the process that uses it.
func (c *compiler) checkMemory(steps []graph.Step) error {
	needs := float64(c.needs(steps))
	if ram.Check(needs) == nil {
		return nil
	}
	debug.FreeOSMemory() // such as that of a machine that was closed
	if err := ram.Check(needs); err != nil {
		return errors.Wrap(&MemoryError{err.Error()}, "machine")
	}
	return nil
}

// needs is how many bytes the values of steps take that are all run on the host.
func (c *compiler) needs(steps []graph.Step) int64 {
	arenas, blocks := map[tensor.Dtype]*arena{}, map[*memory][]lent{}
	for dt, a := range c.host {
		arenas[dt] = &arena{size: a.size, make: func(int) (device.Memory, error) { return device.Memory{}, nil }}
	}
	for i, s := range steps {
		for _, m := range c.taken(s) {
			b, _ := arenas[m.dt].take(m.n) // whose make never fails
			blocks[m] = append(blocks[m], b)
		}
		for _, n := range s.In {
			if m := c.values[n].memory; m.last == i && !m.pinned {
				for _, b := range blocks[m] {
					b.giveBack()
				}
				delete(blocks, m)
			}
		}
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
