package machine

import (
	"reflect"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/internal/device"
	"medusa/internal/spec"
)

// StepsOf describes the steps of a machine.
func StepsOf(vm gorgonia.VM) (out []string) {
	for _, s := range vm.(*Machine).steps {
		out = append(out, s.String())
	}
	return out
}

// Recorded reports whether a run of the machine is one piece of work of the device by now.
func Recorded(vm gorgonia.VM) bool { return vm.(*Machine).remote.recording != nil }

// EachKernel runs the machine of a host, and calls check before and after each kernel with what that
// reads and the numbers of the inputs that it says it writes.
func EachKernel(vm gorgonia.VM, check func(spec any, in []device.Memory, writes []int, after bool)) error {
	m := vm.(*Machine)
	for _, in := range m.inputs {
		if err := in.takeBound(); err != nil {
			return err
		}
	}
	for _, s := range m.steps {
		k, ok := s.(*kernelStep)
		if !ok {
			if err := s.run(); err != nil {
				return err
			}
			continue
		}
		var in []device.Memory
		for _, p := range k.in {
			in = append(in, *p)
		}
		writes := spec.Writes(k.spec)
		check(k.spec, in, writes, false)
		if err := s.run(); err != nil {
			return err
		}
		check(k.spec, in, writes, true)
	}
	return nil
}

// KernelOutputs are the outputs of a step.
type KernelOutputs struct {
	Kernel string
	Read   []bool // by somebody
	Memory []device.Memory
}

// OutputsOf are the outputs of the steps that are kernels.
func OutputsOf(vm gorgonia.VM) (all []KernelOutputs) {
	for _, s := range vm.(*Machine).steps {
		k, ok := s.(*kernelStep)
		if !ok {
			continue
		}
		o := KernelOutputs{Kernel: k.String()}
		for _, m := range k.out {
			o.Read = append(o.Read, m != nil)
			if m != nil {
				o.Memory = append(o.Memory, *m)
			}
		}
		all = append(all, o)
	}
	return all
}

// lacking is an accelerator that has no kernels for some specs.
type lacking struct {
	device.Accelerator
	types map[reflect.Type]bool
}

func (a lacking) Kernel(of any) (device.Kernel, error) {
	if a.types[reflect.TypeOf(of)] {
		return nil, errors.Wrap(device.ErrNoKernel, "left out")
	}
	return a.Accelerator.Kernel(of)
}

// Without has a device have no kernels for specs of the types of those given.
func Without(d *Device, specs ...any) {
	a := lacking{d.acc, map[reflect.Type]bool{}}
	for _, s := range specs {
		a.types[reflect.TypeOf(s)] = true
	}
	d.acc = a
}

// PoisonFreed has machines that are made during the test fill memory with NaN after its last reader.
func PoisonFreed(t interface{ Cleanup(func()) }) {
	before := poisonFreed
	poisonFreed = true
	t.Cleanup(func() { poisonFreed = before })
}

// Needs is how many bytes the values of g would take on the host, as is planned before any are taken.
func Needs(g *gorgonia.ExprGraph) (int64, error) {
	c, steps, err := planned(g, nil)
	if err != nil {
		return 0, err
	}
	return c.needs(steps), nil
}
