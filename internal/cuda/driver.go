package cuda

import (
	"path/filepath"
	"strings"
	"sync"
	"unsafe"
)

// Functions of libcuda, by the names that it exports.
const (
	fnInit = iota
	fnDriverGetVersion
	fnGetErrorName
	fnGetErrorString
	fnDeviceGetCount
	fnDeviceGet
	fnDeviceGetName
	fnDeviceTotalMem
	fnDeviceGetAttribute
	fnPrimaryCtxRetain
	fnPrimaryCtxRelease
	fnCtxSetCurrent
	fnCtxSynchronize
	fnStreamCreate
	fnStreamDestroy
	fnStreamSynchronize
	fnStreamQuery
	fnStreamWaitEvent
	fnEventCreate
	fnEventDestroy
	fnEventRecord
	fnEventSynchronize
	fnEventQuery
	fnEventElapsedTime
	fnMemAlloc
	fnMemFree
	fnMemAllocHost
	fnMemFreeHost
	fnMemGetInfo
	fnMemcpyHtoD
	fnMemcpyDtoH
	fnMemcpyDtoD
	fnMemsetD8
	fnMemsetD32
	fnModuleLoad
	fnModuleUnload
	fnModuleGetFunction
	fnFuncGetAttribute
	fnFuncSetAttribute
	fnFuncGetParamInfo
	fnLaunchKernel
	fnStreamBeginCapture
	fnStreamEndCapture
	fnGraphGetNodes
	fnGraphInstantiate
	fnGraphInstantiateOld
	fnGraphUpload
	fnGraphLaunch
	fnGraphExecDestroy
	fnGraphDestroy
)

var driverFunctions = []string{
	fnInit:                "cuInit",
	fnDriverGetVersion:    "cuDriverGetVersion",
	fnGetErrorName:        "cuGetErrorName",
	fnGetErrorString:      "cuGetErrorString",
	fnDeviceGetCount:      "cuDeviceGetCount",
	fnDeviceGet:           "cuDeviceGet",
	fnDeviceGetName:       "cuDeviceGetName",
	fnDeviceTotalMem:      "cuDeviceTotalMem_v2",
	fnDeviceGetAttribute:  "cuDeviceGetAttribute",
	fnPrimaryCtxRetain:    "cuDevicePrimaryCtxRetain",
	fnPrimaryCtxRelease:   "cuDevicePrimaryCtxRelease_v2",
	fnCtxSetCurrent:       "cuCtxSetCurrent",
	fnCtxSynchronize:      "cuCtxSynchronize",
	fnStreamCreate:        "cuStreamCreate",
	fnStreamDestroy:       "cuStreamDestroy_v2",
	fnStreamSynchronize:   "cuStreamSynchronize",
	fnStreamQuery:         "cuStreamQuery",
	fnStreamWaitEvent:     "cuStreamWaitEvent",
	fnEventCreate:         "cuEventCreate",
	fnEventDestroy:        "cuEventDestroy_v2",
	fnEventRecord:         "cuEventRecord",
	fnEventSynchronize:    "cuEventSynchronize",
	fnEventQuery:          "cuEventQuery",
	fnEventElapsedTime:    "cuEventElapsedTime",
	fnMemAlloc:            "cuMemAlloc_v2",
	fnMemFree:             "cuMemFree_v2",
	fnMemAllocHost:        "cuMemAllocHost_v2",
	fnMemFreeHost:         "cuMemFreeHost",
	fnMemGetInfo:          "cuMemGetInfo_v2",
	fnMemcpyHtoD:          "cuMemcpyHtoDAsync_v2",
	fnMemcpyDtoH:          "cuMemcpyDtoHAsync_v2",
	fnMemcpyDtoD:          "cuMemcpyDtoDAsync_v2",
	fnMemsetD8:            "cuMemsetD8Async",
	fnMemsetD32:           "cuMemsetD32Async",
	fnModuleLoad:          "cuModuleLoadDataEx",
	fnModuleUnload:        "cuModuleUnload",
	fnModuleGetFunction:   "cuModuleGetFunction",
	fnFuncGetAttribute:    "cuFuncGetAttribute",
	fnFuncSetAttribute:    "cuFuncSetAttribute",
	fnFuncGetParamInfo:    "cuFuncGetParamInfo", // CUDA 12.4
	fnLaunchKernel:        "cuLaunchKernel",
	fnStreamBeginCapture:  "cuStreamBeginCapture_v2",
	fnStreamEndCapture:    "cuStreamEndCapture",
	fnGraphGetNodes:       "cuGraphGetNodes",
	fnGraphInstantiate:    "cuGraphInstantiateWithFlags", // CUDA 11.4
	fnGraphInstantiateOld: "cuGraphInstantiate_v2",
	fnGraphUpload:         "cuGraphUpload",
	fnGraphLaunch:         "cuGraphLaunch",
	fnGraphExecDestroy:    "cuGraphExecDestroy",
	fnGraphDestroy:        "cuGraphDestroy",
}

// Driver is the system's libcuda, initialised. It may be used by any goroutine.
type Driver struct {
	table  *table
	finder *finder
	v      int

	blas, dnn struct { // loaded when first asked for
		sync.Once
		table *table
		err   error
	}
}

// Open finds libcuda, loads and initialises it. It fails with a *LibraryError where there is
// none, and with an *Error where there is no GPU (errors.Is(err, NoDevice)) or the driver is
// not in order. A library stays loaded as long as the process lives.
func Open() (*Driver, error) { return open(systemFinder()) }

func open(f *finder) (*Driver, error) {
	d, err := load(f)
	if err != nil {
		return nil, err
	}
	if err := d.call(fnInit, 0); err != nil {
		return nil, err
	}
	return d, nil
}

// load is open without cuInit: the version is known also where there is no GPU.
func load(f *finder) (*Driver, error) {
	handle, path, err := f.find(driverLibrary)
	if err != nil {
		return nil, err
	}
	d := &Driver{table: newTable(handle, path, driverFunctions), finder: f}
	var v int32
	if err := d.call(fnDriverGetVersion, uintptr(unsafe.Pointer(&v))); err != nil {
		return nil, err
	}
	d.v = int(v)
	d.table.version = "CUDA " + cudaVersion(d.v)
	return d, nil
}

// Path is the file of libcuda.
func (d *Driver) Path() string { return d.table.path }

// Version is the newest CUDA that the driver serves, as 12040 for 12.4.
func (d *Driver) Version() int { return d.v }

// Release is the driver's own number, such as 550.54.15, or nothing if its file is not named
// after it.
func (d *Driver) Release() string {
	file := filepath.Base(d.table.path)
	if v, ok := libraryVersion(driverLibrary.base, file); !ok || len(v) < 2 {
		return ""
	}
	return strings.TrimPrefix(file, driverLibrary.base+".so.") // as it is written: 535.261.03
}

// call calls a function that needs no context.
//
//go:uintptrescapes
func (d *Driver) call(f int, args ...uintptr) error {
	if !d.table.has(f) {
		return d.table.missing(f)
	}
	if r := Result(d.table.call(f, args...)); r != Success {
		return d.failure(f, r)
	}
	return nil
}

// failure is the error of function f that returned r.
func (d *Driver) failure(f int, r Result) *Error {
	e := &Error{Call: d.table.names[f], Code: r, Name: "CUDA_ERROR"}
	var name, text uintptr
	if d.table.has(fnGetErrorName) && d.table.fill(fnGetErrorName, uintptr(r), uintptr(unsafe.Pointer(&name))) == 0 {
		e.Name = goString(name)
	}
	if d.table.has(fnGetErrorString) && d.table.fill(fnGetErrorString, uintptr(r), uintptr(unsafe.Pointer(&text))) == 0 {
		e.Text = goString(text)
	}
	return e
}
