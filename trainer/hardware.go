package trainer

import (
	"fmt"

	"medusa/internal/cpu/loops"
	"medusa/machine"
)

// CheckDevice says in short why the device of that name, as in Config.Device, is not to be
// had; of auto whether there is a GPU. It is nil where New can take the device as far as is
// seen without making anything on it.
func CheckDevice(name string) error { return machine.Check(name) }

// CPU names the threads and instructions that the CPU's kernels use, such as "16 threads,
// AVX-512".
func CPU() string {
	instructions, _ := loops.Instructions()
	switch instructions {
	case "avx512":
		instructions = "AVX-512"
	case "avx2":
		instructions = "AVX2"
	case "generic":
		instructions = "portable code"
	}
	if n := loops.Threads(); n != 1 {
		return fmt.Sprintf("%d threads, %s", n, instructions)
	}
	return "1 thread, " + instructions
}
