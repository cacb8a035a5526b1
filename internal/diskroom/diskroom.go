// Package diskroom tells, before a file is written, whether there is room for it: a disk that
// is full after an hour of work has cost that hour.
package diskroom

import (
	"github.com/pkg/errors"

	"medusa/internal/ram"
)

// Check returns an error if a file of n bytes does not fit into dir, an existing folder. It
// says how many are needed and how many are free. Where the system does not tell, nothing is
// refused.
func Check(dir string, n int64) error {
	if free, known := Free(dir); known && n > free {
		return errors.Errorf("needs %s of disk, and %s are free in %s", ram.Size(float64(n)), ram.Size(float64(free)), dir)
	}
	return nil
}

// Free is how many bytes this user can still write in dir; known is false where the system
// does not tell.
func Free(dir string) (n int64, known bool) { return free(dir) }
