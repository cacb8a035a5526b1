//go:build linux && (amd64 || arm64) && !nocuda

package cuda

import (
	"os"
	"sync"

	"github.com/ebitengine/purego"
)

const supported = true

// dlopen loads a shared library by its path or by the name that the system's loader knows.
// Its symbols are global: NVIDIA's libraries look for each other.
func dlopen(path string) (uintptr, error) {
	return purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
}

// dlsym is the address of a symbol, or 0.
func dlsym(handle uintptr, name string) uintptr {
	a, err := purego.Dlsym(handle, name)
	if err != nil {
		return 0
	}
	return a
}

// argumentLists are kept because purego lets its arguments escape: without them each call
// would allocate.
var argumentLists = sync.Pool{New: func() any { return new([20]uintptr) }}

// invoke calls a C function of at most 20 whole numbers and pointers. The caller keeps alive
// what args points to; a C int is in the lower half of the result.
func invoke(fn uintptr, args ...uintptr) uintptr {
	list := argumentLists.Get().(*[20]uintptr)
	n := copy(list[:], args)
	r, _, _ := purego.SyscallN(fn, list[:n]...)
	argumentLists.Put(list)
	return r
}

// memoryMap is the text that says which file is mapped where.
func memoryMap() string {
	raw, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return "" // the path in a report falls back on the name
	}
	return string(raw)
}
