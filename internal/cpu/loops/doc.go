// Package cpu holds the numerical kernels of the CPU device: plain functions over
// slices of float32 or float64 in row-major order. It imports neither Gorgonia nor
// tensor; package graph wraps the kernels in ops, and package metrics uses the matrix
// product directly.
//
// Every kernel's result is the same for every number of threads: work is cut into
// pieces that do not depend on it. In the steady state no kernel allocates memory.
//
// # Instruction sets
//
// On amd64 the inner loops are assembly for AVX-512 or AVX2 with fused multiply-add,
// chosen when the program starts by what processor and system support; on arm64 they are
// assembly for NEON; elsewhere, and with MEDUSA_CPU=generic in the environment, they are
// Go. MEDUSA_CPU=avx2, =avx512 and =neon ask for one by name. The assembly is written by
// the program in folder avo, a module of its own; `go generate` runs it. Each assembly
// function has a Go loop that defines it. The kernels of NEON are those of AVX2, which
// the program translates: their results are the same bits.
//
// # Products
//
// A matrix product is cut into blocks that stay in the caches and packed into panels, and
// each tile of the result (12×32 numbers with AVX-512) stays in registers over a whole
// block. Convolutions are products whose second matrix is packed straight from the
// pictures (forward, gradient to the input) or read in place (gradient to the weights):
// see convWindow. Windows of 3×3 at stride 1 go by Winograd's algorithm (convTiles) where
// there is assembly for its transforms, and planes of few pixels leave out the taps that
// see padding alone (convPlaces).
package loops
