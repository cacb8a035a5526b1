// Package gpu is the device of one NVIDIA GPU: it makes kernels of package spec's specs
// that work on the GPU's memory. The code of its own kernels is in package kernels; products
// of matrices go to cuBLAS and convolutions to cuDNN where they are there.
//
// All work of a Device is put on one stream, in the order of the calls, but for the copies of
// a Feed, which have a stream of their own; nothing waits but Download, Check, a Solver's
// Result, and an Upload or Put whose pinned memory is still in use. A spec without a kernel here is
// refused by Kernel: package graph then computes it on the host. Numbers are float32 alone.
//
// Equal work gives equal bits, unless Options.AnyOrder allows otherwise: every sum has one
// order, and atomics add whole numbers alone.
package gpu
