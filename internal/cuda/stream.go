package cuda

import (
	"errors"
	"unsafe"
)

// Stream is a queue of work that the device does in order, beside the program.
type Stream struct {
	ctx       *Context
	handle    uintptr
	capturing bool
}

const streamNonBlocking = 1

// NewStream makes a stream that does not wait for the default stream.
func (c *Context) NewStream() (*Stream, error) {
	s := &Stream{ctx: c}
	if err := c.call(fnStreamCreate, uintptr(unsafe.Pointer(&s.handle)), streamNonBlocking); err != nil {
		return nil, err
	}
	return s, nil
}

// Close destroys the stream; work that is on it is still done.
func (s *Stream) Close() error {
	if s == nil || s.handle == 0 {
		return nil
	}
	h := s.handle
	s.handle = 0
	return s.ctx.quick(fnStreamDestroy, h)
}

// open says what is wrong with using the stream, or nil.
func (s *Stream) open() error {
	if s == nil || s.handle == 0 {
		return errClosed("stream")
	}
	return nil
}

// takes is open for work whose arguments have the error args; host says that it uses memory
// of Go.
func (s *Stream) takes(args error, host bool) error {
	if err := s.open(); err != nil {
		return err
	}
	if args == nil && host && s.capturing {
		return wrong("memory of Go in a captured stream: use pinned memory with CopyIn and CopyOut")
	}
	return args
}

// Synchronize waits until all work of the stream is done. An error of that work shows itself
// here or in any later call.
func (s *Stream) Synchronize() error {
	if err := s.open(); err != nil {
		return err
	}
	if s.capturing {
		return wrong("a captured stream cannot be waited for: end the capture first")
	}
	return s.ctx.quick(fnStreamSynchronize, s.handle)
}

// Done tells whether all work of the stream is done, without waiting.
func (s *Stream) Done() (bool, error) {
	if err := s.open(); err != nil {
		return false, err
	}
	return ready(s.ctx.quick(fnStreamQuery, s.handle))
}

func ready(err error) (bool, error) {
	if errors.Is(err, NotReady) {
		return false, nil
	}
	return err == nil, err
}

// Wait makes later work of the stream wait for the event, which may be of another stream.
func (s *Stream) Wait(e *Event) error {
	if err := firstOf(s.open(), e.open()); err != nil {
		return err
	}
	return s.ctx.quick(fnStreamWaitEvent, s.handle, e.handle, 0)
}

// Event is a mark in a stream.
type Event struct {
	ctx    *Context
	handle uintptr
}

const eventDisableTiming = 2

// NewEvent makes an event that keeps the time if timed, which makes it a little slower.
func (c *Context) NewEvent(timed bool) (*Event, error) {
	flags := uintptr(eventDisableTiming)
	if timed {
		flags = 0
	}
	e := &Event{ctx: c}
	if err := c.call(fnEventCreate, uintptr(unsafe.Pointer(&e.handle)), flags); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Event) open() error {
	if e == nil || e.handle == 0 {
		return errClosed("event")
	}
	return nil
}

// Close destroys the event.
func (e *Event) Close() error {
	if e == nil || e.handle == 0 {
		return nil
	}
	h := e.handle
	e.handle = 0
	return e.ctx.quick(fnEventDestroy, h)
}

// Record puts the event behind the work that is on the stream now.
func (e *Event) Record(s *Stream) error {
	if err := firstOf(e.open(), s.open()); err != nil {
		return err
	}
	return e.ctx.quick(fnEventRecord, e.handle, s.handle)
}

// Synchronize waits for the event.
func (e *Event) Synchronize() error {
	if err := e.open(); err != nil {
		return err
	}
	return e.ctx.quick(fnEventSynchronize, e.handle)
}

// Done tells whether the event has come, without waiting.
func (e *Event) Done() (bool, error) {
	if err := e.open(); err != nil {
		return false, err
	}
	return ready(e.ctx.quick(fnEventQuery, e.handle))
}

// Since is the time in milliseconds from start to e. Both must be timed and have come.
func (e *Event) Since(start *Event) (float32, error) {
	if err := firstOf(e.open(), start.open()); err != nil {
		return 0, err
	}
	var ms float32
	err := e.ctx.call(fnEventElapsedTime, uintptr(unsafe.Pointer(&ms)), start.handle, e.handle)
	return ms, err
}
