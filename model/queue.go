package model

import (
	"context"
	"sync"
	"time"
)

// queue holds what goroutines want embedded, in the order in which they came. One of them at a time
// has the turn: it takes from the queue what a batch holds, its own and others', and embeds that.
type queue struct {
	turn chan struct{} // full while somebody has it
	full chan struct{} // told that a whole batch waits

	mu       sync.Mutex
	requests []*request // that have pictures which nobody has begun
	pictures int        // of them all that nobody has begun
}

// request is pictures that one goroutine waits for, at most a batch.
type request struct {
	in, out  []float32 // of all its pictures; out is written to until ended is closed
	pictures int
	begun    int // pictures that a batch was made of
	done     int
	came     time.Time
	err      error
	ended    chan struct{}
}

// share is the pictures of a request that are in one batch.
type share struct {
	of             *request
	from, pictures int
}

func newQueue() *queue { return &queue{turn: make(chan struct{}, 1), full: make(chan struct{}, 1)} }

func (q *queue) add(r *request, batch int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.requests = append(q.requests, r)
	q.pictures += r.pictures
	if q.pictures >= batch {
		select {
		case q.full <- struct{}{}:
		default:
		}
	}
}

// take takes the pictures of a batch. Who has the turn calls it.
func (q *queue) take(batch int) (shares []share) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for batch > 0 && len(q.requests) > 0 {
		r := q.requests[0]
		n := min(batch, r.pictures-r.begun)
		shares = append(shares, share{r, r.begun, n})
		r.begun += n
		batch -= n
		q.pictures -= n
		if r.begun == r.pictures {
			q.requests[0] = nil
			q.requests = q.requests[1:]
		}
	}
	return shares
}

// finish tells those who wait for a batch that it is made, or why it is not.
func (q *queue) finish(shares []share, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range shares {
		s.of.done += s.pictures
		if err != nil {
			s.of.err = err
			q.remove(s.of)
		}
		s.of.endIfDone()
	}
}

// withdraw takes away what nobody has begun of a request.
func (q *queue) withdraw(r *request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.remove(r)
	r.endIfDone()
}

// remove takes a request out of the queue. It is called with the lock held.
func (q *queue) remove(r *request) {
	for i, other := range q.requests {
		if other == r {
			q.requests = append(q.requests[:i:i], q.requests[i+1:]...)
			q.pictures -= r.pictures - r.begun
			break
		}
	}
	r.pictures = r.begun
}

// endIfDone ends a request of which nothing is under way or waits. It is called with the lock held.
func (r *request) endIfDone() {
	if r.done == r.pictures && !r.hasEnded() {
		close(r.ended)
	}
}

func (r *request) hasEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// linger waits until a whole batch is there, or the first picture has waited so long, or ctx ends.
func (q *queue) linger(ctx context.Context, batch int, wait time.Duration) {
	for wait > 0 {
		q.mu.Lock()
		enough, left := q.pictures >= batch, time.Duration(0)
		if len(q.requests) > 0 {
			left = wait - time.Since(q.requests[0].came)
		}
		q.mu.Unlock()
		if enough || left <= 0 {
			return
		}
		timer := time.NewTimer(left)
		select {
		case <-q.full: // or it was full before
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}
