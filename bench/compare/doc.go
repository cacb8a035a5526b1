// Command compare runs this module and PyTorch on the same machine, in turns, and prints
// how many times as fast the one is as the other.
//
//	go run ./bench/compare                        everything: 15 to 25 minutes
//	go run ./bench/compare -only train/mlp        one part of it
//	go run ./bench/compare -python ~/venv/bin/python
//	go run ./bench/compare -python none           without PyTorch
//
// On a GPU, beside a PyTorch with CUDA, where other workloads are compared (-list shows them):
//
//	go run ./bench/compare -device cuda           or cuda:N
//	go run ./bench/compare -device cuda -tf32     products rounded to TF32, on both sides
//	go run ./bench/compare -device cuda -only train -repeat 2
//	go run ./bench/compare -device cuda -compile 0    torch.compile is not tried, which is much quicker
//
// A machine with a GPU needs neither Go nor a network: the program is one file, with the Python
// side in it.
//
//	CGO_ENABLED=0 go build -o compare ./bench/compare
//	scp compare gpu-machine: && ssh gpu-machine ./compare -device cuda -out .
//
// Every measurement is a process of its own: this program again, with the argument
// measure, or Python with torch_bench.py. docs/performance.md tells the method.
package main
