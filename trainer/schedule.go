package trainer

import "math"

// schedule is the learning rate over a run. Its fields are its state, and part of a
// checkpoint; only plateau has any.
type schedule struct {
	cfg   ScheduleConfig
	steps int

	Drops int `json:"drops,omitempty"` // plateau: so far
	Since int `json:"since,omitempty"` // plateau: evaluations since the figures got better or the last drop
}

// factor is the learning rate of a step, from 1, over that of the configuration.
func (s *schedule) factor(step int) float64 {
	if step <= s.cfg.Warmup {
		return float64(step) / float64(s.cfg.Warmup+1)
	}
	switch s.cfg.Name {
	case "step":
		return math.Pow(s.cfg.Gamma, float64((step-1)/s.cfg.Every))
	case "cosine":
		// I. Loshchilov and F. Hutter, "SGDR", ICLR 2017, equation 5, one cycle.
		done := float64(step-1-s.cfg.Warmup) / float64(max(s.steps-s.cfg.Warmup, 1))
		return s.cfg.Floor + (1-s.cfg.Floor)*0.5*(1+math.Cos(math.Pi*min(done, 1)))
	case "plateau":
		return max(math.Pow(s.cfg.Gamma, float64(s.Drops)), s.cfg.Floor)
	}
	return 1
}

// evaluated tells the schedule whether the figures of an evaluation are better than any
// before.
func (s *schedule) evaluated(improved bool) {
	switch {
	case s.cfg.Name != "plateau":
	case improved:
		s.Since = 0
	default:
		if s.Since++; s.Since >= s.cfg.Wait {
			s.Drops, s.Since = s.Drops+1, 0
		}
	}
}
