//go:build !unix

package cputime

import "time"

var began = time.Now()

// Now is the time that has passed: the process's own is not asked for here.
func Now() time.Duration { return time.Since(began) }
