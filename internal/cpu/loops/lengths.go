package loops

import "fmt"

// mustHold panics when a slice is shorter than the shape says: the assembly would read or
// write memory of others. It is a programmer's mistake in the package that calls.
func mustHold[T any](kernel, name string, s []T, n int) {
	if len(s) < n {
		panic(fmt.Sprintf("loops: %s: %s has %d elements, want %d", kernel, name, len(s), n))
	}
}

// extent is the number of elements from the first to the last of rows×cols, ld apart.
func extent(rows, cols, ld int) int {
	if rows == 0 || cols == 0 {
		return 0
	}
	return (rows-1)*ld + cols
}
