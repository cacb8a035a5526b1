package optim

import (
	"slices"

	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/cpu/loops"
	"medusa/internal/device"
)

// takeOver makes the past of another solver that of s, which has made no step.
func (s *Solver) takeOver(from *Solver) error {
	switch {
	case from.cfg.Name != s.cfg.Name:
		return errors.Errorf("optim: Options.Continue: the solver %s cannot continue %s", s.cfg.Name, from.cfg.Name)
	case from.pending > 0:
		return errors.New("optim: Options.Continue: a step of the other solver is under way: call End first")
	}
	if err := from.Fetch(); err != nil {
		return err
	}
	s.count = from.count
	mine := s.State()
	for _, x := range from.State() {
		i := slices.IndexFunc(mine, func(t graph.StoredTensor) bool { return t.Name == x.Name })
		if i >= 0 && slices.Equal(mine[i].Shape, x.Shape) {
			copy(mine[i].F32, x.F32)
		}
	}
	return s.Push()
}

// correctionOf is that of a slot at a step, counted from 1.
func (s *Solver) correctionOf(t *slot, step int) loops.Correction {
	return loops.CorrectionAt(s.cfg.Beta1, s.cfg.Beta2, step-t.Begun)
}

// isLate reports whether there are running means that began after the first step and are corrected.
func (s *Solver) isLate() bool {
	return slices.Contains([]string{"adam", "adamw", "lamb"}, s.cfg.Name) &&
		slices.ContainsFunc(s.slots, func(t *slot) bool { return t.Begun > 0 })
}

// checkLate refuses what no device can do.
func (s *Solver) checkLate() error {
	if s.o.Device != nil && s.cfg.Name == "lamb" && s.isLate() {
		return errors.Errorf("optim: lamb cannot begin with %s after other tensors on %s: take adamw, or the CPU",
			s.slots[slices.IndexFunc(s.slots, func(t *slot) bool { return t.Begun > 0 })].Name, s.o.Device.Name())
	}
	return nil
}

// correctLate gives a step on a device, whose kernels know one correction for all tensors, rates and decays by which those
// that began later step as by their own. With c and r the correction of the solver's first tensors, and c′ and r′ that
// of a later one,
//
//	η/c′ · m / (√v/r′ + ε) = η·(c/c′)(r′/r)/c · m / (√v/r + ε·r′/r),
//
// where the device adds ε in place of ε·r′/r: a little more than the CPU, in the first steps of the tensor.
func (s *Solver) correctLate(step *device.SolverStep) {
	if !s.isLate() {
		return
	}
	first := loops.CorrectionAt(s.cfg.Beta1, s.cfg.Beta2, step.Count)
	rates, decays := make([]float64, len(s.slots)), make([]float64, len(s.slots))
	for i, t := range s.slots {
		own := s.correctionOf(t, step.Count)
		factor := first.Mean / own.Mean * own.Root / first.Root
		rates[i], decays[i] = t.now*factor, t.decay
		if s.cfg.Name == "adamw" { // whose decay goes by the rate
			decays[i] /= factor
		}
	}
	step.Rates, step.Decays = rates, decays
}
