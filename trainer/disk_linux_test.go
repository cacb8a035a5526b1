package trainer

import (
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// mountDisk puts a small disk at dir, and returns how its size, in KiB, is changed.
func mountDisk(t *testing.T, dir string) func(kib int) {
	t.Helper()
	size := func(kib int) string { return "size=" + strconv.Itoa(kib) + "k" }
	if err := syscall.Mount("none", dir, "tmpfs", 0, size(16<<10)); err != nil {
		t.Skipf("a small disk cannot be made, which takes the rights of root: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return func(kib int) {
		require.NoError(t, syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT, size(kib)))
	}
}
