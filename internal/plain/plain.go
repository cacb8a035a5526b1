// Package plain makes text of unknown origin, such as the name of a file, fit to be shown
// to a person: nothing in it can move a cursor, hide, or turn the direction of reading.
package plain

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s as valid UTF-8 without control or direction characters, for terminals,
// JSON and HTML. What is so already is returned as it is; elsewhere each offending byte
// becomes \xNN, or \n and the like.
func Text(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !isPlainRune(r):
			quoted := fmt.Sprintf("%+q", r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

func isPlain(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return !isPlainRune(r) }) < 0
}

// isPlainRune also lets the joiners through that words of many scripts and many emoji are
// made with.
func isPlainRune(r rune) bool { return unicode.IsPrint(r) || r == '\u200c' || r == '\u200d' }

// Lines is Text of each line of s and of what lies between its tabs: ends of lines and tabs
// stay.
func Lines(s string) string {
	var b strings.Builder
	for {
		i := strings.IndexAny(s, "\n\t")
		if i < 0 {
			b.WriteString(Text(s))
			return b.String()
		}
		b.WriteString(Text(s[:i]))
		b.WriteByte(s[i])
		s = s[i+1:]
	}
}
