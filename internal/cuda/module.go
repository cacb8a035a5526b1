package cuda

import (
	"errors"
	"runtime"
	"strings"
	"unsafe"
)

// Module is GPU code in a context.
type Module struct {
	ctx    *Context
	handle uintptr
}

// Options of the driver's compiler for PTX.
const (
	jitErrorLog      = 5
	jitErrorLogBytes = 6
)

// LoadPTX compiles PTX for the device. What the compiler says is in the error's Log.
func (c *Context) LoadPTX(ptx string) (*Module, error) {
	if strings.IndexByte(ptx, 0) >= 0 {
		return nil, wrong("PTX with a zero byte in it")
	}
	m := &Module{ctx: c}
	image, log := cString(ptx), make([]byte, 8192)
	options := [2]int32{jitErrorLog, jitErrorLogBytes}
	// The values stand in an array of void*: an address, and a number in place of one. The
	// driver writes the size of the log back.
	values := [2]uintptr{uintptr(unsafe.Pointer(&log[0])), uintptr(len(log))}
	var pin runtime.Pinner
	pin.Pin(&log[0])
	defer pin.Unpin()
	err := c.call(fnModuleLoad, uintptr(unsafe.Pointer(&m.handle)), uintptr(unsafe.Pointer(&image[0])),
		uintptr(len(options)), uintptr(unsafe.Pointer(&options[0])), uintptr(unsafe.Pointer(&values[0])))
	if err != nil {
		if e := (*Error)(nil); errors.As(err, &e) {
			e.Log = strings.TrimSpace(textOf(log))
		}
		return nil, err
	}
	return m, nil
}

// Close unloads the code.
func (m *Module) Close() error {
	if m == nil || m.handle == 0 {
		return nil
	}
	h := m.handle
	m.handle = 0
	return m.ctx.call(fnModuleUnload, h)
}

// FunctionAttribute is a CUfunction_attribute.
type FunctionAttribute int32

// Attributes of a function, with the driver's numbers.
const (
	FunctionMaxThreads   FunctionAttribute = 0 // of a block
	FunctionSharedBytes  FunctionAttribute = 1 // static
	FunctionLocalBytes   FunctionAttribute = 3 // of a thread: spilled registers
	FunctionRegisters    FunctionAttribute = 4 // of a thread
	FunctionPTXVersion   FunctionAttribute = 5
	FunctionBinary       FunctionAttribute = 6
	functionMaxDynShared FunctionAttribute = 8
)

// Function is a kernel.
type Function struct {
	ctx        *Context
	name       string
	handle     uintptr
	parameters []int // bytes of each, where the driver tells (since CUDA 12.4)
	known      bool
}

// Function finds a kernel by its name in the PTX.
func (m *Module) Function(name string) (*Function, error) {
	if m == nil || m.handle == 0 {
		return nil, errClosed("module")
	}
	f := &Function{ctx: m.ctx, name: name}
	n := cString(name)
	err := m.ctx.call(fnModuleGetFunction, uintptr(unsafe.Pointer(&f.handle)), m.handle, uintptr(unsafe.Pointer(&n[0])))
	if err != nil {
		if e := (*Error)(nil); errors.As(err, &e) {
			e.Log = "no kernel " + name + " in this module"
		}
		return nil, err
	}
	return f, f.learn()
}

// learn asks for the parameters, so that a launch with others is an error and not a crash.
func (f *Function) learn() error {
	if !f.ctx.driver.table.has(fnFuncGetParamInfo) {
		return nil
	}
	for i := 0; i <= maxArgs; i++ {
		var offset, size uint64
		err := f.ctx.call(fnFuncGetParamInfo, f.handle, uintptr(i), uintptr(unsafe.Pointer(&offset)), uintptr(unsafe.Pointer(&size)))
		if errors.Is(err, InvalidValue) {
			f.known = true
			return nil // i is one more than the last
		}
		if err != nil {
			return err
		}
		f.parameters = append(f.parameters, int(size))
	}
	return wrong("kernel %s has more than %d parameters", f.name, maxArgs)
}

// Name is the kernel's name.
func (f *Function) Name() string { return f.name }

// Attribute is one figure of the kernel.
func (f *Function) Attribute(a FunctionAttribute) (int, error) {
	var n int32
	err := f.ctx.call(fnFuncGetAttribute, uintptr(unsafe.Pointer(&n)), uintptr(a), f.handle)
	return int(n), err
}

// AllowShared lets launches ask for up to bytes of dynamic shared memory, which is needed
// above 48 KB; the device's MaxSharedPerBlockOptin is the bound.
func (f *Function) AllowShared(bytes int) error {
	return f.ctx.call(fnFuncSetAttribute, f.handle, uintptr(functionMaxDynShared), uintptr(bytes))
}
