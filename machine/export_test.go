package machine

import (
	"gorgonia.org/gorgonia"

	"medusa/internal/device"
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
		var writes []int
		if w, ok := k.spec.(writer); ok {
			writes = w.Writes()
		}
		check(k.spec, in, writes, false)
		if err := s.run(); err != nil {
			return err
		}
		check(k.spec, in, writes, true)
	}
	return nil
}
