package serve

import (
	"slices"
	"sync"
	"time"

	"github.com/pkg/errors"
)

// errClosed says that a gallery is closed.
var errClosed = errors.New("serve: the gallery is closed")

// saver saves when it is woken: one save at a time, which is for all who came before it began.
type saver struct {
	save  func() error
	every time.Duration
	woken chan struct{}
	quit  chan struct{}
	ended chan struct{}

	mu      sync.Mutex
	loose   bool     // something is not saved that nobody waits for
	waiting []waiter // whose changes the next save is to have
	closed  bool
	last    error // of the last save
	count   int64
}

// replacedError says that saving failed when the file was replaced already: it has what is taken back by then.
type replacedError struct{ error }

// Unwrap is what was wrong.
func (e *replacedError) Unwrap() error { return e.error }

// waiter is who made a change and waits for it to be saved.
type waiter struct {
	told chan error
	undo func() // takes the change back
}

func newSaver(every time.Duration, save func() error) *saver {
	s := &saver{save: save, every: every, woken: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{})}
	go s.run()
	return s
}

// run saves until close is called.
func (s *saver) run() {
	defer close(s.ended)
	for {
		select {
		case <-s.woken:
			s.once()
		case <-s.quit:
			return
		}
		if s.every > 0 {
			select {
			case <-time.After(s.every):
			case <-s.quit:
				return
			}
		}
	}
}

// once saves, and tells those who wait. If it cannot save, it takes back what they changed, before another save could have
// that; what nobody waits for is tried again with what comes next.
func (s *saver) once() {
	s.mu.Lock()
	waiting, loose := s.waiting, s.loose
	s.waiting, s.loose = nil, false
	s.mu.Unlock()
	err := s.save()
	if err != nil {
		for _, w := range slices.Backward(waiting) {
			w.undo()
		}
	}
	s.mu.Lock()
	s.last, s.loose = err, s.loose || err != nil && (loose || errors.As(err, new(*replacedError)))
	s.count++
	s.mu.Unlock()
	for _, w := range waiting {
		w.told <- err
	}
}

// wake has the change that was made saved some time.
func (s *saver) wake() {
	s.want(func() { s.loose = true })
}

// await returns when a save that began after the call has ended, with its error. If there is one, undo was called.
func (s *saver) await(undo func()) error {
	w := waiter{make(chan error, 1), undo}
	if !s.want(func() { s.waiting = append(s.waiting, w) }) {
		undo()
		return errClosed
	}
	return <-w.told
}

// want notes what the next save is for, and has it begin. It reports whether there will be one.
func (s *saver) want(note func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	note()
	select {
	case s.woken <- struct{}{}:
	default:
	}
	return true
}

// state is whether something is not saved, how many saves there were, and how the last one ended.
func (s *saver) state() (dirty bool, count int64, last error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loose || len(s.waiting) > 0, s.count, s.last
}

// close saves what is not saved yet.
func (s *saver) close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	close(s.quit)
	<-s.ended
	if dirty, _, _ := s.state(); !dirty {
		return nil
	}
	s.once()
	_, _, err := s.state()
	return err
}
