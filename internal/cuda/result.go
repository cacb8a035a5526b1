package cuda

import (
	"fmt"

	"github.com/pkg/errors"
)

// Result is a CUresult of the driver. Others than these exist; all have a name in an Error.
type Result int32

// Results that a caller may want to tell apart, with the driver's numbers.
const (
	Success                Result = 0
	InvalidValue           Result = 1
	OutOfMemory            Result = 2
	NotInitialized         Result = 3
	StubLibrary            Result = 34
	NoDevice               Result = 100
	InvalidDevice          Result = 101
	InvalidImage           Result = 200
	InvalidContext         Result = 201
	NoBinaryForGPU         Result = 209
	InvalidPTX             Result = 218
	JITCompilerNotFound    Result = 221
	UnsupportedPTXVersion  Result = 222
	InvalidHandle          Result = 400
	NotFound               Result = 500
	NotReady               Result = 600
	IllegalAddress         Result = 700
	LaunchOutOfResources   Result = 701
	LaunchFailed           Result = 719
	SystemNotReady         Result = 802
	SystemDriverMismatch   Result = 803
	StreamCaptureInvalid   Result = 901
	StreamCaptureUnjoined  Result = 904
	StreamCaptureIsolation Result = 905
	Unknown                Result = 999
)

// advice is what to do about a result, or nothing where that is not known.
func (r Result) advice() string {
	switch r {
	case NoDevice:
		return "no GPU is visible: see what nvidia-smi says, look at CUDA_VISIBLE_DEVICES, and start a container with --gpus all"
	case StubLibrary:
		return "this libcuda is the toolkit's stub for linking: install the driver (NVIDIA's package cuda-drivers, or nvidia-driver of the distribution)"
	case NoBinaryForGPU, UnsupportedPTXVersion:
		return "the driver is too old for this GPU code: install a newer driver"
	case JITCompilerNotFound:
		return "the driver's compiler for PTX is missing: install libnvidia-ptxjitcompiler1 of the driver's version"
	case SystemNotReady:
		return "the GPUs are not ready yet: start nvidia-fabricmanager (NVSwitch machines), or wait"
	case SystemDriverMismatch:
		return "the driver's library and kernel module have two versions: reboot, or install the same version in the container"
	case IllegalAddress, LaunchFailed:
		return "a kernel broke: this process cannot use the GPU any more; compute-sanitizer names the kernel and the address"
	case Unknown:
		return "is the kernel module loaded? try modprobe nvidia_uvm"
	}
	return ""
}

// Error is a call of the driver that failed.
type Error struct {
	Call string // such as cuInit
	Code Result
	Name string // such as CUDA_ERROR_NO_DEVICE, from the driver
	Text string // the driver's sentence
	Log  string // of the compiler that translates PTX, where it took part
}

func (e *Error) Error() string {
	s := fmt.Sprintf("cuda: %s: %s (%d)", e.Call, e.Name, e.Code)
	if e.Text != "" {
		s += ": " + e.Text
	}
	if e.Log != "" {
		s += "\n" + e.Log
	}
	if a := e.Code.advice(); a != "" {
		s += "; " + a
	}
	return s
}

// Is makes errors.Is(err, cuda.OutOfMemory) work: a Result is an error as well.
func (e *Error) Is(target error) bool {
	r, ok := target.(Result)
	return ok && r == e.Code
}

// Error makes a Result a target for errors.Is.
func (r Result) Error() string { return fmt.Sprintf("CUDA result %d", int32(r)) }

// MemoryError is an allocation for which the device has no room. It wraps the driver's Error.
type MemoryError struct {
	Device    string
	Requested int64 // bytes
	Free      int64 // bytes on the device now; -1 if the driver did not say
	Total     int64 // bytes
	Cause     error
}

func (e *MemoryError) Error() string {
	free := "an unknown amount"
	if e.Free >= 0 {
		free = megabytes(e.Free)
	}
	return fmt.Sprintf("cuda: %s asked for on %s, which has %s free of %s: "+
		"make the batch, the pictures or the network smaller, or end other programs on this GPU (nvidia-smi lists them)",
		megabytes(e.Requested), e.Device, free, megabytes(e.Total))
}

// Unwrap is the driver's error.
func (e *MemoryError) Unwrap() error { return e.Cause }

func megabytes(n int64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}

// SymbolError is a function that a library does not have.
type SymbolError struct {
	Symbol  string // such as cuGraphLaunch
	Library string // path
	Version string // of the library; empty if unknown
}

func (e *SymbolError) Error() string {
	v := e.Version
	if v == "" {
		v = "an unknown version"
	}
	return fmt.Sprintf("cuda: %s (%s) has no function %s: install a newer driver or library", e.Library, v, e.Symbol)
}

// StatusError is a call of cuBLAS or cuDNN that failed.
type StatusError struct {
	Call string // such as cublasSgemm_v2
	Code int32
	Name string // such as CUBLAS_STATUS_INVALID_VALUE
}

func (e *StatusError) Error() string { return fmt.Sprintf("cuda: %s: %s (%d)", e.Call, e.Name, e.Code) }

// errClosed is what a method of something closed, or never opened, returns.
func errClosed(what string) error { return errors.Errorf("cuda: this %s is closed", what) }

// wrong is an argument that cannot be right, found before the library sees it.
func wrong(format string, args ...any) error { return errors.Errorf("cuda: "+format, args...) }
