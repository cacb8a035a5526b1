package trainer

import (
	"cmp"
	"context"
	"slices"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/machine"
	"medusa/samplers"
)

// batches makes what a run learns from. The sampler draws the items; workers prepare them ahead of the
// step, or the device makes them from pictures in its own memory.
type batches struct {
	set       *items
	norm      datasets.Normalisation
	sampler   samplers.Sampler
	observer  samplers.Observer // the sampler if it draws by embeddings, else nil
	samplerAt []byte            // the sampler's state, so many batches ago as the run's state says
	seen      *featureSet       // what steps see in place of items; nil if it is these
	pinned    bool              // whether the device was asked to take the pictures
	onDevice  *deviceBatches    // nil if the host makes them
	loader    *datasets.Loader  // while the run goes on
}

// samplerEvery is the number of batches between two copies of the sampler's state. A resumed run
// starts at the last copy, and draws and drops the batches since.
const samplerEvery = 64

// observerDelay is how many batches lie between the one that a sampler draws and the one whose
// embeddings it was told last. A run's batches depend on it, so it does not follow Ahead.
const observerDelay = 8

// open starts the loader after step. drawn is how many batches the sampler has drawn since samplerAt.
func (b *batches) open(c Config, dev *machine.Device, step, drawn int) (err error) {
	var broken error
	next := func(dst []int) error {
		if broken != nil {
			return broken
		}
		return b.sampler.Next(dst)
	}
	state := func() (at []byte) {
		if b.observer != nil {
			return nil // asked for when it is saved
		}
		if drawn++; drawn%samplerEvery == 0 && broken == nil {
			at, broken = b.sampler.State()
		}
		return at
	}
	d := c.Data
	ahead := cmp.Or(d.Ahead, 4)
	switch {
	case b.observer != nil:
		ahead = min(ahead, observerDelay-1) // one more is with the step
	case dev != nil:
		ahead++ // two are with steps
	}
	l := datasets.LoaderConfig{Seed: c.Seed, Batch: b.sampler.Batch(), Workers: d.Workers, Ahead: ahead, State: state}
	if b.seen != nil {
		b.loader, err = datasets.NewLoader(b.seen, l, next, step)
		return err
	}
	l.Normalisation, l.Augment, l.Recipes = b.norm, d.Augment, b.onDevice != nil
	b.loader, err = datasets.NewLoader(b.set.Set, l, next, step)
	return err
}

// next is the next batch, as soon as it is prepared.
func (b *batches) next(ctx context.Context) (*datasets.Batch, error) { return b.loader.Next(ctx) }

func (b *batches) close() { b.loader.Close() }

// feed makes the batch the input of the graph.
func (b *batches) feed(batch *datasets.Batch, into *trainGraph, dev *machine.Device) error {
	copy(into.y, batch.Labels)
	if b.onDevice == nil || b.seen != nil {
		copy(into.x, batch.Pixels)
		return nil
	}
	return b.onDevice.make(batch, into.x, dev)
}

// observeStep tells the sampler the embeddings of the step just made, if it draws by them; of other
// samplers it stores the state that travelled with the batch.
func (b *batches) observeStep(batch *datasets.Batch, from *trainGraph, s *state) error {
	if b.observer != nil {
		seen := from.embed.Float32s()
		if err := from.embed.Err(); err != nil {
			return errors.Wrapf(err, "trainer: the embeddings of step %d", s.Step)
		}
		return errors.Wrapf(b.observer.Observe(seen), "trainer: the sampler, after step %d", s.Step)
	}
	if s.Drawn++; batch.SamplerState != nil {
		b.samplerAt, s.Drawn = batch.SamplerState, 0
	}
	return nil
}

// samplerState is the state that a checkpoint of that step keeps.
func (b *batches) samplerState(step int) (_ []byte, err error) {
	if b.observer != nil {
		b.samplerAt, err = b.observer.StateAt(step)
	}
	return b.samplerAt, err
}

// restore puts the sampler where it was: at the state at, and drawn batches further.
func (b *batches) restore(at []byte, drawn int) error {
	if err := b.sampler.Restore(at); err != nil {
		return err
	}
	b.samplerAt = slices.Clone(at)
	skipped := make([]int, b.sampler.Batch())
	for range drawn {
		if err := b.sampler.Next(skipped); err != nil {
			return err
		}
	}
	return nil
}
