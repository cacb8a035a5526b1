package machine

import (
	"cmp"
	"math"
	"slices"

	"gorgonia.org/tensor"

	"medusa/internal/device"
	"medusa/internal/ram"
)

// slot is room for n numbers from one step of a graph to another, both included.
type slot struct {
	n, from, to int
	at          *device.Memory // filled by arena.place
}

// untilTheEnd is the last step of a slot that is not given back.
const untilTheEnd = math.MaxInt

// giveBack ends the use of a slot with a step.
func (s *slot) giveBack(step int) { s.to = step }

// arena gives slots memory, when all are known: the same for several that follow each other.
type arena struct {
	slots []*slot
	make  func(n int) (device.Memory, error)
	size  int64 // of a number, in bytes
	bytes int64 // of all blocks
}

// block is memory for slots that do not overlap in time.
type block struct {
	n    int
	used []*slot
}

// take is a slot of n numbers from a step on.
func (a *arena) take(n, step int) *slot {
	s := &slot{n: n, from: step, to: untilTheEnd, at: &device.Memory{}}
	a.slots = append(a.slots, s)
	return s
}

// place gives all slots their memory. The largest are placed first, each into the smallest block that is free then: so no
// block is larger than the largest of its slots.
//
// Y. Pisarchyk and J. Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020 (greedy by size).
func (a *arena) place() error {
	for _, b := range a.blocks() {
		m, err := a.make(b.n)
		if err != nil {
			return err
		}
		for _, s := range b.used {
			*s.at = firstOf(m, s.n)
		}
	}
	return nil
}

// blocks puts the slots into blocks, and adds up the bytes of these.
func (a *arena) blocks() (blocks []*block) {
	bySize := slices.Clone(a.slots)
	slices.SortStableFunc(bySize, func(s, t *slot) int { return cmp.Compare(t.n, s.n) })
	for _, s := range bySize {
		b := freeBlock(blocks, s)
		if b == nil {
			b = &block{n: s.n}
			blocks = append(blocks, b)
			a.bytes += int64(s.n) * a.size
		}
		b.used = append(b.used, s)
	}
	return blocks
}

// freeBlock is the last block, and so the smallest, that is free for a slot; nil if none is.
func freeBlock(blocks []*block, s *slot) *block {
	for _, b := range slices.Backward(blocks) {
		if !slices.ContainsFunc(b.used, func(t *slot) bool { return s.from <= t.to && t.from <= s.to }) {
			return b
		}
	}
	return nil
}

// firstOf is the first n numbers of memory.
func firstOf(m device.Memory, n int) device.Memory {
	switch {
	case m.F32 != nil:
		m.F32 = m.F32[:n:n]
	case m.F64 != nil:
		m.F64 = m.F64[:n:n]
	case m.I32 != nil:
		m.I32 = m.I32[:n:n]
	}
	return m
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
type poisonStep struct{ *slot }

func (poisonStep) String() string { return "poison" }

func (s poisonStep) run() error {
	m := s.at
	if m.Remote != nil {
		return m.On.Fill(m.Remote, s.n, float32(math.NaN()))
	}
	for i := range m.F32 {
		m.F32[i] = float32(math.NaN())
	}
	for i := range m.F64 {
		m.F64[i] = math.NaN()
	}
	for i := range m.I32 {
		m.I32[i] = math.MinInt32
	}
	return nil
}
