package gpu

import (
	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/spec"
)

// pass is a pass over convolutions of one shape.
type pass struct {
	kind string
	conv spec.Conv2D
}

// faster adds the steps of a pass by cuDNN, which are library's if it says that they serve, or
// else own's. With Options.AnyOrder both are timed where both serve, once for each shape; without,
// equal seeds would not give equal bits. in and out are the numbers of the operands.
func (b *builder) faster(kind string, c spec.Conv2D, in []int, out int, library func(b *builder) bool, own func(b *builder)) {
	if b.err != nil {
		return
	}
	if b.d.dnn == nil {
		own(b)
		return
	}
	if !b.d.options.AnyOrder {
		if !library(b) {
			own(b)
		}
		return
	}
	p := pass{kind, c}
	ownIs, known := b.d.ownFaster[p]
	if !known {
		theirs, ours := &builder{d: b.d, spare: b.spare}, &builder{d: b.d, spare: b.spare}
		ownIs = !library(theirs) || theirs.err != nil
		if own(ours); !ownIs && ours.err == nil {
			ownIs, b.err = b.d.compare(theirs.steps, ours.steps, in, out)
		}
		b.d.ownFaster[p] = ownIs
	}
	if ownIs {
		own(b)
	} else {
		library(b)
	}
}

// compare tells whether the second steps take less time than the first.
func (d *Device) compare(first, second []step, in []int, out int) (bool, error) {
	b := &buffers{d: d}
	for _, n := range append(in, out) {
		buf, err := d.take(n)
		if err != nil {
			return false, err
		}
		defer d.giveBack(buf)
		if err := d.stream.FillWords(buf, 0, n); err != nil {
			return false, errors.Wrap(err, "gpu: timing")
		}
		b.in, b.out = append(b.in, buf), []*cuda.Buffer{buf}
	}
	a, broken := d.time(first, b) // a library may refuse a shape as late as here
	c, err := d.time(second, b)
	return broken != nil || c < a, errors.Wrap(err, "gpu: timing")
}

// timingRuns is how often steps run that are timed, after one that is not.
const timingRuns = 5

// time is how many milliseconds the steps take.
func (d *Device) time(steps []step, b *buffers) (float32, error) {
	var began, ended *cuda.Event
	for _, e := range []**cuda.Event{&began, &ended} {
		var err error
		if *e, err = d.ctx.NewEvent(true); err != nil {
			return 0, err
		}
		defer (*e).Close()
	}
	for run := range timingRuns + 1 {
		if run == 1 {
			if err := began.Record(d.stream); err != nil {
				return 0, err
			}
		}
		for _, s := range steps {
			if err := s.run(b); err != nil {
				return 0, err
			}
		}
	}
	if err := ended.Record(d.stream); err != nil {
		return 0, err
	}
	if err := ended.Synchronize(); err != nil {
		return 0, err
	}
	return ended.Since(began)
}
