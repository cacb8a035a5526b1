// Command compare runs this module and PyTorch on the same machine, in turns, and prints
// how many times as fast the one is as the other.
//
//	go run ./bench/compare                        everything: 15 to 25 minutes
//	go run ./bench/compare -only train/mlp        one part of it
//	go run ./bench/compare -python ~/venv/bin/python
//	go run ./bench/compare -python none           without PyTorch
//
// Every measurement is a process of its own: this program again, with the argument
// measure, or Python with torch_bench.py. docs/performance.md tells the method.
package main
