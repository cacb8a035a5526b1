package gpu

import "medusa/internal/device"

// random gathers the steps of the specs that draw, and of queues.
func (b *builder) random(spec any) {
	switch s := spec.(type) {
	case device.Advance:
		b.step(copyOf(out, in(0), device.DropoutDigits))
		b.launch("dropout_count", blocks(1), out, in(0))
	case device.Uniform:
		b.launch("uniform", flat((s.N+3)/4), s.N, uint64(s.Stream), in(0), out)
	case device.Normal:
		b.launch("normal", flat((s.N+3)/4), s.N, uint64(s.Stream), in(0), out)
	case device.Bernoulli:
		b.launch("bernoulli", flat((s.N+3)/4), s.N, uint64(s.Stream), s.Limit(), in(0), out)
	case device.DrawnColumns:
		b.launch("choose", blocks(s.Rows), s.Cols, s.K, uint64(s.Stream), in(0), in(1), out,
			b.d.reportTo(), b.d.checkFor("weight", "a finite number of at least 0"))
	case device.DrawnPartners:
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 2, 0)
		b.launch("choose_partners", blocks(s.Rows), s.Cols, uint64(s.Stream), mask.pairs, in(0), in(1), mask.from, out,
			b.d.reportTo(), b.d.checkFor("weight", "a finite number of at least 0"))
	case device.Levelled:
		mask := b.maskOf(s.Mask, s.Rows, s.Cols, 2, 2*s.Bins)
		b.work(2 * s.Bins)
		b.launch("levelled", blocks(1), s.Rows*s.Cols, s.Cols, s.Bins, s.Each, uint64(s.Stream), mask.pairs, in(0), in(1), mask.from, work(0), work(s.Bins), out,
			b.d.reportTo(), b.d.checkFor("number", "a finite one"))
	case device.Enqueue:
		n := s.Rows * s.Cols
		b.step(copyOf(out, in(1), s.Slots*s.Cols))
		b.launch("enqueue", flat(n), n, divisor(s.Cols), s.Slots, in(0), in(2), in(1), b.d.reportTo(), b.d.check("the queue's next slot", s.Slots))
		b.launch("enqueue_count", blocks(1), s.Rows, s.Slots, in(2))
	}
}
