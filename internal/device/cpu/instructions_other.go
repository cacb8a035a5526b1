//go:build !amd64

package cpu

import "runtime"

var instructionSets = []instructionSet{generic}

func pause() { runtime.Gosched() }
