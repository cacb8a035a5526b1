//go:build !unix

package main

// cpuSeconds is the processor time that this process has taken, 0 if unknown.
func cpuSeconds() float64 { return 0 }
