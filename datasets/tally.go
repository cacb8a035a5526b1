package datasets

import (
	"sync"
	"time"
)

// tally counts what many goroutines have done and tells it now and then.
type tally struct {
	mu          sync.Mutex
	done, total int
	told        time.Time
	tell        func(done, total int)
}

// newTally tells nobody if tell is nil.
func newTally(total int, tell func(done, total int)) *tally {
	if tell != nil {
		tell(0, total)
	}
	return &tally{total: total, told: time.Now(), tell: tell}
}

func (t *tally) add(n int) {
	if t.tell == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done += n; t.done == t.total || time.Since(t.told) > progressGap {
		t.told = time.Now()
		t.tell(t.done, t.total)
	}
}
