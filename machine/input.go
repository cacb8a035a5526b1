package machine

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// input is an input of the graph, or a constant of it.
type input struct {
	node    *gorgonia.Node
	n       int
	host    device.Memory // the value that is bound to the node now
	written bool          // steps change it
	used    bool          // steps on a device read it
	remote  device.Memory // of those
	stored  *storage      // of a tensor that lives on a device
	scalar  []float32     // as it stands on the device
	fixed   device.FixedLookup
}

// takeBound takes the value that is bound to the input now.
func (in *input) takeBound() (err error) {
	v := in.node.Value()
	if v == nil {
		return errors.Errorf("machine: input %s has no value; bind one with gorgonia.Let", in.node.Name())
	}
	if in.host, err = memoryOf(v, in.n); err != nil {
		return errors.Wrapf(err, "machine: input %s", in.node.Name())
	}
	if double := in.host.F64 != nil; double != (in.node.Dtype() == tensor.Float64) {
		return errors.Errorf("machine: input %s has elements of type %v, the graph was built for %v", in.node.Name(), v.Dtype(), in.node.Dtype())
	}
	if !in.written {
		in.host.Fixed = in.fixed.Of(in.host.F32)
	}
	return nil
}
