package trainer

import "time"

// pace is the speed of the last seconds.
type pace struct {
	images, seconds float64
	began           bool
	all             time.Duration // of the steps of this process, the first one's too
}

// memory is the time after which half of what was measured is forgotten.
const memory = 5.0

// add counts a step. The first of a process is not counted, since it waits for the first
// pictures and makes all buffers.
func (p *pace) add(images int, took, waited time.Duration, s *state) {
	p.all += took
	if !p.began {
		p.began = true
		return
	}
	s.TrainTime += took.Seconds()
	s.WaitTime += waited.Seconds()
	s.Timed++
	p.images += float64(images)
	p.seconds += took.Seconds()
	if p.seconds > memory {
		p.images, p.seconds = p.images/2, p.seconds/2
	}
}

// rate is images per second, 0 while nothing is known.
func (p *pace) rate() float64 {
	if p.seconds == 0 {
		return 0
	}
	return p.images / p.seconds
}

func (p *pace) eta(steps, batch int) time.Duration {
	if p.images == 0 {
		return 0
	}
	return time.Duration(float64(steps*batch) * p.seconds / p.images * float64(time.Second))
}

// waitShare is the share of the run's time that steps waited for pictures.
func (p *pace) waitShare(s *state) float64 {
	if s.TrainTime == 0 {
		return 0
	}
	return s.WaitTime / s.TrainTime
}
