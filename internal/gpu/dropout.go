package gpu

import (
	"math"

	"medusa/internal/spec"
)

func init() {
	register(func(b *builder, s spec.Dropout) {
		limit := uint64(math.Round(s.Rate * (1 << 32)))
		b.launchDropout(blocks((s.N+sizeDropoutPiece-1)/sizeDropoutPiece), s.N, limit, float32(1/(1-s.Rate)), in(1), in(0), out)
	})
}
