package terminal

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"medusa/internal/plain"
	"medusa/internal/wording"
)

// Task is work that takes its time. While it lasts a terminal shows a live line in which
// something moves every moment, and a log gets a line now and then, also where the work
// itself has nothing to tell.
type Task struct {
	screen *Screen
	what   string
	began  time.Time
	quit   chan struct{}
	ended  chan struct{}
	once   sync.Once

	mu          sync.Mutex
	turn        int // of the sign that moves
	stage       string
	done, total int
	counted     time.Time // when counting up to total began, with counted from on
	from        int
	detail      func(room int) string
}

// How often a live line moves, and how long a log stays silent.
const (
	liveGap  = 200 * time.Millisecond
	plainGap = 10 * time.Second
)

// Begin shows that work has begun which what describes, such as "reading pictures". It ends
// the task before.
func (s *Screen) Begin(what string) *Task {
	t := &Task{screen: s, what: what, began: time.Now(), quit: make(chan struct{}), ended: make(chan struct{})}
	s.mu.Lock()
	before := s.task
	s.mu.Unlock()
	before.End()
	s.mu.Lock()
	s.task = t
	s.mu.Unlock()
	go t.move()
	return t
}

// Progress tells how far the work has come; of a total of 0 nobody knows how much there is.
// It may be called as often as one likes.
func (t *Task) Progress(done, total int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if total != t.total || done < t.done {
		t.counted, t.from = time.Now(), done
	}
	t.done, t.total = done, total
}

// Stage names the part of the work that has begun; its progress is not known yet.
func (t *Task) Stage(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if name != t.stage {
		t.stage, t.done, t.total = name, 0, 0
	}
}

// Detail says what stands on the live line behind the bar, for so many columns of room.
func (t *Task) Detail(of func(room int) string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.detail = of
}

// End takes the live line away. A task may be ended twice; nil has ended.
func (t *Task) End() {
	if t == nil {
		return
	}
	t.once.Do(func() { close(t.quit) })
	<-t.ended
	s := t.screen
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.task == t {
		s.wipe()
		s.task = nil
	}
}

// move writes the line again and again until the task ends.
func (t *Task) move() {
	defer close(t.ended)
	gap := liveGap
	if !t.screen.live {
		gap = time.Second
	}
	tick := time.NewTicker(gap)
	defer tick.Stop()
	for {
		select {
		case <-t.quit:
			return
		case <-tick.C:
		}
		switch {
		case t.screen.live:
			t.redraw()
		case t.screen.since() >= plainGap:
			t.screen.Say(t.plain())
		}
	}
}

func (t *Task) redraw() {
	t.mu.Lock()
	t.turn++
	t.mu.Unlock()
	t.screen.mu.Lock()
	defer t.screen.mu.Unlock()
	t.screen.draw()
}

// barWidth is how many columns the bar takes of a line of so many.
func barWidth(room int) int {
	switch {
	case room >= 110:
		return 20
	case room >= 50:
		return 6
	}
	return 0
}

// line is the live line, of at most room columns, in characters of spelled.
func (t *Task) line(room int, spelled func(string) string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	head := string(`-\|/`[t.turn%4]) + " "
	if t.total > 0 {
		share := min(max(float64(t.done)/float64(t.total), 0), 1)
		if bar := barWidth(room); bar > 0 {
			filled := int(share * float64(bar))
			head += strings.Repeat("━", filled) + strings.Repeat("·", bar-filled) + " "
		}
		head += fmt.Sprintf("%3.0f%% ", 100*share)
	}
	room -= width(head)
	var rest string
	if t.detail != nil {
		rest = t.detail(room)
	} else {
		rest = t.describe() + "  " + Clock(time.Since(t.began)) + t.left()
	}
	return head + Middle(spelled(plain.Text(rest)), room)
}

// describe is what is done and how much of it. It is called with the lock held.
func (t *Task) describe() string {
	s := t.what
	if t.stage != "" {
		s += ": " + t.stage
	}
	switch {
	case t.total > 0:
		s += fmt.Sprintf("  %s of %s", wording.Thousands(t.done), wording.Thousands(t.total))
	case t.done > 0:
		s += "  " + wording.Thousands(t.done)
	}
	return s
}

// plain is the line of a log.
func (t *Task) plain() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.describe() + "  " + Clock(time.Since(t.began)) + t.left()
}

// left is how long the work takes yet if it goes on as it did, once there is something to
// judge by. It is called with the lock held.
func (t *Task) left() string {
	const enough = 3 * time.Second
	counting := time.Since(t.counted)
	if t.done <= t.from || t.done >= t.total || counting < enough {
		return ""
	}
	return "  left " + Clock(time.Duration(float64(counting)*float64(t.total-t.done)/float64(t.done-t.from)))
}

// Clock is a duration as minutes and seconds.
func Clock(d time.Duration) string {
	s := int(math.Ceil(d.Seconds()))
	if s >= 3600 {
		return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
	}
	return fmt.Sprintf("%dm%02ds", s/60, s%60)
}
