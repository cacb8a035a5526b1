package datasets

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable returns name as valid UTF-8 without control or direction characters, for
// terminals, JSON and HTML. Names that are so already are returned as they are; in
// others each offending byte becomes \xNN, or \n and the like.
func printable(name string) string {
	if isPrintable(name) {
		return name
	}
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, name[i])
		case !printableRune(r):
			quoted := fmt.Sprintf("%+q", r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

func isPrintable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return !printableRune(r) }) < 0
}

// printableRune also lets the joiner through that many emoji are made with.
func printableRune(r rune) bool { return unicode.IsPrint(r) || r == '\u200d' }
