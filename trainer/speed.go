package trainer

import "time"

// speed measures how fast the last seconds of training were.
type speed struct {
	images, seconds float64
	began           bool
	all             time.Duration // of the steps of this process, the first one's too
	last            time.Time     // when the last step ended
}

// halfLife is the time in seconds after which a measurement counts half.
const halfLife = 5.0

// ended counts a step that began at began and waited that long for its batch. Where steps overlap, its
// time begins when the one before it ended.
func (v *speed) ended(images int, began time.Time, waited time.Duration, s *state) {
	now := time.Now()
	if v.last.After(began) {
		began = v.last
	}
	v.last = now
	v.add(images, now.Sub(began), waited, s)
}

// add counts a step. The first of a process is not counted, since it waits for the first
// pictures and makes all buffers.
func (v *speed) add(images int, took, waited time.Duration, s *state) {
	v.all += took
	if !v.began {
		v.began = true
		return
	}
	s.TrainTime += took.Seconds()
	s.WaitTime += waited.Seconds()
	s.Timed++
	v.images += float64(images)
	v.seconds += took.Seconds()
	if v.seconds > halfLife {
		v.images, v.seconds = v.images/2, v.seconds/2
	}
}

// rate is images per second, 0 while nothing is known.
func (v *speed) rate() float64 {
	if v.seconds == 0 {
		return 0
	}
	return v.images / v.seconds
}

func (v *speed) eta(steps, batch int) time.Duration {
	if v.images == 0 {
		return 0
	}
	return time.Duration(float64(steps*batch) * v.seconds / v.images * float64(time.Second))
}

// waitShare is the share of the run's time that steps waited for pictures.
func (v *speed) waitShare(s *state) float64 {
	if s.TrainTime == 0 {
		return 0
	}
	return s.WaitTime / s.TrainTime
}
