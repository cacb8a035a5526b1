package gpu

import (
	"github.com/pkg/errors"

	"medusa/internal/spec"
)

func init() {
	registerSome((*builder).pairGrad)
}

// pairGrad makes the sum of the parts in the workspace and pulls the rows by it.
func (b *builder) pairGrad(s spec.PairGrad) bool {
	m, ok := metrics[s.Metric]
	if !ok {
		return false
	}
	x, y, d, at := in(0), in(1), in(2), 3
	if s.Self {
		y, d, at = in(0), in(1), 2
	}
	n := s.N * s.M
	moments := n // where they lie, and behind them masks
	scratch := moments + 2*(s.N+s.M)
	b.work(scratch)
	g := work(0)
	if len(s.Parts) == 1 && s.Parts[0].Kind == spec.MatrixPart {
		g = in(at)
	} else {
		for i, p := range s.Parts {
			switch p.Kind {
			case spec.MatrixPart:
				if i == 0 {
					b.step(copyOf(g, in(at), n))
				} else {
					b.launchBinaryFlat(flat(n), n, operatorAdd, g, in(at), g)
				}
			case spec.TermsPart:
				b.rowTermsGrad(p.Terms, d, at, scratch, g, i > 0)
			case spec.ReducePart:
				b.rowReduceGrad(p.Reduce, d, at, scratch, g, i > 0)
			case spec.TripletsPart:
				b.tripletsPart(spec.Triplets(p.Triplets), d, at, scratch, g, i > 0)
			default:
				b.add(nil, errors.Errorf("gpu: no kernel for a part %q", p.Kind))
			}
			at += p.Inputs()
		}
	}
	switch {
	case s.Metric == spec.SNR: // which is not symmetric
		b.moments(s.Distance, x, y, moments)
		if !s.ToY {
			b.snrGrad(s.Distance, false, false, x, y, d, g, moments)
		}
		if s.ToY || s.Self {
			b.snrGrad(s.Distance, true, s.Self, x, y, d, g, moments)
		}
	case s.Metric == spec.Minkowski && s.ToY:
		b.launchMinkowskiGrad(blocks(s.M), s.M, s.N, s.D, 1, s.M, false, f32(s.P), y, x, d, g, out)
	case s.Metric == spec.Minkowski:
		b.launchMinkowskiGrad(blocks(s.N), s.N, s.M, s.D, s.M, 1, s.Self, f32(s.P), x, y, d, g, out)
	case s.ToY:
		suffix, grid := b.tiles(s.M, s.D, s.N)
		b.launchDistancesGrad(suffix, grid, m, s.M, s.N, s.D, 1, s.M, false, y, x, d, g, out)
	default:
		suffix, grid := b.tiles(s.N, s.D, s.M)
		b.launchDistancesGrad(suffix, grid, m, s.N, s.M, s.D, s.M, 1, s.Self, x, y, d, g, out)
	}
	return true
}
