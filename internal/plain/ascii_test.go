package plain

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestASCII(t *testing.T) {
	for text, want := range map[string]string{
		"plain": "plain", "28×28": "28x28", "3 ± 1 %": "3 +/- 1 %", "x² + 10⁻⁴": "x^2 + 10^-4", "d₁₂": "d_12", "λ·‖e‖": "lambda.||e||",
		"─━…": "-#...", "Käse/猫": `K\u00e4se/\u732b`, "🍏": `\U0001f34f`, "a\tb\n": "a\tb\n",
	} {
		assert.Equal(t, want, ASCII(text))
	}
}

func FuzzASCII(f *testing.F) {
	f.Add("x²₂²Käse\xff")
	f.Fuzz(func(t *testing.T, text string) {
		for i, r := range ASCII(text) {
			assert.Less(t, r, rune(utf8.RuneSelf), i)
		}
	})
}
