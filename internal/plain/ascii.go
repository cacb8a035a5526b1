package plain

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// signs are what is written for a sign where only ASCII can be shown.
var signs = map[rune]string{
	'─': "-", '━': "#", '·': ".", '…': "...", '×': "x", '−': "-", '–': "-", '—': "-", '±': "+/-", '÷': "/",
	'→': "->", '←': "<-", '≤': "<=", '≥': ">=", '≠': "!=", '≈': "~", '√': "sqrt ", '∞': "inf", '∂': "d", '‖': "||", '⟨': "<", '⟩': ">",
	'½': "1/2", '¼': "1/4", '¾': "3/4", '°': " deg", '‘': "'", '’': "'", '“': `"`, '”': `"`, '\u00a0': " ",
	'α': "alpha", 'β': "beta", 'γ': "gamma", 'δ': "delta", 'ε': "epsilon", 'ζ': "zeta", 'η': "eta", 'θ': "theta", 'κ': "kappa", 'λ': "lambda",
	'μ': "mu", 'ν': "nu", 'π': "pi", 'ρ': "rho", 'σ': "sigma", 'τ': "tau", 'φ': "phi", 'χ': "chi", 'ψ': "psi", 'ω': "omega", 'Δ': "Delta", 'Σ': "sum",
}

// Digits and signs that stand higher or lower than the line.
const (
	raised, onLine  = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-"
	lowered, onBase = "₀₁₂₃₄₅₆₇₈₉₊₋", onLine
)

// ASCII is s in the characters that every terminal has: signs of ours as people type them, ² as
// ^2, and what else there is, such as letters in names, as \uNNNN.
func ASCII(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	var before byte // ^ or _ where the last character was raised or lowered
	for _, r := range s {
		mark, digit := level(r)
		switch {
		case mark != 0 && mark != before:
			b.WriteByte(mark)
			b.WriteByte(digit)
		case mark != 0:
			b.WriteByte(digit)
		case r < utf8.RuneSelf:
			b.WriteRune(r)
		case signs[r] != "":
			b.WriteString(signs[r])
		default:
			quoted := fmt.Sprintf("%+q", r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		before = mark
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// level is ^ for what is raised and _ for what is lowered, with what stands there; 0 for others.
func level(r rune) (mark, digit byte) {
	for _, l := range []struct {
		mark     byte
		from, to string
	}{{'^', raised, onLine}, {'_', lowered, onBase}} {
		for i, each := range []rune(l.from) {
			if each == r {
				return l.mark, l.to[i]
			}
		}
	}
	return 0, 0
}
