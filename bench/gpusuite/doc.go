// Command gpusuite makes one file of all tests that run on a GPU, to be carried to a machine
// that has one and needs neither Go nor a network nor this repository:
//
//	go run ./bench/gpusuite -o gpu-suite
//
// There it runs them: the driver's calls, every kernel against the CPU's, every op and its
// gradient, random graphs, solvers, whole networks over 50 steps, runs that change the device.
//
//	./gpu-suite
//	./gpu-suite -v -only trainer -run Networks
//	./gpu-suite -sanitize memcheck        under NVIDIA's compute-sanitizer; also racecheck, initcheck, synccheck
package main
