package spec

import "medusa/internal/device"

// Keep copies N elements into memory of its own, Into, where they stay until the next
// run: a value read out of a graph. Its output, one element, says nothing.
type Keep struct {
	N    int
	Into *device.Memory // set by the kernel at its first run
}

func (s Keep) String() string { return "Keep" }
