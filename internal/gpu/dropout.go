package gpu

import (
	"math"

	"medusa/internal/spec"
)

func init() {
	register((*builder).dropout)
	registerSome((*builder).dropoutGrad)
}

// dropout copies the state to where the gradient finds it, draws, and counts the run.
func (b *builder) dropout(s spec.Dropout) {
	draw := b.own(spec.DropoutDigits)
	if draw == nil {
		return
	}
	b.d.draws[s.Draw] = draw
	b.done = append(b.done, func() { delete(b.d.draws, s.Draw) })
	b.step(copyOf(fixed(draw), in(1), spec.DropoutDigits))
	b.mask(s, fixed(draw))
	b.launchDropoutCount(blocks(1), fixed(draw), in(1))
}

func (b *builder) dropoutGrad(s spec.DropoutGrad) bool {
	draw := b.d.draws[s.Draw]
	if draw != nil {
		b.mask(spec.Dropout(s), fixed(draw))
	}
	return draw != nil
}

func (b *builder) mask(s spec.Dropout, draw operand) {
	limit := uint64(math.Round(s.Rate * (1 << 32)))
	b.launchDropout(blocks((s.N+sizeDropoutPiece-1)/sizeDropoutPiece), s.N, limit, float32(1/(1-s.Rate)), draw, in(0), out)
}
