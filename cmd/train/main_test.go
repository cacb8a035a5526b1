package main

import (
	"os"
	"testing"
)

// TestMain gives what the program writes so much room that tests about its content find it
// unbroken; tests about its width set COLUMNS themselves.
func TestMain(m *testing.M) {
	os.Setenv("COLUMNS", "1000")
	os.Exit(m.Run())
}
