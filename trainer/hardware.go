package trainer

import (
	"fmt"

	"medusa/internal/cpu/loops"
	"medusa/machine"
)

// CheckDevice returns an error that says in short why New could not use the device of that name
// (Config.Device), as far as that is seen without making anything on it. For auto, it says why there is
// no GPU.
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
	case "neon":
		instructions = "NEON"
	case "generic":
		instructions = "portable code"
	}
	if n := loops.Threads(); n != 1 {
		return fmt.Sprintf("%d threads, %s", n, instructions)
	}
	return "1 thread, " + instructions
}
