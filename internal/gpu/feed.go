package gpu

import (
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/device"
)

// feed copies to one of two stages in turn, on a stream of its own, while the device works on
// what came before; the inputs themselves, whose place recorded work knows, are filled within
// the device.
type feed struct {
	d      *Device
	inputs *cuda.Buffer
	parts  []*cuda.Buffer
	at     []int // where each input begins
	n      int
	stages [2]stage
	next   int
}

type stage struct {
	host   *cuda.Pinned
	memory *cuda.Buffer
	copied *cuda.Event // to the device
	taken  *cuda.Event // to the inputs
	used   bool
}

// NewFeed makes memory for inputs of so many numbers.
func (d *Device) NewFeed(sizes []int) (_ device.Feed, err error) {
	f := &feed{d: d}
	for _, n := range sizes {
		f.at = append(f.at, f.n)
		f.n += aligned(n)
	}
	d.feeds = append(d.feeds, f)
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if f.inputs, err = d.take(max(f.n, 1)); err != nil {
		return nil, err
	}
	for i, n := range sizes {
		part, err := f.inputs.Part(4*f.at[i], 4*n)
		if err != nil {
			return nil, errors.Wrap(err, "gpu: feed")
		}
		f.parts = append(f.parts, part)
	}
	for i := range f.stages {
		if err := f.stages[i].open(d, max(f.n, 1)); err != nil {
			return nil, errors.Wrap(err, "gpu: feed")
		}
	}
	return f, nil
}

func (s *stage) open(d *Device, n int) (err error) {
	if s.memory, err = d.take(n); err != nil {
		return err
	}
	if s.host, err = d.ctx.AllocPinned(4 * n); err != nil {
		return errors.Wrapf(err, "%d bytes of pinned memory", 4*n)
	}
	if s.copied, err = d.ctx.NewEvent(false); err != nil {
		return err
	}
	if s.taken, err = d.ctx.NewEvent(false); err != nil {
		return err
	}
	// The memory may have been given back by work that is not done.
	if err := s.taken.Record(d.stream); err != nil {
		return err
	}
	return d.copies.Wait(s.taken)
}

func (f *feed) Memory(i int) device.Remote { return f.parts[i] }

func (f *feed) Put(src [][]float32) error {
	s := &f.stages[f.next]
	f.next = 1 - f.next
	if s.used {
		if err := s.copied.Synchronize(); err != nil {
			return errors.Wrap(err, "gpu: feed")
		}
	}
	host := cuda.View[float32](s.host)
	for i, x := range src {
		if n := f.parts[i].Bytes() / 4; len(x) != n {
			return errors.Errorf("gpu: feed: input %d has %d numbers, want %d", i, len(x), n)
		}
		copy(host[f.at[i]:], x)
	}
	return errors.Wrap(f.move(s), "gpu: feed")
}

func (f *feed) move(s *stage) error {
	d := f.d
	if s.used {
		if err := d.copies.Wait(s.taken); err != nil {
			return err
		}
	}
	s.used = true
	if err := d.copies.CopyIn(s.memory, s.host, 4*f.n); err != nil {
		return err
	}
	if err := s.copied.Record(d.copies); err != nil {
		return err
	}
	if err := d.stream.Wait(s.copied); err != nil {
		return err
	}
	if err := d.stream.Copy(f.inputs, s.memory, 4*f.n); err != nil {
		return err
	}
	return s.taken.Record(d.stream)
}

func (f *feed) Close() error {
	d := f.d
	at := slices.Index(d.feeds, f)
	if at < 0 { // closed before, or with the device
		return nil
	}
	d.feeds = slices.Delete(d.feeds, at, at+1)
	var first error
	note := func(err error) {
		if first == nil && err != nil {
			first = errors.Wrap(err, "gpu: feed")
		}
	}
	note(d.copies.Synchronize())
	for _, s := range f.stages {
		if s.memory != nil {
			d.giveBack(s.memory)
		}
		if s.host != nil {
			note(s.host.Free())
		}
		note(s.copied.Close())
		note(s.taken.Close())
	}
	if f.inputs != nil {
		d.giveBack(f.inputs)
	}
	return first
}
