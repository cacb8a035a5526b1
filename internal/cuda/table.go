package cuda

import (
	"strconv"
	"strings"
	"sync/atomic"
	"unsafe"
)

// table holds the functions of one library. A function that is missing is an error when it
// is called, not before: an old driver serves until something is asked that it cannot do.
type table struct {
	path    string
	version string
	names   []string
	addr    []uintptr
}

func newTable(handle uintptr, path string, names []string) *table {
	t := &table{path: path, names: names, addr: make([]uintptr, len(names))}
	first := uintptr(0)
	for i, n := range names {
		t.addr[i] = dlsym(handle, n)
		if first == 0 {
			first = t.addr[i]
		}
	}
	if real := mappedFile(memoryMap(), first); real != "" {
		t.path = real // the loader may have been given a mere name
	}
	return t
}

func (t *table) has(f int) bool { return t.addr[f] != 0 }

// missing is the error for a function that the library lacks.
func (t *table) missing(f int) error {
	return &SymbolError{Symbol: t.names[f], Library: t.path, Version: t.version}
}

// call calls function f, which must be there, and returns the C int that it returned. What
// args points to must be kept alive, and where it is, by the caller: this function leaves the
// list of arguments on the stack.
func (t *table) call(f int, args ...uintptr) int32 {
	return int32(uint32(invoke(t.addr[f], args...)))
}

// fill is call for arguments that are converted from pointers in the call itself: they stay
// on the heap meanwhile.
//
//go:uintptrescapes
func (t *table) fill(f int, args ...uintptr) int32 { return t.call(f, args...) }

// text calls a function that returns a C string of static storage.
func (t *table) text(f int, args ...uintptr) string {
	if !t.has(f) {
		return ""
	}
	return goString(invoke(t.addr[f], args...))
}

// heap is the address of something that the garbage collector must not move: p leaves the
// stack for it. The caller keeps it alive (runtime.KeepAlive) until the call is over.
func heap[T any](p *T) uintptr {
	if p == nil {
		return 0
	}
	if unreachable {
		escaped.Store((*byte)(unsafe.Pointer(p)))
	}
	return uintptr(unsafe.Pointer(p))
}

// The compiler does not know that unreachable stays false.
var (
	unreachable bool
	escaped     atomic.Pointer[byte]
)

// pointer makes a pointer of an address that C gave out; the memory is not Go's.
func pointer(addr uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&addr)) }

// goString copies a C string, at most a page of it.
func goString(addr uintptr) string {
	if addr == 0 {
		return ""
	}
	const longest = 4096
	p := (*byte)(pointer(addr))
	n := 0
	for n < longest && *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return strings.Clone(unsafe.String(p, n))
}

// cString is a copy of s that ends with a zero byte. The caller keeps it alive.
func cString(s string) []byte {
	b := make([]byte, len(s)+1)
	copy(b, s)
	return b
}

func textOf(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}

// mappedFile is the file that a line of /proc/self/maps has at addr, or nothing.
func mappedFile(maps string, addr uintptr) string {
	if addr == 0 {
		return ""
	}
	for line := range strings.Lines(maps) {
		span, rest, ok := strings.Cut(line, " ")
		from, to, ok2 := strings.Cut(span, "-")
		if !ok || !ok2 {
			continue
		}
		lo, err := strconv.ParseUint(from, 16, 64)
		hi, err2 := strconv.ParseUint(to, 16, 64)
		if err != nil || err2 != nil || uint64(addr) < lo || uint64(addr) >= hi {
			continue
		}
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			return strings.TrimRight(rest[i:], "\n")
		}
		return ""
	}
	return ""
}
