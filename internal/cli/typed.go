package cli

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// calledAs is how the program that was called as name is called again. What go run builds is
// gone when it ends.
func (p Program) calledAs(name string) string {
	if strings.Contains(filepath.ToSlash(name), "/go-build") {
		return "go run " + p.source
	}
	return shellWord(name)
}

var plainWord = regexp.MustCompile(`^[\pL\pN_@%+=:,./~-]+$`)

// shellWord is a word as a shell reads it back.
func shellWord(s string) string {
	switch {
	case plainWord.MatchString(s) && utf8.ValidString(s) && s[0] != '~':
		return s
	case utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0:
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	var b strings.Builder // bash, zsh and newer others read $'\xNN'
	b.WriteString("$'")
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '\'' || c == '\\' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}
