package cli

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"medusa/internal/terminal"
)

// builtByGo matches what go run builds: in a folder that is gone when it ends, or in its cache,
// wherever GOCACHE has that, under the name of a hash.
var builtByGo = regexp.MustCompile(`/go-build|/[0-9a-f]{2}/[0-9a-f]{64}-d/[^/]+$`)

// calledAs is how the program that was called as name is called again.
func (p Program) calledAs(name string) string {
	if builtByGo.MatchString(filepath.ToSlash(name)) {
		return "go run " + p.source
	}
	return shellWord(name)
}

var plainWord = regexp.MustCompile(`^[\pL\pN_@%+=:,./~-]+$`)

// shellWord is a word as a shell reads it back, in the characters that the locale has.
func shellWord(s string) string {
	shown := utf8.ValidString(s) && (terminal.Unicode() || !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }))
	switch {
	case plainWord.MatchString(s) && shown && s[0] != '~':
		return s
	case shown && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0:
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
