// Package cuda calls NVIDIA's driver, cuBLAS and cuDNN without cgo: one program runs on
// machines with a GPU and without one. The libraries are found and loaded at run time.
//
// # Where libraries are looked for
//
// libcuda.so.1, libcublas (so.13, so.12, so.11) and libcudnn.so.9, which is optional, in this
// order, the first that can be loaded:
//
//  1. the folders in the environment variable MEDUSA_CUDA_LIBRARY_PATH
//  2. by name, through the system's loader (LD_LIBRARY_PATH, ldconfig)
//  3. /usr/local/cuda*/lib64 and /usr/local/cuda*/targets/*/lib, /usr/lib/x86_64-linux-gnu
//     (aarch64-linux-gnu), /usr/local/nvidia/lib64, /usr/lib64, /usr/lib/wsl/lib
//  4. site-packages/nvidia/*/lib of the Python in VIRTUAL_ENV, in CONDA_PREFIX, or first on
//     PATH
//
// A library that is missing is a *LibraryError with every place and what came of it; a failed
// call is an *Error with the driver's name and number for it; no room on the device is a
// *MemoryError; a function that an old driver lacks is a *SymbolError when it is needed.
// Nothing panics.
//
// # Threads
//
// CUDA keeps the current context by thread, and goroutines change threads. So each call locks
// its goroutine to the thread and makes its context current there, which is a store where it
// is current already. Any goroutine may call; one object is used by one goroutine at a time.
// Captures are of CUDA's relaxed mode, the only one that may end on another thread.
//
// # Builds
//
// Linux on amd64 and arm64, with and without cgo. Elsewhere, and with the build tag nocuda,
// the package builds and Open says that CUDA is supported on Linux. Without cgo too, a Linux
// program that imports this package is linked to libc (libdl, libpthread); with the tag
// nocuda it is static again.
package cuda
