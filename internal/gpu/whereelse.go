package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.WhereElse) {
		b.launchWhereElse(flat(s.N), s.N, in(0), in(1), in(2), out)
	})
}
