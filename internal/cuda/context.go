package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Context is the primary context of a device, which cuBLAS, cuDNN and every other library in
// the process share. Its methods, and those of everything made from it, may be called by any
// goroutine: each call locks itself to its OS thread and makes the context current there
// first. One object (a stream, an Args, a handle of cuBLAS) is used by one goroutine at a time.
type Context struct {
	driver *Driver
	device *Device
	handle uintptr
}

// Context retains the primary context of the device.
func (d *Device) Context() (*Context, error) {
	c := &Context{driver: d.driver, device: d}
	if err := d.driver.call(fnPrimaryCtxRetain, uintptr(unsafe.Pointer(&c.handle)), uintptr(d.handle)); err != nil {
		return nil, err
	}
	return c, nil
}

// Close releases the context. What was made from it must be closed before.
func (c *Context) Close() error {
	if c == nil || c.handle == 0 {
		return nil
	}
	c.handle = 0
	return c.driver.call(fnPrimaryCtxRelease, uintptr(c.device.handle))
}

// Device is the device of the context.
func (c *Context) Device() *Device { return c.device }

// Synchronize waits for everything that was put on all streams.
func (c *Context) Synchronize() error { return c.quick(fnCtxSynchronize) }

// MemoryInfo is the device's free and total memory in bytes.
func (c *Context) MemoryInfo() (free, total int64, err error) {
	var f, t uint64
	err = c.call(fnMemGetInfo, uintptr(unsafe.Pointer(&f)), uintptr(unsafe.Pointer(&t)))
	return int64(f), int64(t), err
}

// call calls a function of the driver in this context. Arguments that are converted from
// pointers in the call itself stay alive.
//
//go:uintptrescapes
func (c *Context) call(f int, args ...uintptr) error { return c.quick(f, args...) }

// quick is call without an allocation: the caller keeps alive what args points to, on the heap.
//
// The alternative, one goroutine that owns the context, costs two switches of threads a call
// (44 µs); this costs a call of cuCtxSetCurrent, which is a store where nothing changes.
func (c *Context) quick(f int, args ...uintptr) error {
	if !c.driver.table.has(f) {
		return c.driver.table.missing(f)
	}
	if c.handle == 0 {
		return errClosed("context")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if r := Result(c.driver.table.call(fnCtxSetCurrent, c.handle)); r != Success {
		return c.driver.failure(fnCtxSetCurrent, r)
	}
	if r := Result(c.driver.table.call(f, args...)); r != Success {
		return c.driver.failure(f, r)
	}
	return nil
}

// foreign is quick for another library, cuBLAS or cuDNN.
func (c *Context) foreign(t *table, status func(int32) string, f int, args ...uintptr) error {
	if !t.has(f) {
		return t.missing(f)
	}
	if c.handle == 0 {
		return errClosed("context")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if r := Result(c.driver.table.call(fnCtxSetCurrent, c.handle)); r != Success {
		return c.driver.failure(fnCtxSetCurrent, r)
	}
	if r := t.call(f, args...); r != 0 {
		return &StatusError{Call: t.names[f], Code: r, Name: status(r)}
	}
	return nil
}

// outOfMemory makes a MemoryError of an OutOfMemory, and leaves other errors as they are.
func (c *Context) outOfMemory(err error, requested int) error {
	if !errors.Is(err, OutOfMemory) {
		return err
	}
	m := &MemoryError{Device: fmt.Sprintf("GPU %d", c.device.ordinal), Requested: int64(requested), Free: -1, Cause: err}
	if name, e := c.device.Name(); e == nil {
		m.Device += " (" + name + ")"
	}
	if free, total, e := c.MemoryInfo(); e == nil {
		m.Free, m.Total = free, total
	} else if total, e := c.device.Memory(); e == nil {
		m.Total = total
	}
	return m
}
