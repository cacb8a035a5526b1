package gpu

import (
	"medusa/internal/cuda"
	"medusa/internal/spec"
)

func init() {
	register((*builder).values)
}

// values keeps the numbers on the device.
func (b *builder) values(s spec.Values) {
	numbers := make([]float32, len(s.Numbers()))
	for i, v := range s.Numbers() {
		numbers[i] = float32(v)
	}
	own := b.own(len(numbers))
	if own == nil {
		return
	}
	if err := cuda.Upload(b.d.stream, own, numbers); err != nil {
		b.err = err
		return
	}
	b.step(copyOf(out, fixed(own), len(numbers)))
}
