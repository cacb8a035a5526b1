package graph

import (
	"slices"

	"gorgonia.org/gorgonia"

	"medusa/internal/spec"
)

// Powered is steps in which one makes distances of a batch with itself and the sums of powers that are made of them, in
// one pass, where these and the gradient are all that reads the distances.
func Powered(steps []Step) []Step {
	steps = slices.Clone(steps)
	gone := map[int]bool{}
	for i, s := range steps {
		d, ok := s.Spec.(spec.Distance)
		if !ok || !d.Self {
			continue
		}
		p := poweredSteps{d: d, node: s.Node}
		if !p.find(steps, i) {
			continue
		}
		grad := steps[p.grad].Spec.(spec.PairGrad)
		grad.Powers = true
		steps[p.grad].Spec = grad
		// The labels are there by the first of the sums.
		steps[p.made[0]] = Step{Node: s.Node, In: append(slices.Clone(s.In), p.labels), Further: p.further, Spec: spec.PairPowers{Distance: d, Sums: p.sums}}
		for _, k := range append(p.made[1:], i) {
			gone[k] = true
		}
	}
	var left []Step
	for i, s := range steps {
		if !gone[i] {
			left = append(left, s)
		}
	}
	return left
}

// poweredSteps are what reads distances.
type poweredSteps struct {
	d       spec.Distance
	node    *gorgonia.Node
	labels  *gorgonia.Node
	sums    []spec.Part
	made    []int              // the steps of the sums
	further [][]*gorgonia.Node // all their outputs
	grad    int                // the step of the gradient, −1 before it is found
}

// find finds them among steps, the distances being the i-th, and reports whether one step can do all the work but the
// gradient's.
func (p *poweredSteps) find(steps []Step, i int) bool {
	p.grad = -1
	for k := i + 1; k < len(steps); k++ {
		s := steps[k]
		if !slices.Contains(s.In, p.node) {
			continue
		}
		if g, ok := s.Spec.(spec.PairGrad); ok {
			if p.grad >= 0 || !p.isGradient(g, s.In, steps[i].In[0]) {
				return false
			}
			p.grad = k
			continue
		}
		part, ok := gradientOf(s.Spec)
		if !ok || s.In[0] != p.node || !p.readsLabels(s.In[1:]) {
			return false
		}
		p.sums, p.made = append(p.sums, part), append(p.made, k)
		p.further = append(append(p.further, []*gorgonia.Node{s.Node}), outputsOf(s)...)
	}
	return p.grad >= 0 && spec.PairPowers{Distance: p.d, Sums: p.sums}.HasPowers()
}

// gradientOf is the part that the gradient of a sum would be.
func gradientOf(what any) (p spec.Part, ok bool) {
	switch s := what.(type) {
	case spec.RowReduce:
		return spec.Part{Kind: spec.ReducePart, Reduce: spec.RowReduceGrad(s)}, true
	case spec.RowTerms:
		return spec.Part{Kind: spec.TermsPart, Terms: spec.RowTermsGrad(s)}, true
	}
	return p, false
}

// outputsOf are the outputs of a step besides its first, also where nobody reads any.
func outputsOf(s Step) [][]*gorgonia.Node {
	return append(slices.Clone(s.Further), make([][]*gorgonia.Node, len(spec.OutputsOf(s.Spec))-len(s.Further))...)
}

// readsLabels reports whether in is one vector of labels, the same for all.
func (p *poweredSteps) readsLabels(in []*gorgonia.Node) bool {
	if p.labels == nil {
		p.labels = in[0]
	}
	return len(in) == 1 && in[0] == p.labels
}

// isGradient reports whether g is the gradient to x of what the sums say alone.
func (p *poweredSteps) isGradient(g spec.PairGrad, in []*gorgonia.Node, x *gorgonia.Node) bool {
	if g.Distance != p.d || g.ToY || in[0] != x || in[1] != p.node || slices.Contains(in[2:], p.node) {
		return false
	}
	in = in[2:]
	for _, part := range g.Parts {
		own := in[:part.Inputs()]
		in = in[part.Inputs():]
		if !p.isOfSum(part, own) {
			return false
		}
	}
	return true
}

// isOfSum reports whether a part of the gradient, which reads in, is that of one of the sums.
func (p *poweredSteps) isOfSum(part spec.Part, in []*gorgonia.Node) bool {
	for i, sum := range p.sums {
		if spec.Describe(sum) != spec.Describe(part) || !p.readsLabels(in[:1]) {
			continue
		}
		if part.Kind == spec.TermsPart || slices.Contains(p.further[p.firstOutput(i)+spec.ReducedAt], in[1]) {
			return true
		}
	}
	return false
}

// firstOutput is where the outputs of sum i begin.
func (p *poweredSteps) firstOutput(i int) (at int) {
	for _, sum := range p.sums[:i] {
		at += sum.Sums()
	}
	return at
}
