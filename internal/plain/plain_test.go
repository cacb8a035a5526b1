package plain

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                    "",
		"cat/007.jpg":         "cat/007.jpg",
		"Käse · 猫 · 👩\u200d🔬": "Käse · 猫 · 👩\u200d🔬",
		"a\nb\tc":             `a\nb\tc`,
		"\x1b[31mred":         `\x1b[31mred`,
		"\xff\xfe":            `\xff\xfe`,
		"a\u202eb":            `a\u202eb`,
		"no\u00a0break":       `no\u00a0break`,
	} {
		assert.Equal(t, want, Text(in), "%q", in)
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b]0;title\a")
	f.Fuzz(func(t *testing.T, s string) {
		p := Text(s)
		assert.True(t, utf8.ValidString(p))
		assert.True(t, isPlain(p))
		assert.Equal(t, p, Text(p), "what is plain stays as it is")
	})
}
