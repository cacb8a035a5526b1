package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.Gather) {
		b.launchGather(flat(s.N*s.Cols), s.N*s.Cols, divisor(s.Cols), s.Rows, in(0), in(1), out, b.d.reportTo(), b.d.check(s.Index(), s.Rows))
	})
	register((*builder).gatherGrad)
}

func (b *builder) gatherGrad(s spec.GatherGrad) {
	if b.d.options.AnyOrder {
		b.step(fill(out, s.Rows*s.Cols, 0))
		b.launchScatterAdd(flat(s.N*s.Cols), s.N*s.Cols, s.Cols, s.Rows, in(0), in(1), out, b.d.reportTo(), b.d.check(spec.Gather(s).Index(), s.Rows))
		return
	}
	b.launchGatherGrad(blocks(s.Rows), s.N, s.Cols, s.Rows, in(0), in(1), out, b.d.reportTo(), b.d.check(spec.Gather(s).Index(), s.Rows))
}
