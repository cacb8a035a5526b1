package spec

import "math"

// PairPowers is a Distance of a batch with itself and what sums of powers over the pairs of labels are made of it, in
// one pass, for a PairGrad with Powers, the only other reader of the distances. The inputs are x (N, D) and labels (N).
// Sums are the RowTerms and RowReduces of the distances whose gradients its parts are, in the order of their outputs:
// of each its first, then its others.
//
// The first output (N, N) is the kernel's own business. If its first number is not negative, it is the distances.
// Else it holds half of what the gradient needs: see the kernel.
type PairPowers struct {
	Distance
	Sums []Part
}

// Outputs are those of the sums.
func (s PairPowers) Outputs() (all []Output) {
	for _, p := range s.Sums {
		all = append(append(all, column(s.N)), p.sumOutputs()...)
	}
	return all
}

// sumOutputs are those, besides the first, of what p is the gradient of.
func (p Part) sumOutputs() []Output {
	if p.Kind == TermsPart {
		return RowTerms(p.Terms).Outputs()
	}
	return RowReduce(p.Reduce).Outputs()
}

// Sums is how many outputs a PairPowers has for what p is the gradient of.
func (p Part) Sums() int { return 1 + len(p.sumOutputs()) }

// HasPowers reports whether a kernel makes the sums of a Distance together: sums of powers over negative pairs, of
// one factor, and over positive ones sums of powers, of one factor too, and of distances.
func (s PairPowers) HasPowers() bool {
	if !s.Self || s.N != s.M || s.D < 8 || s.Metric != SquaredEuclidean && s.Metric != Dot {
		return false
	}
	factors := map[Pairs]float64{}
	for _, p := range s.Sums {
		mask, k, ok := p.powers()
		if !ok || !mask.Symmetric() {
			return false
		}
		if p.Kind == TermsPart {
			continue
		}
		if other, has := factors[mask.Pairs]; has && other != k {
			return false
		}
		factors[mask.Pairs] = k
	}
	return factors[Negative] != 0
}

// powers is the mask of a sum of powers and their factor, or that of a sum of distances of positive pairs; ok is
// false of other parts.
func (p Part) powers() (m Mask, k float64, ok bool) {
	switch p.Kind {
	case ReducePart:
		return p.Reduce.Mask, p.Reduce.K, p.Reduce.Op == RowLogSumExp && p.Reduce.K != 0
	case TermsPart:
		t := p.Terms
		return t.Mask, 1, t.Mask.Pairs == Positive && !t.Hinge && math.IsNaN(t.Low) && math.IsNaN(t.High)
	}
	return m, 0, false
}
