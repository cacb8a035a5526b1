package optim

import "math"

// plateau is a schedule that drops where evaluations bring nothing better.
type plateau struct {
	schedule

	Drops int `json:"drops,omitempty"` // so far
	Since int `json:"since,omitempty"` // evaluations since the figures got better or the last drop
}

// Factor is that of the step, after the drops so far.
func (p *plateau) Factor(step int) float64 {
	if step <= p.cfg.Warmup {
		return p.schedule.Factor(step)
	}
	return max(math.Pow(p.cfg.Gamma, float64(p.Drops)), p.cfg.Floor)
}

// Evaluated counts evaluations that were no better.
func (p *plateau) Evaluated(improved bool) {
	if improved {
		p.Since = 0
		return
	}
	if p.Since++; p.Since >= p.cfg.Wait {
		p.Drops, p.Since = p.Drops+1, 0
	}
}
