package optim

import (
	"math"

	"medusa/internal/cpu/loops"
)

// lamb is what LAMB needs besides moments: each tensor's step is scaled to the length of its
// weights, so that all pieces of a tensor wait for one another. Of a tensor that is stepped by rows these
// are the lengths of the rows that the step moves. Vectors are not scaled, as in the authors' code.
//
// Y. You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes",
// ICLR 2020, algorithm 2, with φ the identity and a ratio of 1 where a length is 0.
type lamb struct {
	solver  *Solver
	lengths [][2]float64 // Σ w² and Σ u² of each piece
	ratios  []float64    // of each tensor
	means   func(lo, hi int)
}

func newLAMB(s *Solver) *lamb {
	l := &lamb{solver: s, lengths: make([][2]float64, len(s.pieces)), ratios: make([]float64, len(s.slots))}
	l.means = l.meanPieces
	return l
}

func (l *lamb) of(t *slot) loops.LAMB {
	s := l.solver
	return loops.LAMB{LR: s.lr * t.now, Beta1: s.cfg.Beta1, Beta2: s.cfg.Beta2, Eps: s.cfg.Eps, Decay: t.decay, Scale: s.scale, Correction: t.correction}
}

// prepareStep moves the running means and finds the ratios of the step in progress.
func (l *lamb) prepareStep() {
	loops.Parallel(len(l.solver.pieces), 1, l.means)
	at := 0
	for i, t := range l.solver.slots {
		var weights, step float64
		for ; at < len(l.solver.pieces) && l.solver.pieces[at].slot == t; at++ {
			weights, step = weights+l.lengths[at][0], step+l.lengths[at][1]
		}
		l.ratios[i] = 1
		if weights > 0 && step > 0 && !t.vector {
			l.ratios[i] = math.Sqrt(weights / step)
		}
	}
}

func (l *lamb) meanPieces(lo, hi int) {
	for i := lo; i < hi; i++ {
		p := l.solver.pieces[i]
		rule := l.of(p.slot)
		var weights, step float64
		p.slot.spans(p.lo, p.hi, func(x span) {
			w, u := rule.Means(0, len(x.g), x.w, x.g, x.first, x.second)
			weights, step = weights+w, step+u
		})
		l.lengths[i] = [2]float64{weights, step}
	}
}
