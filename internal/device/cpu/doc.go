// Package cpu holds the numerical kernels of the CPU device: plain functions over
// slices of float32 or float64 in row-major order. It imports neither Gorgonia nor
// tensor; package graph wraps the kernels in ops, and package metrics uses the matrix
// product directly.
//
// Every kernel's result is the same for every number of threads: work is cut into
// pieces that do not depend on it.
package cpu
