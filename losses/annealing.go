package losses

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
)

// Annealing begins a training with the plain softmax and lets the margin in little by little: the logit
// of a sample's own class is of
//
//	(λ·cos θ_y + ψ(θ_y)) / (1 + λ),   λ = max(AnnealFloor, Anneal·(1 + AnnealDecay·t)^(−AnnealPower))
//
// in place of ψ(θ_y), where t is the step, from 1. With an Anneal of 0 there is none of it: the margin is
// whole from the first step on, and a training may not begin to learn.
//
// The papers name λ; the defaults, 1000, 0.12, 1 and 5, are those of the authors' program for SphereFace.
type Annealing struct {
	Anneal      float64 `doc:"λ at first, how much of the plain softmax there is beside the margin; 0: none, ever" min:"0" max:"1e6"`
	AnnealDecay float64 `doc:"how fast λ falls from step to step, with anneal" min:"0" max:"1e3"`
	AnnealPower float64 `doc:"the power by which it does, with anneal" min:"0" max:"10"`
	AnnealFloor float64 `doc:"below what λ does not fall, with anneal" min:"0" max:"1e6"`
}

var defaultAnnealing = Annealing{Anneal: 1000, AnnealDecay: 0.12, AnnealPower: 1, AnnealFloor: 5}

// mix is what stands for ψ at this step: psi and cos are (B, 1), and params count the steps.
func (a Annealing) mix(params *graph.Params, cos, psi graph.Expr) graph.Expr {
	for _, v := range []float64{a.Anneal, a.AnnealDecay, a.AnnealPower, a.AnnealFloor} {
		if !(v >= 0) || math.IsInf(v, 1) {
			return graph.Fail(errors.Errorf("losses: an annealing of %+v, want numbers of at least 0", a))
		}
	}
	if a.Anneal == 0 {
		return psi
	}
	if err := cos.Err(); err != nil {
		return cos
	}
	step := params.Counter(cos.Graph(), "step", cos.Dtype()).Plus(1).Reshape(1, 1)
	fallen := step.Affine(a.AnnealDecay, 1).Log().Scale(-a.AnnealPower).Exp()
	lambda := fallen.Scale(a.Anneal).Clamp(a.AnnealFloor, math.Inf(1))
	return cos.Mul(lambda).Add(psi).Div(lambda.Plus(1))
}
