package cuda

import (
	"runtime"
	"unsafe"
)

// Number is what a Buffer may hold.
type Number interface {
	~float32 | ~float64 | ~int8 | ~uint8 | ~int16 | ~uint16 | ~int32 | ~uint32 | ~int64 | ~uint64
}

// Buffer is memory of the device, or a part of it. The host cannot read or write it but
// through Upload, Download and the copies of a Stream.
type Buffer struct {
	ctx   *Context
	addr  uintptr
	bytes int
	whole bool // from Alloc, not from Part
}

// Alloc allocates bytes on the device, aligned to 256 bytes and not cleared. It fails with a
// *MemoryError if there is no room.
func (c *Context) Alloc(bytes int) (*Buffer, error) {
	if bytes <= 0 {
		return nil, wrong("allocation of %d bytes", bytes)
	}
	b := &Buffer{ctx: c, bytes: bytes, whole: true}
	if err := c.call(fnMemAlloc, uintptr(unsafe.Pointer(&b.addr)), uintptr(bytes)); err != nil {
		return nil, c.outOfMemory(err, bytes)
	}
	return b, nil
}

// Address is the device's address of the first byte: for kernels' arguments, never for the host.
func (b *Buffer) Address() uintptr { return b.addr }

// Bytes is the size.
func (b *Buffer) Bytes() int { return b.bytes }

// Part is bytes of b from offset on. It lives no longer than b; its Free does nothing.
func (b *Buffer) Part(offset, bytes int) (*Buffer, error) {
	if b.addr == 0 {
		return nil, errClosed("buffer")
	}
	if offset < 0 || bytes < 0 || offset > b.bytes || bytes > b.bytes-offset {
		return nil, wrong("%d bytes from byte %d on are not in a buffer of %d", bytes, offset, b.bytes)
	}
	return &Buffer{ctx: b.ctx, addr: b.addr + uintptr(offset), bytes: bytes}, nil
}

// Free gives the memory back. Work on streams that still uses it must be waited for before.
func (b *Buffer) Free() error {
	if b == nil || b.addr == 0 {
		return nil
	}
	addr := b.addr
	b.addr = 0
	if !b.whole {
		return nil
	}
	return b.ctx.quick(fnMemFree, addr)
}

// holds says what is wrong with reading or writing bytes of b, or nil.
func (b *Buffer) holds(bytes int) error {
	switch {
	case b == nil || b.addr == 0:
		return errClosed("buffer")
	case bytes < 0 || bytes > b.bytes:
		return wrong("%d bytes do not fit a buffer of %d", bytes, b.bytes)
	}
	return nil
}

// Pinned is memory of the host that the GPU reads and writes by itself: copies from and to it
// run beside the program, and may be captured in a Graph.
type Pinned struct {
	ctx   *Context
	addr  uintptr
	bytes int
}

// AllocPinned allocates bytes of pinned memory.
func (c *Context) AllocPinned(bytes int) (*Pinned, error) {
	if bytes <= 0 {
		return nil, wrong("allocation of %d bytes", bytes)
	}
	p := &Pinned{ctx: c, bytes: bytes}
	if err := c.call(fnMemAllocHost, uintptr(unsafe.Pointer(&p.addr)), uintptr(bytes)); err != nil {
		return nil, err
	}
	return p, nil
}

// Bytes is the size.
func (p *Pinned) Bytes() int { return p.bytes }

// View is the memory as a slice of as many T as fit, or nil after Free. It must not be used
// after Free, nor while a copy on a stream uses it.
func View[T Number](p *Pinned) []T {
	if p == nil || p.addr == 0 {
		return nil
	}
	var t T
	return unsafe.Slice((*T)(pointer(p.addr)), p.bytes/int(unsafe.Sizeof(t)))
}

// Free gives the memory back. Copies that use it must be waited for before.
func (p *Pinned) Free() error {
	if p == nil || p.addr == 0 {
		return nil
	}
	addr := p.addr
	p.addr = 0
	return p.ctx.quick(fnMemFreeHost, addr)
}

func (p *Pinned) holds(bytes int) error {
	switch {
	case p == nil || p.addr == 0:
		return errClosed("pinned memory")
	case bytes < 0 || bytes > p.bytes:
		return wrong("%d bytes do not fit pinned memory of %d", bytes, p.bytes)
	}
	return nil
}

// Upload copies src to the start of dst, in the order of the stream, and waits until that is
// done: what the driver does with memory that is not pinned depends on the machine. In a loop,
// CopyIn is faster. While the stream is captured it fails: a graph would remember the address
// of memory that Go may reuse.
func Upload[T Number](s *Stream, dst *Buffer, src []T) error {
	bytes := len(src) * int(unsafe.Sizeof(*new(T)))
	if err := s.takes(dst.holds(bytes), true); err != nil || bytes == 0 {
		return err
	}
	return s.transfer(fnMemcpyHtoD, dst.addr, heap(&src[0]), bytes, src)
}

// Download copies the start of src to dst and waits until that is done, so all work that was
// put on the stream before is done too. It fails while the stream is captured.
func Download[T Number](s *Stream, dst []T, src *Buffer) error {
	bytes := len(dst) * int(unsafe.Sizeof(*new(T)))
	if err := s.takes(src.holds(bytes), true); err != nil || bytes == 0 {
		return err
	}
	return s.transfer(fnMemcpyDtoH, heap(&dst[0]), src.addr, bytes, dst)
}

// transfer is a copy from or to memory of Go, which stays alive until it is done.
func (s *Stream) transfer(f int, dst, src uintptr, bytes int, host any) error {
	err := s.ctx.quick(f, dst, src, uintptr(bytes), s.handle)
	if err == nil {
		err = s.Synchronize()
	}
	runtime.KeepAlive(host)
	return err
}

// CopyIn puts a copy of bytes from pinned memory to the device on the stream. src must not be
// changed before the stream has done it.
func (s *Stream) CopyIn(dst *Buffer, src *Pinned, bytes int) error {
	if err := s.takes(firstOf(dst.holds(bytes), src.holds(bytes)), false); err != nil || bytes == 0 {
		return err
	}
	return s.ctx.quick(fnMemcpyHtoD, dst.addr, src.addr, uintptr(bytes), s.handle)
}

// CopyOut puts a copy of bytes from the device to pinned memory on the stream. dst holds them
// once the stream is synchronised.
func (s *Stream) CopyOut(dst *Pinned, src *Buffer, bytes int) error {
	if err := s.takes(firstOf(dst.holds(bytes), src.holds(bytes)), false); err != nil || bytes == 0 {
		return err
	}
	return s.ctx.quick(fnMemcpyDtoH, dst.addr, src.addr, uintptr(bytes), s.handle)
}

// Copy puts a copy of bytes within the device on the stream. The parts must not overlap.
func (s *Stream) Copy(dst, src *Buffer, bytes int) error {
	if err := s.takes(firstOf(dst.holds(bytes), src.holds(bytes)), false); err != nil || bytes == 0 {
		return err
	}
	return s.ctx.quick(fnMemcpyDtoD, dst.addr, src.addr, uintptr(bytes), s.handle)
}

// FillBytes sets the first n bytes of dst to value, on the stream.
func (s *Stream) FillBytes(dst *Buffer, value byte, n int) error {
	if err := s.takes(dst.holds(n), false); err != nil || n == 0 {
		return err
	}
	return s.ctx.quick(fnMemsetD8, dst.addr, uintptr(value), uintptr(n), s.handle)
}

// FillWords sets the first n words of 32 bits of dst to value, on the stream; the bits of a
// float32 are math.Float32bits.
func (s *Stream) FillWords(dst *Buffer, value uint32, n int) error {
	if err := s.takes(dst.holds(0), false); err != nil {
		return err
	}
	if n < 0 || n > dst.bytes/4 {
		return wrong("%d words do not fit a buffer of %d bytes", n, dst.bytes)
	}
	if n == 0 {
		return nil
	}
	return s.ctx.quick(fnMemsetD32, dst.addr, uintptr(value), uintptr(n), s.handle)
}

func firstOf(errs ...error) error {
	for _, e := range errs {
		if e != nil {
			return e
		}
	}
	return nil
}
