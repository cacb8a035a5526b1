package graph

import (
	"github.com/pkg/errors"

	"medusa/internal/spec"
)

// GELU is x·Φ(x), where Φ is the normal distribution's function: the exact form, by the error
// function, which ViT, ConvNeXt and DINO have.
//
// D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units (GELUs)", 2016.
func (e Expr) GELU() Expr { return e.unary(spec.Gelu, 0, 0) }

// GELUTanh is ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), the form by which SigLIP and others
// approximate GELU; it differs from it by up to 5·10⁻⁴.
func (e Expr) GELUTanh() Expr { return e.unary(spec.GeluTanh, 0, 0) }

// Swish is x·σ(βx), σ(x) = 1/(1 + e⁻ˣ): SiLU for β = 1, and the QuickGELU of CLIP for 1.702.
func (e Expr) Swish(beta float64) Expr { return e.unary(spec.Swish, beta, 0) }

// HardSwish is x·min(max(x + 3, 0), 6)/6; its derivative at ±3 is that from within.
//
// A. Howard et al., "Searching for MobileNetV3", ICCV 2019.
func (e Expr) HardSwish() Expr { return e.unary(spec.HardSwish, 0, 0) }

// HardSigmoid is min(max(x + 3, 0), 6)/6.
func (e Expr) HardSigmoid() Expr { return e.Affine(1./6, 0.5).Clamp(0, 1) }

// PReLU is x where x is above 0 and slope·x elsewhere. The slope is one number for all of x, a
// scalar or of shape (1), or one for each channel (C) of x (B, C, …).
//
// K. He et al., "Delving Deep into Rectifiers", ICCV 2015.
func (e Expr) PReLU(slope Expr) Expr {
	if err := firstError(e, slope); err != nil {
		return Fail(err)
	}
	s, a := e.Shape(), slope.Shape()
	if s.Dims() == 0 {
		return Fail(errors.New("graph: PReLU of a scalar, want a tensor (B, C, …)"))
	}
	wide := make([]int, len(s))
	for i := range wide {
		wide[i] = 1
	}
	switch {
	case a.TotalSize() == 1:
	case a.Dims() == 1 && s.Dims() >= 2 && a[0] == s[1]:
		wide[1] = a[0]
	default:
		return Fail(errors.Errorf("graph: PReLU of shape %v: the slope has shape %v, want a number or one for each channel (%d)", s, a, s[min(1, len(s)-1)]))
	}
	above := e.Unfused().Relu() // what made e would be done twice, since it is read below too
	above.unfused = e.unfused
	return above.Add(e.Sub(above).Mul(slope.Reshape(wide...)))
}
