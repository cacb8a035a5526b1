package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.Enqueue) {
		n := s.Rows * s.Cols
		b.step(copyOf(out, in(1), s.Slots*s.Cols))
		b.launchEnqueue(flat(n), n, divisor(s.Cols), s.Slots, in(0), in(2), in(1), b.d.reportTo(), b.d.check("the queue's next slot", s.Slots))
		b.launchEnqueueCount(blocks(1), s.Rows, s.Slots, in(2))
	})
}
