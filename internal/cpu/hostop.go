package cpu

import (
	"medusa/internal/device"
	"medusa/internal/spec"
)

func init() {
	registerKernel(func(s spec.HostOp) device.Kernel { return checked(s.F32, s.F64) })
}
