//go:build !unix

package cli

import "errors"

// replaceProcess is not to be had on this system.
func replaceProcess(string, []string) error { return errors.ErrUnsupported }
