package gpu

import (
	"github.com/pkg/errors"

	"medusa/internal/cuda"
	"medusa/internal/device"
)

// table lists tensors for a kernel that works on all of them, a block a piece. A record is
// addresses, the number of elements with that of the first piece, and what a kernel adds.
type table struct {
	d      *Device
	words  []uint64
	count  int // tensors
	pieces int
	err    error
}

// add begins a record of n numbers at each place and returns its pieces.
func (t *table) add(n int, places ...device.Remote) (pieces int) {
	for _, p := range places {
		t.words = append(t.words, address(p))
	}
	if n != int(int32(n)) && t.err == nil {
		t.err = errors.Errorf("a tensor of %d numbers is beyond 32 bits", n)
	}
	t.words = append(t.words, uint64(uint32(n))|uint64(uint32(t.pieces))<<32)
	pieces = (n + sizePiece - 1) / sizePiece
	t.pieces += pieces
	t.count++
	return pieces
}

// address is where memory of the device lies, 0 of nil.
func address(r device.Remote) uint64 {
	if b, ok := r.(*cuda.Buffer); ok && b != nil {
		return uint64(b.Address())
	}
	return 0
}

// upload brings the table to the device, until Close.
func (t *table) upload() (*cuda.Buffer, error) {
	if t.err != nil {
		return nil, t.err
	}
	b, err := t.d.buffer(2 * len(t.words))
	if err != nil {
		return nil, err
	}
	words := make([]uint32, 0, 2*len(t.words))
	for _, w := range t.words {
		words = append(words, uint32(w), uint32(w>>32))
	}
	return b, cuda.Upload(t.d.stream, b, words)
}

// NewCopier makes a function that copies all pairs, in one launch.
func (d *Device) NewCopier(pairs []device.Pair) (func() error, error) {
	all := table{d: d}
	for _, p := range pairs {
		all.add(p.N, p.Dst, p.Src)
	}
	if all.pieces == 0 {
		return func() error { return nil }, nil
	}
	list, err := all.upload()
	if err != nil {
		return nil, errors.Wrap(err, "gpu: copier")
	}
	copier := &builder{d: d}
	copier.launchCopyPairs(blocks(all.pieces), all.count, fixed(list))
	if copier.err != nil {
		return nil, errors.Wrap(copier.err, "gpu: copier")
	}
	b := &buffers{d: d}
	return func() error { return errors.Wrap(copier.steps[0].run(b), "gpu: copy") }, nil
}
