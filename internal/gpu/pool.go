package gpu

import "medusa/internal/spec"

func init() {
	register(func(b *builder, s spec.MaxPool) {
		b.maxPool(s.Pool2D, s.Relu, in(0))
	})
	register((*builder).maxPoolGrad)
	register(func(b *builder, s spec.AvgPool) {
		p := s.Pool2D.WithDefaults()
		n := p.Planes * p.OutH() * p.OutW()
		b.launchAvgPool(flat(n), n, divisor(p.OutH()*p.OutW()), divisor(p.OutW()), p.H, p.W, p.KH, p.KW, p.StrideH, p.StrideW, p.PadH, p.PadW, p.ExcludePad, in(0), out)
	})
	register(func(b *builder, s spec.AvgPoolGrad) {
		p := s.Pool2D.WithDefaults()
		n := p.Planes * p.H * p.W
		b.launchAvgPoolGrad(flat(n), n, divisor(p.H*p.W), divisor(p.W), p.H, p.OutH(), p.OutW(), p.KH, p.KW, divisor(p.StrideH), divisor(p.StrideW), p.PadH, p.PadW, p.ExcludePad, in(0), out)
	})
	register(func(b *builder, s spec.PlaneMean) {
		b.launchPlaneMean(blocks((s.Planes+7)/8), s.Planes, s.Size, in(0), out)
	})
	register(func(b *builder, s spec.PlaneMeanGrad) {
		b.launchPlaneMeanGrad(flat(s.Planes*s.Size), s.Planes*s.Size, divisor(s.Size), in(0), out)
	})
}

func (b *builder) maxPool(p spec.Pool2D, relu bool, x operand) {
	p = p.WithDefaults()
	n := p.Planes * p.OutH() * p.OutW()
	b.launchMaxPool(flat(n), n, divisor(p.OutH()*p.OutW()), divisor(p.OutW()), p.H, p.W, p.KH, p.KW, p.StrideH, p.StrideW, p.PadH, p.PadW, relu, x, out, output(1))
}

func (b *builder) maxPoolGrad(s spec.MaxPoolGrad) {
	p := s.Pool2D.WithDefaults()
	n := p.Planes * p.H * p.W
	b.launchMaxPoolGrad(flat(n), n, divisor(p.H*p.W), divisor(p.W), p.OutH(), p.OutW(), p.KH, p.KW, divisor(p.StrideH), divisor(p.StrideW), p.PadH, p.PadW, in(0), in(1), out)
}
