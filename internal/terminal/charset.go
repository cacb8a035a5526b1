package terminal

import (
	"os"
	"runtime"
	"strings"
)

// Unicode reports whether the locale has all characters. Where no locale is set, as in
// containers, and on Windows, whose console takes any text, it has.
func Unicode() bool {
	if runtime.GOOS == "windows" {
		return true
	}
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} { // the first that is set counts
		if locale := strings.ToLower(os.Getenv(name)); locale != "" {
			return strings.Contains(strings.ReplaceAll(locale, "-", ""), "utf8")
		}
	}
	return true
}
