package losses

import (
	"math"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/pairs"
)

// MagFace is ArcFace with a margin that grows with the length of the embedding, and a term that draws
// the length up, so that the length tells how good a picture is:
//
//	L = −ln( e^{s·ψ(θ_y)} / (e^{s·ψ(θ_y)} + Σ over c ≠ y of e^{s·cos θ_c}) ) + λ·g(a)
//	ψ(θ) as that of ArcFace, with the margin  m(a) = l_m + (u_m − l_m)·(a − l_a)/(u_a − l_a)
//	g(a) = 1/a + a/u_a²
//
// with a the length ‖x‖ of a sample, taken as l_a or u_a beyond these; l_a and u_a are Shortest and
// Longest, l_m and u_m LeastMargin and MostMargin, λ is Lambda, s the Scale, and θ_c the angle between
// x and the weight vector of class c; a mean over the samples.
//
// It reads the embedding before it is normalised, or features. The bounds of the length are those of
// the paper, for embeddings of size 512.
//
// Q. Meng, S. Zhao, Z. Huang and F. Zhou, "MagFace: A Universal Representation for Face Recognition
// and Quality Assessment", CVPR 2021.
type MagFace struct {
	Shortest    float64 `doc:"l_a, the length from which on the margin grows" above:"0" max:"1e6"`
	Longest     float64 `doc:"u_a, the length up to which the margin grows" above:"0" max:"1e6"`
	LeastMargin float64 `doc:"l_m, the margin of the shortest, in degrees; 0.45 radians" min:"0" max:"180"`
	MostMargin  float64 `doc:"u_m, the margin of the longest, in degrees; 0.8 radians" min:"0" max:"180"`
	Lambda      float64 `doc:"λ, the weight of what draws the length up" min:"0" max:"1e6"`
	Scale       float64 `doc:"s, what cosines are multiplied with" min:"1e-3" max:"1e4"`
	Cosines
}

var defaultMagFace = &MagFace{Shortest: 10, Longest: 110, LeastMargin: 25.8, MostMargin: 45.8, Lambda: 35, Scale: 64, Cosines: Cosines{SubCenters: 1, ClassSoftmax: ClassSoftmax{Competition: defaultCosines.ofLength().learning(100)}}}

func init() {
	Register("magface", "arcface whose margin grows with the embedding's length (Meng 2021)", defaultMagFace)
}

var (
	_ weighed  = (*MagFace)(nil)
	_ Settable = (*MagFace)(nil)
)

// Loss returns a scalar.
func (l *MagFace) Loss(b pairs.Batch) graph.Expr { return lossOf(l, b) }

// Terms are those of the samples, of which each always teaches.
func (l *MagFace) Terms(b pairs.Batch) pairs.Terms {
	if err := checkGiven(l); err != nil {
		return failed(err)
	}
	c, err := l.contest("magface", l, b, classifierWeight, l.perClass())
	if err != nil {
		return failed(err)
	}
	cos := c.cosines()
	a := lengths(c.x).Clamp(l.Shortest, l.Longest) // (B, 1)
	slope := (l.MostMargin - l.LeastMargin) / (l.Longest - l.Shortest)
	m := a.Affine(slope, l.LeastMargin-slope*l.Shortest).Scale(math.Pi / 180)
	terms := l.softmax(c, addAngle(c.ofOwn(cos), m).Scale(l.Scale), cos.Scale(l.Scale))
	g := oneOver(a).Add(a.Scale(1 / (l.Longest * l.Longest)))
	return l.samples(b, terms.Add(g.Scale(l.Lambda)))
}

// Validate says what fields do not go together.
func (l *MagFace) Validate() error {
	switch {
	case !(l.Shortest < l.Longest):
		return errors.Errorf("lengths from %g to %g, want shortest < longest", l.Shortest, l.Longest)
	case l.LeastMargin > l.MostMargin:
		return errors.Errorf("margins from %g to %g, want least-margin at most most-margin", l.LeastMargin, l.MostMargin)
	}
	return l.lengthsAndShare()
}

// lengthsAndShare returns an error for settings that do not go together in a loss that reads lengths.
func (l *Cosines) lengthsAndShare() error {
	if l.On == OnEmbedding || l.On == "" {
		return errors.New("it reads the embedding's length, which is 1 once it is normalised; take on=raw, or on=trunk")
	}
	return l.Competition.Validate()
}
