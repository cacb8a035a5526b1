package machine

import (
	"math"

	"gorgonia.org/tensor"

	"medusa/internal/device"
	"medusa/internal/ram"
)

// block is memory for one value at a time, of n numbers.
type block struct {
	n int
	device.Memory
}

// arena lends blocks, the same one again once it is given back.
type arena struct {
	free  []*block
	make  func(n int) (device.Memory, error)
	bytes int64 // of all blocks
	size  int64 // of a number, in bytes
}

// lent is a block that a value has, of an arena.
type lent struct {
	*block
	from *arena
}

// mostWaste is how many times as large as needed memory may be that is used again.
const mostWaste = 4

// take lends the smallest free block that holds n numbers, or a new one.
func (a *arena) take(n int) (lent, error) {
	best := -1
	for i, b := range a.free {
		if b.n >= n && b.n <= mostWaste*n && (best < 0 || b.n < a.free[best].n) {
			best = i
		}
	}
	if best < 0 {
		m, err := a.make(n)
		a.bytes += int64(n) * a.size
		return lent{&block{n, m}, a}, err
	}
	b := a.free[best]
	a.free = append(a.free[:best], a.free[best+1:]...)
	return lent{b, a}, nil
}

// giveBack ends the loan: what is run from then on may use the block.
func (l lent) giveBack() { l.from.free = append(l.from.free, l.block) }

// memory is the first n numbers of the block.
func (l lent) memory(n int) *device.Memory {
	m := l.Memory
	switch {
	case m.F32 != nil:
		m.F32 = m.F32[:n:n]
	case m.F64 != nil:
		m.F64 = m.F64[:n:n]
	case m.I32 != nil:
		m.I32 = m.I32[:n:n]
	}
	return &m
}

// hostMemory makes n numbers of the host.
func hostMemory(dt tensor.Dtype) func(n int) (device.Memory, error) {
	return func(n int) (device.Memory, error) {
		if err := ram.CheckNumbers(n, int(dt.Size())); err != nil {
			return device.Memory{}, &MemoryError{err.Error()}
		}
		switch dt {
		case tensor.Float64:
			return device.Memory{F64: make([]float64, n)}, nil
		case tensor.Int32:
			return device.Memory{I32: make([]int32, n)}, nil
		}
		return device.Memory{F32: make([]float32, n)}, nil
	}
}

// poisonStep fills memory with NaN, or with what is no place, that nobody may read any more.
type poisonStep struct{ lent }

func (poisonStep) String() string { return "poison" }

func (s poisonStep) run() error {
	if s.Remote != nil {
		return s.On.Fill(s.Remote, s.n, float32(math.NaN()))
	}
	for i := range s.F32 {
		s.F32[i] = float32(math.NaN())
	}
	for i := range s.F64 {
		s.F64[i] = math.NaN()
	}
	for i := range s.I32 {
		s.I32[i] = math.MinInt32
	}
	return nil
}
