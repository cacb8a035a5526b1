package graph_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain collects garbage more rarely than is usual: the many small graphs leave little behind.
func TestMain(m *testing.M) {
	debug.SetGCPercent(1000)
	os.Exit(m.Run())
}
