package report

import (
	"math"
	"strconv"
	"strings"

	"medusa/internal/plain"
)

// Limits of texts on the page, in characters.
const (
	maxName   = 90
	maxPath   = 160
	maxConfig = 256 << 10
)

// name is printable text of one line, cut in the middle when it is longer than limit.
func name(s string, limit int) string {
	r := []rune(plain.Text(s))
	if len(r) <= limit {
		return string(r)
	}
	head := (limit - 1) / 3
	return string(r[:head]) + "…" + string(r[len(r)-(limit-1-head):])
}

// number writes a value with four significant digits or all of its whole part, and a
// dash for what is not one.
func number(v float64) string {
	if !finite(v) {
		return "–"
	}
	if size := math.Abs(v); v != 0 && (size < 1e-3 || size >= 1e6) {
		return exponential(v, 4)
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', max(4, len(strconv.Itoa(int(v)))), 64), 64)
	if err != nil {
		return "–"
	}
	return strings.Replace(strconv.FormatFloat(rounded, 'f', -1, 64), "-", "−", 1)
}

// share writes a fraction with three decimals.
func share(v float64) string {
	if !finite(v) {
		return "–"
	}
	return strings.Replace(strconv.FormatFloat(v, 'f', 3, 64), "-", "−", 1)
}

// count writes a whole number with thin spaces between thousands.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}
