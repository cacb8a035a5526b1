// Package gpu is the device of one NVIDIA GPU: it makes kernels of package device's specs
// that work on the GPU's memory. The code of its own kernels is in package kernels; large
// products of matrices go to cuBLAS where there is one.
//
// All work of a Device is put on one stream, in the order of the calls; nothing waits but
// Upload, Download and Check. A spec without a kernel here is refused by Kernel: package
// graph then computes it on the host. Numbers are float32 alone.
//
// Equal work gives equal bits: every sum has one order, and there are no atomics.
package gpu
