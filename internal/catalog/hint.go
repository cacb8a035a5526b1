package catalog

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Nearest is the known word that was most likely meant by word, or "" if none is near: one
// that begins with it, or with few slips.
func Nearest(word string, known []string) string {
	const longest = 64 // bytes: a longer word is no slip of a name, and the distance takes the square of the time
	if len(word) > longest {
		return ""
	}
	letters := utf8.RuneCountInString(word)
	best, least := "", min(max(2, 1+letters/3), letters) // fewer slips than that
	for _, k := range known {
		d := levenshtein.ComputeDistance(word, k)
		switch {
		case word != "" && strings.HasPrefix(k, word):
			d = 0 // a beginning is nearer than any slip
		case d == 2 && len(word) == len(k) && isSwapped(word, k):
			d = 1
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// isSwapped reports whether a and b, of one length, differ by two neighbours that changed places,
// which is one slip of the fingers.
func isSwapped(a, b string) bool {
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// Hint is the question whether the nearest known word was meant, or nothing.
func Hint(word string, known []string) string {
	best := Nearest(word, known)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}
