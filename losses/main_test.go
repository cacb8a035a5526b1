package losses_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage more rarely than is usual: the many small graphs leave little behind, and
// to look for it took a fifth of the time.
func TestMain(m *testing.M) {
	debug.SetGCPercent(1000)
	os.Exit(m.Run())
}
