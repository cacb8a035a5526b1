package serve

import (
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
	dirty   bool         // something is not saved
	waiting []chan error // who is told of the next save
	closed  bool
	last    error // of the last save
	count   int64
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

// once saves, and tells those who wait. What could not be saved is tried again with what comes next.
func (s *saver) once() {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting, s.dirty = nil, false
	s.mu.Unlock()
	err := s.save()
	s.mu.Lock()
	s.last, s.dirty = err, s.dirty || err != nil
	s.count++
	s.mu.Unlock()
	for _, w := range waiting {
		w <- err
	}
}

// wake has the change that was made saved some time.
func (s *saver) wake() { s.want(nil) }

// await returns when a save that began after the call has ended, with its error.
func (s *saver) await() error {
	w := make(chan error, 1)
	s.want(w)
	return <-w
}

func (s *saver) want(w chan error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		if w != nil {
			w <- errClosed
		}
		return
	}
	s.dirty = true
	if w != nil {
		s.waiting = append(s.waiting, w)
	}
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// state is whether something is not saved, how many saves there were, and how the last one ended.
func (s *saver) state() (dirty bool, count int64, last error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dirty, s.count, s.last
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
