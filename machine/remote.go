package machine

import (
	"io"
	"slices"
	"unsafe"

	"github.com/pkg/errors"

	"medusa/internal/device"
)

// remote is the part of a machine that is on a device. In the first runs its steps put their work on the
// device one by one; then the work is recorded, and later runs replay it as a whole.
type remote struct {
	d         *Device
	kernels   []io.Closer
	taken     []device.Remote
	settled   bool
	fed       []*input // filled anew for each run, by feed
	feed      device.Feed
	values    [][]float32 // of fed
	runs      int
	onHost    bool // steps of the host are among them: it cannot be recorded
	recording device.Recording
}

// run brings the inputs to the device and runs the steps there.
func (r *remote) run(m *Machine) error {
	if r.d.acc == nil {
		return errClosed
	}
	if err := r.bring(m.inputs); err != nil {
		return err
	}
	r.change(m.inputs)
	err := r.work(m)
	r.change(m.inputs)
	if err != nil || r.d.manual {
		return err
	}
	return r.d.acc.Check()
}

// change marks the tensors that steps change.
func (r *remote) change(inputs []*input) {
	for _, in := range inputs {
		if in.written && in.used && in.stored != nil {
			in.stored.changedThere()
		}
	}
}

// runsBeforeRecording is how many runs go step by step: in the first ones, steps still allocate memory
// for their work.
const runsBeforeRecording = 2

func (r *remote) work(m *Machine) error {
	if r.recording != nil {
		return r.recording.Replay()
	}
	if r.onHost || r.runs < runsBeforeRecording {
		err := m.walk()
		if err == nil {
			r.runs++
		}
		return err
	}
	recording, err := r.d.acc.Record(m.walk)
	if err != nil {
		r.onHost = true
		r.d.tell("the step is not recorded: " + err.Error())
		return m.walk()
	}
	r.recording = recording
	return recording.Replay()
}

// bring makes sure that the inputs stand on the device.
func (r *remote) bring(inputs []*input) error {
	if !r.settled {
		if err := r.settle(inputs); err != nil {
			return err
		}
		r.settled = true
	}
	for _, in := range inputs {
		if err := r.check(in); err != nil {
			return err
		}
	}
	if r.feed == nil {
		return nil
	}
	for i, in := range r.fed {
		r.values[i] = in.host.F32
	}
	return r.feed.Put(r.values)
}

// settle decides in the first run where each input stands.
func (r *remote) settle(inputs []*input) (err error) {
	var sizes []int
	for _, in := range inputs {
		if in.host.F32 == nil {
			return errors.Errorf("machine: input %s is not float32", in.node.Name())
		}
		if in.written {
			r.d.Adopt(in.host.F32)
		}
		in.stored = r.d.storageOf(in.host.F32)
		switch {
		case in.stored != nil || !in.used:
		case in.node.Dims() == 0: // mostly a constant
			if in.remote, err = r.alloc(in.n); err != nil {
				return err
			}
		default:
			r.fed = append(r.fed, in)
			sizes = append(sizes, in.n)
		}
	}
	if len(sizes) == 0 {
		return nil
	}
	if r.feed, err = r.d.acc.NewFeed(sizes); err != nil {
		return err
	}
	for i, in := range r.fed {
		in.remote = device.Memory{Remote: r.feed.Memory(i), On: r.d.acc}
	}
	r.values = make([][]float32, len(r.fed))
	return nil
}

// check returns an error if the input was bound to another tensor after the first run. It brings to the
// device a tensor that lives there, or a scalar that changed.
func (r *remote) check(in *input) (err error) {
	if r.d.storageOf(in.host.F32) != in.stored {
		return errors.Errorf("machine: input %s was bound to another tensor: bind before the first run", in.node.Name())
	}
	switch {
	case in.stored != nil && in.used:
		in.remote.On = r.d.acc
		in.remote.Remote, err = in.stored.there()
		return err
	case in.stored != nil || !in.used || in.node.Dims() > 0 || slices.Equal(in.scalar, in.host.F32):
		return nil
	}
	in.scalar = append(in.scalar[:0], in.host.F32...)
	return r.d.acc.Upload(in.remote.Remote, in.host.F32)
}

// alloc is memory until the machine is closed.
func (r *remote) alloc(n int) (device.Memory, error) {
	to, err := r.d.acc.Alloc(n)
	if err != nil {
		return device.Memory{}, err
	}
	r.taken = append(r.taken, to)
	return device.Memory{Remote: to, On: r.d.acc}, nil
}

// close gives everything back to the device.
func (r *remote) close() (err error) {
	if r.d.acc == nil { // closed before
		return nil
	}
	note := func(e error) {
		if err == nil {
			err = e
		}
	}
	if r.recording != nil {
		note(r.recording.Close())
	}
	for _, k := range r.kernels {
		note(k.Close())
	}
	if r.feed != nil {
		note(r.feed.Close())
	}
	for _, t := range r.taken {
		r.d.acc.Release(t)
	}
	return err
}

// copyStep brings a value to the other side.
type copyStep struct {
	acc      device.Accelerator
	to, from *device.Memory
}

func (s copyStep) run() error {
	if s.to.Remote != nil {
		return s.acc.Upload(s.to.Remote, words(s.from))
	}
	return s.acc.Download(words(s.to), s.from.Remote)
}

// words are numbers or places of the host as what is copied, 32 bits each.
func words(m *device.Memory) []float32 {
	if m.I32 != nil {
		return unsafe.Slice((*float32)(unsafe.Pointer(&m.I32[0])), len(m.I32))
	}
	return m.F32
}

func (copyStep) String() string { return "copy" }

// pullStep brings a tensor that lives on the device to the host, for a step there.
type pullStep struct {
	d *Device
	*input
}

func (s pullStep) run() error { return s.d.Read(s.host.F32) }

func (s pullStep) String() string { return "copy of " + s.node.Name() }

// pushStep brings a tensor back that a step of the host changed.
type pushStep struct {
	d *Device
	*input
}

func (s pushStep) run() error {
	s.d.Wrote(s.host.F32)
	_, err := s.stored.there()
	return err
}

func (s pushStep) String() string { return "copy of " + s.node.Name() }
