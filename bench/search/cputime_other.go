//go:build !unix

package main

import "time"

var began = time.Now()

// cpuTime is the time that has passed: the process's own is not asked for here.
func cpuTime() time.Duration { return time.Since(began) }
