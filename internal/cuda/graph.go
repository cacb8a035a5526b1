package cuda

import (
	"unsafe"
)

// captureRelaxed lets any thread end a capture and calls that are not captured go on beside
// it: a goroutine may change its thread between two calls.
const captureRelaxed = 2

// Capture starts to record what is put on the stream instead of doing it.
func (s *Stream) Capture() error {
	if err := s.open(); err != nil {
		return err
	}
	if s.capturing {
		return wrong("this stream is being captured already")
	}
	if err := s.ctx.quick(fnStreamBeginCapture, s.handle, captureRelaxed); err != nil {
		return err
	}
	s.capturing = true
	return nil
}

// Graph is recorded work, launched as a whole: one call in place of hundreds. Buffers, pinned
// memory and workspaces that it uses must stay where they are as long as it lives; the values
// of kernels' arguments are those of the capture.
type Graph struct {
	ctx   *Context
	exec  uintptr
	nodes int
}

// EndCapture ends the recording and makes it ready to launch. After an error the stream is
// not captured any more.
func (s *Stream) EndCapture() (*Graph, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	if !s.capturing {
		return nil, wrong("this stream is not being captured")
	}
	s.capturing = false
	var recorded uintptr
	if err := s.ctx.call(fnStreamEndCapture, s.handle, uintptr(unsafe.Pointer(&recorded))); err != nil {
		return nil, err
	}
	g := &Graph{ctx: s.ctx}
	var nodes uint64
	err := s.ctx.call(fnGraphGetNodes, recorded, 0, uintptr(unsafe.Pointer(&nodes)))
	if err == nil {
		g.nodes = int(nodes)
		err = g.instantiate(recorded)
	}
	if e := s.ctx.quick(fnGraphDestroy, recorded); err == nil && e != nil {
		_ = g.Close() // the first error counts
		err = e
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Graph) instantiate(recorded uintptr) error {
	if g.ctx.driver.table.has(fnGraphInstantiate) {
		return g.ctx.call(fnGraphInstantiate, uintptr(unsafe.Pointer(&g.exec)), recorded, 0)
	}
	return g.ctx.call(fnGraphInstantiateOld, uintptr(unsafe.Pointer(&g.exec)), recorded, 0, 0, 0)
}

// Nodes is how many pieces of work the graph holds.
func (g *Graph) Nodes() int { return g.nodes }

func (g *Graph) ready(s *Stream) error {
	if g == nil || g.exec == 0 {
		return errClosed("graph")
	}
	return s.open()
}

// Upload brings the graph to the device, so that the first launch is as fast as later ones.
func (g *Graph) Upload(s *Stream) error {
	if err := g.ready(s); err != nil {
		return err
	}
	return g.ctx.quick(fnGraphUpload, g.exec, s.handle)
}

// Launch puts all of the graph on the stream.
func (g *Graph) Launch(s *Stream) error {
	if err := g.ready(s); err != nil {
		return err
	}
	return g.ctx.quick(fnGraphLaunch, g.exec, s.handle)
}

// Close destroys the graph, once a launch of it is done.
func (g *Graph) Close() error {
	if g == nil || g.exec == 0 {
		return nil
	}
	h := g.exec
	g.exec = 0
	return g.ctx.quick(fnGraphExecDestroy, h)
}
