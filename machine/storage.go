package machine

import (
	"github.com/pkg/errors"

	"medusa/graph"
	"medusa/internal/device"
)

// storage is a tensor that lives on a device. It knows where its current numbers are: on the host, on
// the device, or on both.
type storage struct {
	d       *Device
	host    []float32
	remote  device.Remote // nil until it is first used there
	current side
}

// side is where numbers are current.
type side uint8

const (
	onHost side = 1 << iota
	onDevice
)

// there returns its memory on the device, after it has brought the current numbers to it.
func (s *storage) there() (device.Remote, error) {
	if _, err := s.room(); err != nil {
		return nil, err
	}
	if s.current&onDevice == 0 {
		if err := s.d.acc.Upload(s.remote, s.host); err != nil {
			return nil, err
		}
		s.current |= onDevice
	}
	return s.remote, nil
}

// room returns its memory on the device, which the caller will fill.
func (s *storage) room() (device.Remote, error) {
	if s.remote == nil {
		r, err := s.d.acc.Alloc(len(s.host))
		if err != nil {
			return nil, err
		}
		s.remote = r
	}
	return s.remote, nil
}

// changedThere tells that the numbers on the device are the current ones.
func (s *storage) changedThere() { s.current = onDevice }

// here makes the host's numbers current.
func (s *storage) here() error {
	if s.current&onHost != 0 {
		return nil
	}
	if err := s.d.acc.Download(s.host, s.remote); err != nil {
		return err
	}
	s.current |= onHost
	return nil
}

// storageOf is the storage of a tensor; nil if it does not live on the device.
func (d *Device) storageOf(t []float32) *storage {
	if d == nil || len(t) == 0 {
		return nil
	}
	return d.stored[&t[0]]
}

// Adopt lets tensors live on the device from now on: machines use them there, and what changes them
// there is seen by the host after Read. On the CPU it does nothing, as all that follows.
func (d *Device) Adopt(tensors ...[]float32) {
	if d == nil || d.acc == nil {
		return
	}
	for _, t := range tensors {
		if len(t) > 0 && d.storageOf(t) == nil {
			d.stored[&t[0]] = &storage{d: d, host: t, current: onHost}
		}
	}
}

// Release ends what Adopt began, once the machines that use the tensors are closed. The host's
// numbers stay as they were last read.
func (d *Device) Release(tensors ...[]float32) {
	for _, t := range tensors {
		s := d.storageOf(t)
		if s == nil {
			continue
		}
		if s.remote != nil {
			d.acc.Release(s.remote)
		}
		delete(d.stored, &t[0])
	}
}

// Read makes the host's numbers of tensors current. Where the device changed them it waits for that.
// Tensors that do not live on the device are current.
func (d *Device) Read(tensors ...[]float32) error {
	if d == nil {
		return nil
	}
	if d.acc == nil {
		return errClosed
	}
	for _, t := range tensors {
		if s := d.storageOf(t); s != nil {
			if err := s.here(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Wrote tells that the host changed tensors: the device takes them from there before it uses them
// again.
func (d *Device) Wrote(tensors ...[]float32) {
	for _, t := range tensors {
		if s := d.storageOf(t); s != nil {
			s.current = onHost
		}
	}
}

// Change brings tensors to the device, for work that the caller then puts there and that changes them.
// Memory returns the memory that such work writes to.
func (d *Device) Change(tensors ...[]float32) error {
	if d == nil {
		return nil
	}
	if d.acc == nil {
		return errClosed
	}
	d.Adopt(tensors...)
	for _, t := range tensors {
		if len(t) == 0 {
			continue
		}
		s := d.storageOf(t)
		if _, err := s.there(); err != nil {
			return err
		}
		s.changedThere()
	}
	return nil
}

// Memory is a tensor's memory on the device, once something was done with it there; else nil.
func (d *Device) Memory(t []float32) device.Remote {
	if s := d.storageOf(t); s != nil {
		return s.remote
	}
	return nil
}

// Copier makes a function that copies tensors to others of their sizes, where the current numbers
// are: on a device in one piece of work.
func (d *Device) Copier(dst, src [][]float32) (func() error, error) {
	for i, t := range dst {
		if len(t) != len(src[i]) {
			return nil, errors.Errorf("machine: copy of %d numbers to %d", len(src[i]), len(t))
		}
	}
	if d == nil {
		return func() error {
			for i := range dst {
				copy(dst[i], src[i])
			}
			return nil
		}, nil
	}
	if d.acc == nil {
		return nil, errClosed
	}
	d.Adopt(src...)
	c := d.copier(dst)
	for i := range dst {
		if s := d.storageOf(src[i]); s != nil {
			c.src = append(c.src, s.there)
		}
	}
	return c.run, nil
}

// KeptCopier makes a function that copies what graphs keep to tensors of those sizes, as Copier
// does. It is called after the graphs have run.
func (d *Device) KeptCopier(dst [][]float32, src []*graph.Kept) func() error {
	if d == nil {
		return func() error {
			for i, t := range dst {
				copy(t, src[i].Float32s())
			}
			return nil
		}
	}
	c := d.copier(dst)
	for _, k := range src {
		c.src = append(c.src, func() (device.Remote, error) {
			if k.Remote() == nil {
				return nil, errors.Errorf("machine: what is kept was not made on %s", d.Name())
			}
			return k.Remote(), nil
		})
	}
	return c.run
}

// copier copies to tensors of a device.
type copier struct {
	d    *Device
	dst  []*storage
	src  []func() (device.Remote, error)
	copy func() error // nil before the first run
}

func (d *Device) copier(dst [][]float32) *copier {
	d.Adopt(dst...)
	c := &copier{d: d}
	for _, t := range dst {
		if s := d.storageOf(t); s != nil {
			c.dst = append(c.dst, s)
		}
	}
	return c
}

func (c *copier) run() error {
	if c.d.acc == nil {
		return errClosed
	}
	var pairs []device.Pair
	for i, to := range c.dst {
		from, err := c.src[i]()
		if err != nil {
			return err
		}
		room, err := to.room()
		if err != nil {
			return err
		}
		to.changedThere()
		if c.copy == nil {
			pairs = append(pairs, device.Pair{Dst: room, Src: from, N: len(to.host)})
		}
	}
	if c.copy == nil {
		var err error
		if c.copy, err = c.d.acc.NewCopier(pairs); err != nil {
			return err
		}
	}
	return c.copy()
}

// Clear sets all numbers of tensors to 0, where they live.
func (d *Device) Clear(tensors ...[]float32) error {
	for _, t := range tensors {
		s := d.storageOf(t)
		if s == nil {
			clear(t)
			continue
		}
		r, err := s.room()
		if err != nil {
			return err
		}
		if err := d.acc.Fill(r, len(t), 0); err != nil {
			return err
		}
		s.changedThere()
	}
	return nil
}
