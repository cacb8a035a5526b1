// Package exclusive lets things that one goroutine uses at a time refuse a second one.
package exclusive

import (
	"sync"

	"github.com/pkg/errors"
)

// Use is the use of one thing. The zero value is a thing that nobody uses.
type Use struct{ mu sync.Mutex }

// Begin is called first by what must not run twice at once, and End last if it returned nil.
// The error says that what is used by another goroutine, and what to do.
func (u *Use) Begin(what string) error {
	if !u.mu.TryLock() {
		return errors.Errorf("%s is used by another goroutine at this moment: give every goroutine one of its own, or put a lock around it", what)
	}
	return nil
}

// Await is Begin for those who rather wait until nobody uses the thing.
func (u *Use) Await() { u.mu.Lock() }

// End is called once for each Await, and for each Begin that returned nil.
func (u *Use) End() { u.mu.Unlock() }
