package wording

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes any bytes fit to be shown: what is not UTF-8 becomes \xNN, and what
// is invisible or turns the direction of reading becomes its escape. Line ends and tabs pass if lines is set.
func Printable(s string, lines bool) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case lines && (r == '\n' || r == '\t'),
			unicode.IsPrint(r), unicode.Is(unicode.Zs, r), r == '\u200c', r == '\u200d': // joiners belong to words of many scripts
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRuneToASCII(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += size
	}
	return b.String()
}

// Limits of a message: what is quoted in one may be of any length.
const (
	maxLine  = 1200 // characters
	maxLines = 60
)

// Message makes a message fit for a terminal: printable, and with long lines cut in their
// middle and many lines at their end.
func Message(s string) string {
	lines := strings.Split(s, "\n")
	if more := len(lines) - maxLines; more > 0 {
		lines = append(lines[:maxLines], fmt.Sprintf("… and %s more lines", Thousands(more)))
	}
	for i, line := range lines {
		if len(line) > 16*maxLine { // not to make runes of a gigabyte
			line = line[:8*maxLine] + "…" + line[len(line)-8*maxLine:]
		}
		lines[i] = cut(Printable(strings.TrimSuffix(line, "\r"), true))
	}
	return strings.Join(lines, "\n")
}

func cut(line string) string {
	r := []rune(line)
	if len(r) <= maxLine {
		return line
	}
	return string(r[:maxLine*2/3]) + " … " + string(r[len(r)-maxLine/3:])
}

// Shell is an argument as a shell takes it.
func Shell(arg string) string {
	const plain = "_@%+=:,./-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	if arg != "" && strings.Trim(arg, plain) == "" {
		return arg
	}
	if runtime.GOOS == "windows" {
		return `"` + arg + `"`
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}
