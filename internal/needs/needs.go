// Package needs has errors for arguments that are nil though nothing can be done without them.
package needs

import (
	"context"

	"github.com/pkg/errors"
)

// Context returns an error of the package pkg for a context that is nil, whose methods would
// panic.
func Context(pkg string, ctx context.Context) error {
	if ctx != nil {
		return nil
	}
	return errors.Errorf("%s: the context is nil; context.Background() is one that never ends", pkg)
}
