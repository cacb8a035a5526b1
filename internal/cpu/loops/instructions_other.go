//go:build !amd64 && !arm64

package loops

import "runtime"

var instructionSets = []instructionSet{generic}

func pause() { runtime.Gosched() }
