package gpu

import (
	"medusa/internal/cuda"
	"medusa/internal/device"
)

// values keeps the numbers on the device.
func (b *builder) values(s device.Values) {
	numbers := s.Float32s()
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
