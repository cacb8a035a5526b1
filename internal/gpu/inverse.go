package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.SymmetricInverse) {
		// by products, which it is handed
		b.step(copyOf(out, in(1), s.N*s.N))
	})
}
