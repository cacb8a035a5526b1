package runfolder

import (
	"os"
	"slices"

	"github.com/pkg/errors"
)

// explain adds what was being done and, where it is known, the way out.
func explain(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case isAny(err, diskFull):
		return errors.Wrapf(err, "%s: the disk is full; what was there before is whole: free some space and resume", doing)
	case errors.Is(err, os.ErrPermission), isAny(err, readOnly):
		return errors.Wrapf(err, "%s: the folder cannot be written to; choose another one", doing)
	}
	return errors.Wrap(err, doing)
}

// isAny reports whether err is one of targets.
func isAny(err error, targets []error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}
