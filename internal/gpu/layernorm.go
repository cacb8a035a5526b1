package gpu

import (
	"medusa/internal/cuda"
	"medusa/internal/spec"
)

func init() {
	register(func(b *builder, s spec.LayerNorm) {
		beta := 1
		if s.Gamma {
			beta = 2
		}
		b.launchLayerNorm(blocks(s.Rows), s.Cols, f32(s.Eps), in(0), in(1).or(s.Gamma), in(beta).or(s.Beta), out)
	})
	register(func(b *builder, s spec.LayerNormGrad) {
		dy := 1
		if s.Gamma {
			dy = 2
		}
		b.launchLayerNormGrad(blocks(s.Rows), s.Cols, f32(s.Eps), in(0), in(1).or(s.Gamma), in(dy), out)
	})
	register((*builder).layerNormParamsGrad)
}

// layerNormParamsGrad cuts the rows into parts, so that there are blocks enough.
func (b *builder) layerNormParamsGrad(s spec.LayerNormParamsGrad) {
	const busy, least = 512, 32 // blocks, and rows of a part
	across := (s.Cols + threads - 1) / threads
	parts := max(1, min(busy/across, s.Rows/least))
	moments := 4 * s.Cols * parts
	b.work(moments + 2*s.Rows)
	b.launchLayerNormMoments(blocks(s.Rows), s.Cols, f32(s.Eps), in(0), work(moments))
	b.launchLayerNormParamsGrad(cuda.Dim{X: across, Y: parts}, s.Rows, s.Cols, in(0), work(moments), in(1), work(0), out, output(1))
	b.addTwoParts(s.Cols, parts)
}
