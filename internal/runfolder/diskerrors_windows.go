package runfolder

import "golang.org/x/sys/windows"

// What the system says of a full disk, and of one that is not to be written to.
var (
	diskFull = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED}
	readOnly = []error{windows.ERROR_WRITE_PROTECT}
)
