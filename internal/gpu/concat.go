package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.Slice) {
		n := s.To - s.From
		b.launchCopyBlock(flat(s.Rows*n), s.Rows*n, divisor(n), in(0).from(s.From), s.Width, out, n)
	})
	register(func(b *builder, s spec.SliceGrad) {
		b.launchSliceGrad(flat(s.Rows*s.Width), s.Rows*s.Width, divisor(s.Width), s.From, s.To, in(0), out)
	})
	register((*builder).concat)
}

func (b *builder) concat(s spec.Concat) {
	width, at := 0, 0
	for _, w := range s.Widths {
		width += w
	}
	for i, w := range s.Widths {
		b.launchCopyBlock(flat(s.Rows*w), s.Rows*w, divisor(w), in(i), w, out.from(at), width)
		at += w
	}
}
