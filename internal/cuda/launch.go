package cuda

import (
	"runtime"
	"unsafe"
)

// maxArgs bounds the parameters of a kernel; the hardware's bound is 4 KB of them.
const maxArgs = 64

// Args is the arguments of a launch, in the order of the kernel's parameters. It is filled
// once and used again and again; a changed value is set in its place:
//
//	a := cuda.NewArgs().Buffer(x).Buffer(y).Int32(n)
//	f.Launch(s, grid, block, 0, a)
//	a.SetInt32(2, m)
type Args struct {
	n        int
	overflow bool
	closed   bool
	sizes    [maxArgs]uint8
	values   [maxArgs]uint64
	pointers [maxArgs]uintptr // to values: the array that the driver reads
}

// NewArgs is no arguments yet.
func NewArgs() *Args { return &Args{} }

func (a *Args) push(bits uint64, size uint8) *Args {
	if a.n == maxArgs {
		a.overflow = true
		return a
	}
	a.values[a.n], a.sizes[a.n] = bits, size
	a.n++
	return a
}

// Buffer adds the device address of b; a nil Buffer is a null pointer.
func (a *Args) Buffer(b *Buffer) *Args {
	addr := uint64(0)
	if b != nil {
		a.closed = a.closed || b.addr == 0
		addr = uint64(b.addr)
	}
	return a.push(addr, 8)
}

// Int32 adds an int or unsigned.
func (a *Args) Int32(v int32) *Args { return a.push(uint64(uint32(v)), 4) }

// Uint32 adds an unsigned.
func (a *Args) Uint32(v uint32) *Args { return a.push(uint64(v), 4) }

// Int64 adds a long long.
func (a *Args) Int64(v int64) *Args { return a.push(uint64(v), 8) }

// Uint64 adds an unsigned long long.
func (a *Args) Uint64(v uint64) *Args { return a.push(v, 8) }

// Float32 adds a float.
func (a *Args) Float32(v float32) *Args { return a.push(uint64(*(*uint32)(unsafe.Pointer(&v))), 4) }

// Float64 adds a double.
func (a *Args) Float64(v float64) *Args { return a.push(*(*uint64)(unsafe.Pointer(&v)), 8) }

// Len is the number of arguments.
func (a *Args) Len() int { return a.n }

// Reset removes all arguments.
func (a *Args) Reset() *Args { a.n, a.overflow, a.closed = 0, false, false; return a }

func (a *Args) set(i int, bits uint64, size uint8) error {
	if i < 0 || i >= a.n || a.sizes[i] != size {
		return wrong("no argument %d of %d bytes among %d", i, size, a.n)
	}
	a.values[i] = bits
	return nil
}

// SetBuffer changes argument i, which must be a Buffer.
func (a *Args) SetBuffer(i int, b *Buffer) error {
	if b == nil || b.addr == 0 {
		return errClosed("buffer")
	}
	return a.set(i, uint64(b.addr), 8)
}

// SetNull makes argument i, which must be a Buffer, a null pointer.
func (a *Args) SetNull(i int) error { return a.set(i, 0, 8) }

// SetInt32 changes argument i, which must have 4 bytes.
func (a *Args) SetInt32(i int, v int32) error { return a.set(i, uint64(uint32(v)), 4) }

// SetInt64 changes argument i, which must have 8 bytes.
func (a *Args) SetInt64(i int, v int64) error { return a.set(i, uint64(v), 8) }

// SetFloat32 changes argument i, which must have 4 bytes.
func (a *Args) SetFloat32(i int, v float32) error {
	return a.set(i, uint64(*(*uint32)(unsafe.Pointer(&v))), 4)
}

// fits says what is wrong with the arguments for f, or nil.
func (a *Args) fits(f *Function) error {
	switch {
	case a.overflow:
		return wrong("kernel %s: more than %d arguments", f.name, maxArgs)
	case a.closed:
		return wrong("kernel %s: a buffer among the arguments is closed", f.name)
	case !f.known:
		return nil
	case a.n != len(f.parameters):
		return wrong("kernel %s takes %d arguments, not %d", f.name, len(f.parameters), a.n)
	}
	for i, size := range f.parameters {
		if int(a.sizes[i]) != size {
			return wrong("kernel %s: argument %d takes %d bytes, not %d", f.name, i, size, a.sizes[i])
		}
	}
	return nil
}

// Dim is a number of blocks or threads along x, y and z; 0 stands for 1.
type Dim struct{ X, Y, Z int }

func (d Dim) valid() bool {
	const most = 1<<31 - 1
	return d.X >= 0 && d.Y >= 0 && d.Z >= 0 && d.X <= most && d.Y <= most && d.Z <= most
}

// Launch puts the kernel on the stream: grid blocks of block threads, with shared bytes of
// dynamic shared memory. The arguments are copied: a may be changed when it returns.
func (f *Function) Launch(s *Stream, grid, block Dim, shared int, a *Args) error {
	if err := s.open(); err != nil {
		return err
	}
	if f == nil || f.handle == 0 {
		return errClosed("function")
	}
	if !grid.valid() || !block.valid() || shared < 0 {
		return wrong("kernel %s: grid %v, block %v, %d bytes shared", f.name, grid, block, shared)
	}
	if a == nil {
		a = noArgs
	}
	if err := a.fits(f); err != nil {
		return err
	}
	list := heap(&a.pointers[0]) // and so all of a
	for i := range a.n {         // not kept between launches: an Args may have been copied
		a.pointers[i] = uintptr(unsafe.Pointer(&a.values[i]))
	}
	err := f.ctx.quick(fnLaunchKernel, f.handle,
		uintptr(max(grid.X, 1)), uintptr(max(grid.Y, 1)), uintptr(max(grid.Z, 1)),
		uintptr(max(block.X, 1)), uintptr(max(block.Y, 1)), uintptr(max(block.Z, 1)),
		uintptr(shared), s.handle, list, 0)
	runtime.KeepAlive(a)
	return err
}

var noArgs = NewArgs() // never written: its loop over no arguments does nothing
