package machine

import (
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/device"
	"medusa/internal/exclusive"
	"medusa/internal/gpu"
)

// Device is an accelerator on which graphs are run. A nil *Device is the CPU. It is used by
// one goroutine at a time: its machines give another one an error.
type Device struct {
	acc    device.Accelerator // nil once closed
	name   string
	stored map[*float32]*storage // tensors that live on the device, by their host memory
	log    func(message string)
	told   map[string]bool
	manual bool
	use    exclusive.Use // of all its machines
}

// Options is how a device computes, and whom it tells.
type Options struct {
	// TF32 lets a GPU round the factors of products to 10 bits after the point (TF32), for
	// tensor cores; the CPU does not look at it.
	TF32 bool
	// AnyOrder lets a GPU make sums in any order where that is faster: equal seeds then need not
	// give equal bits.
	AnyOrder bool
	// Log is told what auto chooses, and once for each op that a device leaves to the host; it
	// may be nil.
	Log func(message string)
}

// Open opens the device of a name: cpu, which is nil; cuda or cuda:N, a GPU by its
// number from 0; auto, the first GPU or, where there is none, the CPU.
func Open(name string, o Options) (*Device, error) {
	log := o.Log
	if log == nil {
		log = func(string) {}
	}
	open := func(n int) (*Device, error) {
		acc, err := gpu.Open(n, gpu.Options{TF32: o.TF32, AnyOrder: o.AnyOrder})
		if err != nil {
			return nil, errors.WithMessagef(err, "device cuda:%d is not to be had, device cpu always is", n)
		}
		return newDevice(acc, log), nil
	}
	n, err := deviceNumber(name)
	switch {
	case err != nil || n < 0:
		return nil, err
	case name == "auto":
		d, err := open(n)
		if err != nil {
			log("device auto: the CPU, since there is no CUDA: " + gpu.WhyNot(err))
			return nil, nil
		}
		log("device auto: " + d.Name())
		return d, nil
	}
	return open(n)
}

// Check returns an error that says in short why Open would refuse the device of that name, as far as
// that is seen without making anything on it. For auto, it says why there is no GPU.
func Check(name string) error {
	n, err := deviceNumber(name)
	if err != nil || n < 0 {
		return err
	}
	if err := gpu.Check(n); err != nil {
		return errors.New(gpu.WhyNot(err))
	}
	return nil
}

// deviceNumber returns the number of the GPU that a name stands for: 0 for auto, and -1 for the CPU.
func deviceNumber(name string) (int, error) {
	number, isCUDA := strings.CutPrefix(name, "cuda")
	switch {
	case name == "" || name == "cpu":
		return -1, nil
	case name == "auto" || isCUDA && number == "":
		return 0, nil
	case isCUDA && number[0] == ':':
		n, err := strconv.Atoi(number[1:])
		if err != nil || n < 0 {
			return 0, errors.Errorf("machine: device %q: want cuda:N with the number of a GPU, from 0", name)
		}
		return n, nil
	}
	return 0, errors.Errorf("machine: no device %q: want cpu, cuda, cuda:N or auto", name)
}

func newDevice(acc device.Accelerator, log func(string)) *Device {
	return &Device{acc: acc, name: acc.Name(), stored: map[*float32]*storage{}, log: log, told: map[string]bool{}}
}

// Name is the device's name, such as cuda:0; cpu if d is nil.
func (d *Device) Name() string {
	if d == nil {
		return "cpu"
	}
	return d.name
}

// errClosed is returned by a device that was closed.
var errClosed = errors.New("machine: the device is closed")

// Close gives the device back, after the machines that run on it.
func (d *Device) Close() error {
	if d == nil || d.acc == nil {
		return nil
	}
	err := d.acc.Close()
	d.acc, d.stored = nil, nil
	return err
}

// Accelerator is what computes; nil if d is the CPU.
func (d *Device) Accelerator() device.Accelerator {
	if d == nil {
		return nil
	}
	return d.acc
}

// Allocated is how many bytes of the device's memory are taken; 0 on the CPU.
func (d *Device) Allocated() int64 {
	if d == nil || d.acc == nil {
		return 0
	}
	return d.acc.Allocated()
}

// CheckByHand leaves it to the caller to call the Accelerator's Check. Otherwise every run ends with
// Check, which waits for the device.
func (d *Device) CheckByHand() {
	if d != nil {
		d.manual = true
	}
}

// tell logs a message once.
func (d *Device) tell(message string) {
	if !d.told[message] {
		d.told[message] = true
		d.log(message)
	}
}
