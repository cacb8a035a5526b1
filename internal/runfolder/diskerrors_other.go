//go:build !windows

package runfolder

import "syscall"

// What the system says of a full disk, and of one that is not to be written to.
var (
	diskFull = []error{syscall.ENOSPC, syscall.EDQUOT}
	readOnly = []error{syscall.EROFS}
)
