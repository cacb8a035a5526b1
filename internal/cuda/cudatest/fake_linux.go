//go:build linux && (amd64 || arm64) && !nocuda

package cudatest

import (
	"embed"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"

	"medusa/internal/cuda"
	"medusa/internal/cuda/cudatest/native"
)

//go:embed testdata/*.c testdata/*.h
var sources embed.FS

// compiler is the command line that makes the fakes; a change makes them anew.
var compiler = []string{"-std=gnu11", "-Wall", "-Wextra", "-O2", "-g", "-shared", "-fPIC", "-pthread"}

var libraries = []struct{ soname, source string }{
	{"libcuda.so.1", "cuda.c"}, {"libcublas.so.12", "cublas.c"}, {"libcudnn.so.9", "cudnn.c"},
}

// Folder is where the fake libraries are. They are made once and kept in the user's cache.
var Folder = sync.OnceValues(func() (string, error) {
	files := map[string][]byte{}
	entries, err := sources.ReadDir("testdata")
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if files[e.Name()], err = sources.ReadFile("testdata/" + e.Name()); err != nil {
			return "", err
		}
	}
	var commands [][]string
	for i, l := range libraries {
		args := append(slices.Clone(compiler), "-Wl,-soname,"+l.soname, "-o", l.soname, l.source)
		if i > 0 { // those on top find the driver by its name, which is loaded first
			args = append(args, "-L.", "-l:"+libraries[0].soname)
		} else {
			args = append(args, "-ldl")
		}
		commands = append(commands, args)
	}
	return native.Build("medusa-fakecuda", []string{"gcc", "clang", "cc"}, files, commands)
})

// Fake steers the fake device.
type Fake struct {
	handle uintptr
	tb     testing.TB
}

// Open is a driver over the fake device in its first state, and what steers it. It sets
// cuda.PathVariable for the test. When the test ends, what it left allocated on the device
// fails it.
func Open(tb testing.TB) (*cuda.Driver, *Fake) {
	tb.Helper()
	f := Prepare(tb)
	before := f.Left()
	d, err := cuda.Open()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		f.call("fake_reset") // after an error of a kernel nothing can be freed
		if left := f.Left(); left != before {
			tb.Errorf("left on the fake device: %+v, before the test %+v", left, before)
			f.Forget()
		}
	})
	return d, f
}

// Prepare is Open before a driver is opened.
func Prepare(tb testing.TB) *Fake {
	tb.Helper()
	folder, err := Folder()
	if errors.Is(err, native.ErrNoCompiler) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Setenv(cuda.PathVariable, folder)
	handle, err := purego.Dlopen(filepath.Join(folder, libraries[0].soname), purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		tb.Fatal(err)
	}
	f := &Fake{handle, tb}
	f.call("fake_reset")
	return f
}

//go:uintptrescapes
func (f *Fake) call(name string, args ...uintptr) uintptr {
	f.tb.Helper()
	fn, err := purego.Dlsym(f.handle, name)
	if err != nil {
		f.tb.Fatal(err)
	}
	r, _, _ := purego.SyscallN(fn, args...)
	return r
}

func cString(s string) []byte { return append([]byte(s), 0) }

// Set sets a figure of the device: devices, memory (bytes), version (of the driver), major,
// minor (of the capability), lazy (0: work is done at once), quiet (1: no log), slow
// (microseconds that cuCtxSetCurrent takes).
func (f *Fake) Set(key string, value int) {
	f.tb.Helper()
	k := cString(key)
	if int32(f.call("fake_set", uintptr(unsafe.Pointer(&k[0])), uintptr(value))) != 0 {
		f.tb.Fatalf("cudatest: no figure %q", key)
	}
}

// Inject lets the nth call of a function from now on fail with a code, once. The function
// "work" is any work of a stream when it is done: its error stays until the next Open.
func (f *Fake) Inject(function string, nth int, code cuda.Result) {
	f.tb.Helper()
	n := cString(function)
	if int32(f.call("fake_inject", uintptr(unsafe.Pointer(&n[0])), uintptr(nth), uintptr(code))) != 0 {
		f.tb.Fatal("cudatest: too many injected errors")
	}
}

// HostLibrary lets launches compute with kernels that were compiled for the host; an empty
// path ends that.
func (f *Fake) HostLibrary(path string) error {
	p := cString(path)
	if why := f.call("fake_host_library", uintptr(unsafe.Pointer(&p[0]))); why != 0 {
		return errors.New("cudatest: " + path + ": cannot be loaded as a library of kernels")
	}
	return nil
}

// Reset puts the device in its first state, but for what is allocated: settings, injected
// errors and those that stay are gone. cuInit counts as called.
func (f *Fake) Reset() {
	f.call("fake_reset")
	f.call("cuInit", 0)
}

// Forget frees all that is left, for the next test.
func (f *Fake) Forget() { f.call("fake_forget") }

// Log is a line for each call since the last Open or ClearLog that did something and did not
// only ask: the function and its arguments.
func (f *Fake) Log() []string {
	n := f.call("fake_log", 0, 0)
	if n == 0 {
		return nil
	}
	b := make([]byte, n)
	f.call("fake_log", uintptr(unsafe.Pointer(&b[0])), n)
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// ClearLog empties the log.
func (f *Fake) ClearLog() { f.call("fake_clear_log") }

// Left is what is still allocated.
type Left struct {
	Buffers, Pinned                         int
	Streams, Events, Modules, Graphs, Execs int
	Overruns                                int // allocations behind whose end was written, when freed
}

// Left counts what is still allocated.
func (f *Fake) Left() Left {
	count := func(kind int) int { return int(int32(f.call("fake_count", uintptr(kind)))) }
	return Left{
		Buffers: int(f.call("fake_blocks")), Pinned: int(f.call("fake_pinned")),
		Streams: count(0x5a02), Events: count(0x5a03), Modules: count(0x5a04), Graphs: count(0x5a06), Execs: count(0x5a07),
		Overruns: int(f.call("fake_corrupt")),
	}
}
