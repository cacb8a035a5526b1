//go:build unix

package cli

import (
	"os"
	"syscall"
)

// replaceProcess makes this process the program at path. It returns only if that fails.
func replaceProcess(path string, args []string) error {
	return syscall.Exec(path, append([]string{path}, args...), os.Environ())
}
