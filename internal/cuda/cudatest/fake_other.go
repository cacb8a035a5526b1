//go:build !linux || !(amd64 || arm64) || nocuda

package cudatest

import (
	"testing"

	"github.com/pkg/errors"

	"medusa/internal/cuda"
)

const why = "the fake CUDA libraries are for Linux, amd64 and arm64"

// Fake steers the fake device.
type Fake struct{}

// Left is what is still allocated.
type Left struct{}

// Folder is where the fake libraries are.
func Folder() (string, error) { return "", errors.New(why) }

// Open skips the test.
func Open(tb testing.TB) (*cuda.Driver, *Fake) { tb.Skip(why); return nil, nil }

// Prepare skips the test.
func Prepare(tb testing.TB) *Fake { tb.Skip(why); return nil }

// Reset does nothing.
func (f *Fake) Reset() {}

// Forget does nothing.
func (f *Fake) Forget() {}

// Log is empty.
func (f *Fake) Log() []string { return nil }

// ClearLog does nothing.
func (f *Fake) ClearLog() {}

// Set does nothing.
func (f *Fake) Set(string, int) {}

// Inject does nothing.
func (f *Fake) Inject(string, int, cuda.Result) {}

// HostLibrary fails.
func (f *Fake) HostLibrary(string) error { return errors.New(why) }

// Left is nothing.
func (f *Fake) Left() Left { return Left{} }
