package gpu

import (
	"reflect"

	"github.com/pkg/errors"

	"medusa/internal/device"
	"medusa/internal/spec"
)

// builders has for the type of each spec what gathers the steps of its kernel, and tells whether there is one. Each file
// of the package adds the specs whose file in package spec has its name.
var builders = map[reflect.Type]func(b *builder, of any) bool{}

// registerSome adds a spec that has a kernel for some of its values; the host computes what build says false of.
func registerSome[S any](build func(b *builder, s S) bool) {
	t := reflect.TypeFor[S]()
	if builders[t] != nil {
		panic("gpu: two kernels for " + t.String())
	}
	builders[t] = func(b *builder, of any) bool { return build(b, of.(S)) }
}

// register adds a spec.
func register[S any](build func(b *builder, s S)) {
	registerSome(func(b *builder, s S) bool {
		build(b, s)
		return true
	})
}

// Specs are the types that have a kernel.
func Specs() []reflect.Type {
	var types []reflect.Type
	for t := range builders {
		types = append(types, t)
	}
	return types
}

// Kernel makes the kernel of a spec.
func (d *Device) Kernel(of any) (device.Kernel, error) {
	b := &builder{d: d}
	if build := builders[reflect.TypeOf(of)]; build == nil || !build(b, of) {
		return nil, errors.Wrapf(device.ErrNoKernel, "gpu: %s has no kernel for %s", d.Name(), spec.Describe(of))
	}
	p := &program{b: buffers{d: d}, steps: b.steps, owned: b.owned}
	if b.err != nil {
		p.Close()
		return nil, errors.Wrapf(b.err, "gpu: %s", spec.Describe(of))
	}
	return p, nil
}
