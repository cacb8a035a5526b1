package graph

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/tensor"

	"medusa/internal/spec"
)

// LayerNorm normalises x (…, C) over its last axis, each row of C numbers by itself:
//
//	y = γ·(x − mean)/√(variance + ε) + β
//
// with the variance that divides by C. γ and β (C) may be the zero Expr for none; ε is above 0:
// 1e-6 in ViT and ConvNeXt, 1e-5 in CLIP and as PyTorch's default. Channels of pictures (B, C, H, W)
// are normalised after Permute(0, 2, 3, 1).
//
// J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer Normalization", 2016.
func LayerNorm(x, gamma, beta Expr, eps float64) Expr {
	if x.Err() != nil {
		return x
	}
	s := x.Shape()
	if s.Dims() == 0 {
		return Fail(errors.New("graph: layer normalisation of a scalar, want a tensor (…, C)"))
	}
	if !(eps > 0) {
		return Fail(errors.Errorf("graph: layer normalisation: ε is %v, want above 0", eps))
	}
	cols := s[len(s)-1]
	what := spec.LayerNorm{Rows: s.TotalSize() / cols, Cols: cols, Eps: eps}
	in := []Expr{x}
	for _, p := range []struct {
		name string
		e    Expr
		has  *bool
	}{{"γ", gamma, &what.Gamma}, {"β", beta, &what.Beta}} {
		if p.e == (Expr{}) {
			continue
		}
		if p.e.Err() != nil {
			return p.e
		}
		if !slices.Equal(p.e.Shape(), tensor.Shape{cols}) {
			return Fail(errors.Errorf("graph: layer normalisation of shape %v: %s has shape %v, want (%d)", s, p.name, p.e.Shape(), cols))
		}
		*p.has, in = true, append(in, p.e)
	}
	return apply(what, s, func(in []Expr, _, g Expr, need []bool) []Expr { return layerNormGrads(what, in, g, need) }, in...)
}

// layerNormGrads are the gradients to x and those of γ and β that there are.
func layerNormGrads(what spec.LayerNorm, in []Expr, g Expr, need []bool) []Expr {
	grads := make([]Expr, len(in))
	if need[0] {
		from := []Expr{in[0]}
		if what.Gamma {
			from = append(from, in[1])
		}
		grads[0] = apply(spec.LayerNormGrad(what), in[0].Shape(), nil, append(from, g)...)
	}
	if !slices.Contains(need[1:], true) {
		return grads
	}
	dgamma := apply(spec.LayerNormParamsGrad(what), tensor.Shape{what.Cols}, nil, in[0], g)
	at := 1
	if what.Gamma {
		grads[at] = dgamma
		at++
	}
	if what.Beta && need[at] {
		grads[at] = dgamma.output(1)
	}
	return grads
}
