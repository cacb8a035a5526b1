//go:build linux || darwin || freebsd

package diskroom

import "golang.org/x/sys/unix"

func free(dir string) (int64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, false
	}
	n := float64(s.Bavail) * float64(s.Bsize) // below zero on FreeBSD where only root has room
	return int64(max(0, min(n, most))), true
}

const most = 1 << 62
