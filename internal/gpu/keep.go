package gpu

import (
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	register((*builder).keep)
}

func (b *builder) keep(s spec.Keep) {
	own := b.own(s.N)
	if own == nil {
		return
	}
	*s.Into = device.Memory{Remote: own, On: b.d}
	b.step(copyOf(fixed(own), in(0), s.N))
}
