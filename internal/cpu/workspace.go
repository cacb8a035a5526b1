package cpu

import (
	"sync"

	"medusa/internal/cpu/loops"
)

// spareList holds the workspaces of convolutions that run nowhere just now. A machine runs
// one op at a time, so that all convolutions of a net share one workspace, and nets that
// run side by side have one each.
type spareList[T loops.Float] struct {
	mu   sync.Mutex
	free []*loops.Workspace[T]
}

var (
	spare32 spareList[float32]
	spare64 spareList[float64]
)

func spareWorkspaces[T loops.Float]() *spareList[T] {
	var list any = &spare32
	if _, double := any(T(0)).(float64); double {
		list = &spare64
	}
	return list.(*spareList[T])
}

// take is a workspace that nobody uses, the one given back last.
func (l *spareList[T]) take() *loops.Workspace[T] {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.free)
	if n == 0 {
		return new(loops.Workspace[T])
	}
	ws := l.free[n-1]
	l.free = l.free[:n-1]
	return ws
}

func (l *spareList[T]) giveBack(ws *loops.Workspace[T]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.free = append(l.free, ws)
}
