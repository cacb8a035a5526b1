package push

import (
	"context"
	"fmt"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/needs"
)

// Outcome is what a push did.
type Outcome struct {
	Mark
	Removed int
	Resumed int      // records that were there from a push of the same gallery that was stopped
	Notes   []string // what is to be said of how records are kept
}

// maxBatchBytes bounds what is sent at once, however many records -batch allows.
const maxBatchBytes = 8 << 20

// Watch is told what a push does.
type Watch struct {
	Began    func(Outcome)         // what is there already is known
	Progress func(done, total int) // after each batch
	Ending   func()                // all records are there; the index is built
	Ended    func()                // well or not, once Began was called
}

// Run pushes a gallery into a store, which it does not close. An error says how much is there; the
// same call goes on. Once ctx is done, the batch that was begun has ten seconds to get to its end.
func Run(ctx context.Context, g *Gallery, s Store, o Options, w Watch) (Outcome, error) {
	var out Outcome
	if err := needs.Context("push", ctx); err != nil {
		return out, err
	}
	if o.Batch < 0 {
		return out, field.Errorf("push", "", "%s is %d, want 1 or more", field.Name("Batch"), o.Batch)
	}
	if o.Batch == 0 {
		o.Batch = DefaultBatch
	}
	var err error
	if out.Mark, out.Notes, err = s.Begin(ctx, Header{g, o}); err != nil {
		return out, err
	}
	out.Resumed = out.Done
	if w.Began != nil {
		w.Began(out)
	}
	if w.Ended != nil {
		defer w.Ended()
	}
	if err := out.put(ctx, g, s, o.Batch, w); err != nil {
		return out, stopped(err, out.Done, g.Len())
	}
	if w.Ending != nil {
		w.Ending()
	}
	if o.Delete {
		if out.Removed, err = s.Retain(ctx, g.Has); err != nil {
			return out, stopped(err, out.Done, g.Len())
		}
	}
	return out, errors.WithMessage(s.End(ctx), "all records are there, but")
}

// grace is how long a batch that was begun may last once a push is stopped. One that is cut off on its way may
// be in the database or not, and nobody could say how much is there.
const grace = 10 * time.Second

// lasting is a context for what was begun, which outlasts ctx by grace.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-out.Done():
		case <-time.After(grace):
			cancel(context.Cause(ctx))
		}
	})
	return out, func() { stop(); cancel(nil) }
}

// stopped says how far a push came before err.
func stopped(err error, done, of int) error {
	return errors.WithMessage(err, fmt.Sprintf("stopped with %d of %d records in the database, and the same command goes on from there", done, of))
}

// put writes the records that are not there yet.
func (out *Outcome) put(ctx context.Context, g *Gallery, s Store, size int, w Watch) error {
	var batch []Record
	at, bytes := 0, 0
	flush := func() (err error) {
		if len(batch) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return errors.WithStack(err)
		}
		m := out.Mark
		m.Done += len(batch)
		toEnd, done := lasting(ctx)
		defer done()
		if m, err = s.Put(toEnd, batch, m); err != nil {
			return err
		}
		out.Mark, batch, bytes = m, batch[:0], 0
		if w.Progress != nil {
			w.Progress(out.Done, g.Len())
		}
		return nil
	}
	err := g.Each(func(r *Record) error {
		if at++; at <= out.Resumed {
			return nil
		}
		batch = append(batch, *r)
		if bytes += r.size(); len(batch) < size && bytes < maxBatchBytes {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}
