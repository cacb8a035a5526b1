package terminal

import (
	"os"
	"testing"
)

// TestMain has tests read what they write in the characters that a UTF-8 locale has; one is about
// other locales.
func TestMain(m *testing.M) {
	os.Setenv("LC_ALL", "C.UTF-8")
	os.Exit(m.Run())
}
