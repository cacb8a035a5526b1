// Package cputime tells what a process has computed, for benchmarks on machines that do other work too.
package cputime
