// Package cudatest is a CUDA device for tests on machines without a GPU: fake libraries
// (libcuda, libcublas, libcudnn; C sources in testdata) that a C compiler makes when a test
// first asks for them. Where there is none, the test is skipped.
//
// What the fake does as the real one does
//   - Memory of the device is PROT_NONE for the program: a host access is a SIGSEGV. Between
//     allocations lie pages that nobody may touch, and bytes behind an allocation are checked
//     when it is freed. New memory is not zero.
//   - Streams are lazy: work is done when something waits for it. A result that is read from
//     pinned memory without a wait is the old one. One stream does not wait for another but by
//     an event, and the one that was used last is at work first.
//   - A call on a thread without a current context fails, and so does everything after an
//     error of a kernel.
//   - A launch copies its arguments at once, by the sizes that the PTX states; a captured
//     stream records, a graph replays.
//   - cuBLAS and cuDNN compute with plain loops; TF32 rounds.
//
// What it does not do: translate PTX. A launch is written into the log and computes nothing,
// unless HostLibrary (or the environment variable MEDUSA_FAKE_CUDA_HOST) names a library of
// kernels that were compiled for the host, with
//
//	int medusa_host_launch(const char *name, unsigned gx, unsigned gy, unsigned gz,
//	                       unsigned bx, unsigned by, unsigned bz, unsigned shared, void **params);
//	void *(*medusa_host_memory)(void *addr);
//	void (*medusa_host_open)(int open); // may be missing
//
// params is as for cuLaunchKernel, with a null pointer behind the last. The fake sets the
// variables: the first tells where a kernel finds what lies at an address of the device. A kernel
// that reads addresses from the device's memory needs them to be open while it runs. The function returns 0, or anything else for a failed launch. Two streams are never at work at the same time.
package cudatest
