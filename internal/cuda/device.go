package cuda

import (
	"unsafe"
)

// Attribute is a CUdevice_attribute.
type Attribute int32

// Attributes of a device, with the driver's numbers.
const (
	MaxThreadsPerBlock          Attribute = 1
	MaxBlockX                   Attribute = 2
	MaxGridX                    Attribute = 5
	MaxGridY                    Attribute = 6
	MaxGridZ                    Attribute = 7
	MaxSharedPerBlock           Attribute = 8 // bytes, without asking for more
	WarpSize                    Attribute = 10
	ClockKHz                    Attribute = 13
	Multiprocessors             Attribute = 16
	MemoryClockKHz              Attribute = 36
	MemoryBusBits               Attribute = 37
	L2Bytes                     Attribute = 38
	MaxThreadsPerMultiprocessor Attribute = 39
	CapabilityMajor             Attribute = 75
	CapabilityMinor             Attribute = 76
	MaxSharedPerBlockOptin      Attribute = 97 // bytes, with Function.AllowShared
)

// Device is one GPU of a Driver.
type Device struct {
	driver  *Driver
	ordinal int
	handle  int32
}

// DeviceCount is how many GPUs the driver shows; CUDA_VISIBLE_DEVICES hides others.
func (d *Driver) DeviceCount() (int, error) {
	var n int32
	err := d.call(fnDeviceGetCount, uintptr(unsafe.Pointer(&n)))
	return int(n), err
}

// Device is the GPU of number ordinal, from 0.
func (d *Driver) Device(ordinal int) (*Device, error) {
	if ordinal < 0 {
		return nil, wrong("device %d: numbers start at 0", ordinal)
	}
	dev := &Device{driver: d, ordinal: ordinal}
	return dev, d.call(fnDeviceGet, uintptr(unsafe.Pointer(&dev.handle)), uintptr(ordinal))
}

// Ordinal is the number of the device.
func (d *Device) Ordinal() int { return d.ordinal }

// Name is such as "NVIDIA H200".
func (d *Device) Name() (string, error) {
	b := make([]byte, 256)
	err := d.driver.call(fnDeviceGetName, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(d.handle))
	return textOf(b), err
}

// Memory is the device's memory in bytes.
func (d *Device) Memory() (int64, error) {
	var n uint64
	err := d.driver.call(fnDeviceTotalMem, uintptr(unsafe.Pointer(&n)), uintptr(d.handle))
	return int64(n), err
}

// Attribute is one figure of the device.
func (d *Device) Attribute(a Attribute) (int, error) {
	var n int32
	err := d.driver.call(fnDeviceGetAttribute, uintptr(unsafe.Pointer(&n)), uintptr(a), uintptr(d.handle))
	return int(n), err
}

// Capability is the compute capability, such as 9, 0.
func (d *Device) Capability() (major, minor int, err error) {
	if major, err = d.Attribute(CapabilityMajor); err != nil {
		return 0, 0, err
	}
	minor, err = d.Attribute(CapabilityMinor)
	return major, minor, err
}
