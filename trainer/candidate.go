package trainer

import "cmp"

// candidate is an evaluation on the validation classes whose weights may become the model.
type candidate struct {
	value  float64 // of Config.Metric
	mapAtR float64
	step   int
}

func candidateOf(i EvalInfo) candidate { return candidate{i.Value, i.Result.MAPAtR, i.Step} }

// compare orders candidates: above 0 if c is better than d. The metric decides, between
// equals MAP@R, and between equals in both the later step, which has learned for longer.
// The figures are compared exactly. Of two candidates of different steps one is better.
func (c candidate) compare(d candidate) int {
	return cmp.Or(c.compareFigures(d), cmp.Compare(c.step, d.step))
}

// compareFigures compares without the step.
func (c candidate) compareFigures(d candidate) int {
	return cmp.Or(cmp.Compare(c.value, d.value), cmp.Compare(c.mapAtR, d.mapAtR))
}

// best is the candidate that leads, if there is one. A checkpoint of the first edition knows
// no MAP@R: whatever equals its metric is better.
func (s *state) best() (c candidate, ok bool) {
	c = candidate{value: s.BestValue, mapAtR: -1, step: s.BestStep}
	if s.BestMAPAtR != nil {
		c.mapAtR = *s.BestMAPAtR
	}
	return c, s.HasBest
}

// rank reports whether the figures of c are better than any before, and whether c leads. It also
// leads with figures that equal the best, since its step is later.
func (s *state) rank(c candidate) (improved, leads bool) {
	best, ok := s.best()
	return !ok || c.compareFigures(best) > 0, !ok || c.compare(best) > 0
}

// takeLead makes c the best.
func (s *state) takeLead(c candidate) {
	s.HasBest, s.BestValue, s.BestMAPAtR, s.BestStep = true, c.value, &c.mapAtR, c.step
}
