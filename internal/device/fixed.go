package device

import (
	"sync"
	"sync/atomic"
)

// Fixed holds what kernels have made of numbers that nobody changes any more, such as a matrix in the order in which
// products read it. Kernels of many goroutines share it.
type Fixed struct {
	numbers []float32
	mu      sync.Mutex
	forms   map[any]any
}

// Form returns the form of that key, which the first call for the key makes.
func (f *Fixed) Form(key any, build func() any) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	form := f.forms[key]
	if form == nil {
		if f.forms == nil {
			f.forms = map[any]any{}
		}
		form = build()
		f.forms[key] = form
	}
	return form
}

// fixed has the tensors that are fixed, by their first number.
var fixed struct {
	mu      sync.RWMutex
	tensors map[*float32]*Fixed
	changes atomic.Int64 // of tensors
}

// Fix tells that nobody changes the tensors until release is called, which lets go of all that was made of them. It is for those
// who alone can reach the tensors: what writes to them meanwhile may not be seen.
func Fix(tensors ...[]float32) (release func()) {
	fixed.mu.Lock()
	defer fixed.mu.Unlock()
	defer fixed.changes.Add(1)
	if fixed.tensors == nil {
		fixed.tensors = map[*float32]*Fixed{}
	}
	var mine []*float32
	for _, t := range tensors {
		if len(t) > 0 && fixed.tensors[&t[0]] == nil {
			fixed.tensors[&t[0]] = &Fixed{numbers: t}
			mine = append(mine, &t[0])
		}
	}
	return sync.OnceFunc(func() {
		fixed.mu.Lock()
		defer fixed.mu.Unlock()
		defer fixed.changes.Add(1)
		for _, first := range mine {
			delete(fixed.tensors, first)
		}
	})
}

// FixedLookup finds the Fixed of a tensor that is asked for again and again. The zero value is ready.
type FixedLookup struct {
	changes int64 // of tensors, at the last lookup; 0 before the first
	first   *float32
	found   *Fixed
}

// Of returns the Fixed of a tensor, nil where its numbers may change.
func (l *FixedLookup) Of(t []float32) *Fixed {
	if len(t) == 0 {
		return nil
	}
	changes := fixed.changes.Load()
	if l.first == &t[0] && l.changes == changes {
		return l.found
	}
	fixed.mu.RLock()
	defer fixed.mu.RUnlock()
	l.changes, l.first, l.found = changes, &t[0], fixed.tensors[&t[0]]
	if l.found != nil && len(l.found.numbers) != len(t) {
		l.found = nil
	}
	return l.found
}
