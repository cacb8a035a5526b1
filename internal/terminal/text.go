package terminal

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/text"

	"medusa/internal/plain"
)

// width is how many columns s takes.
func width(s string) int { return text.StringWidthWithoutEscSequences(s) }

// Middle cuts s in the middle so that it takes at most room columns: of paths and names of
// classes the beginning tells where one is and the end what it is.
func Middle(s string, room int) string {
	if width(s) <= room {
		return s
	}
	if room < 1 {
		return ""
	}
	runes := []rune(s)
	head, tail := 0, len(runes)
	left := room - 1 // for the dots
	for tail > head {
		// Two columns at the end for each one at the beginning.
		fromEnd := 2*width(string(runes[:head])) >= width(string(runes[tail:]))
		next := runes[head]
		if fromEnd {
			next = runes[tail-1]
		}
		if left -= width(string(next)); left < 0 {
			break
		}
		if fromEnd {
			tail--
		} else {
			head++
		}
	}
	return string(runes[:head]) + "…" + string(runes[tail:])
}

// Wrap breaks the lines of s at blanks so that each takes at most room columns. What goes
// on is indented by two columns more than the line that it goes on. Words are never broken,
// a word that is too long for any line stays where it is, and a line that is a command stays
// one line: they are there to be copied. What stands between two blanks or more, such as a
// figure with its name, stays together where a line can hold it.
func Wrap(s string, room int) string { return wrap(s, room, nil) }

// wrap is Wrap where more lines are commands, by their beginnings.
func wrap(s string, room int, commands []string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		out = append(out, wrapLine(line, room, commands)...)
	}
	return strings.Join(out, "\n")
}

func wrapLine(line string, room int, commands []string) (out []string) {
	trimmed := strings.TrimLeft(line, " ")
	if width(line) <= room || trimmed != line && isCommand(trimmed, commands) {
		return []string{strings.TrimRight(line, " ")}
	}
	indent := line[:len(line)-len(trimmed)]
	current, begun := indent, false
	for _, p := range pieces(trimmed, room-width(indent)-2) {
		fits := width(indent)+2+width(p.text) <= room // on a line of its own
		if begun && fits && width(current)+len(p.before)+width(p.text) > room {
			out = append(out, current)
			current, p.before = indent+"  ", ""
		}
		current += p.before + p.text
		begun = true
	}
	return append(out, current)
}

// piece is a part of a line that is not broken, and the blanks before it.
type piece struct{ before, text string }

// together is what has no two blanks in it, with those before it.
var together = regexp.MustCompile(`( *)([^ ]+(?: [^ ]+)*)`)

// pieces are what stands between two blanks or more, or words where that has no room.
func pieces(line string, room int) (out []piece) {
	for _, m := range together.FindAllStringSubmatch(line, -1) {
		parts := []string{m[2]}
		if width(m[2]) > room {
			parts = strings.Split(m[2], " ")
		}
		for i, part := range parts {
			before := " "
			if i == 0 {
				before = m[1]
			}
			out = append(out, piece{before, part})
		}
	}
	return out
}

// isCommand reports whether a line, without its indentation, is one to be copied into a
// shell: it begins with go or with a program's path, or as one of more does.
func isCommand(line string, more []string) bool {
	begins := func(beginning string) bool { return strings.HasPrefix(line, beginning) }
	return slices.ContainsFunc([]string{"go ", "./", "/", "'/", "$'/"}, begins) || slices.ContainsFunc(more, begins)
}

// Limits of what a message repeats of what somebody wrote, in characters.
const (
	longestWord    = 200
	longestLine    = 800
	longestMessage = 4000
	bytesRead      = 1 << 16 // of a message: more is cut before it is looked at
)

var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// Tame makes a message of unknown length and content fit to be shown: control characters
// are escaped, but for the ends of lines, and long quotations and words are cut in the
// middle.
func Tame(s string) string {
	if len(s) > bytesRead {
		s = s[:bytesRead/2] + "…" + s[len(s)-bytesRead/2:]
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		line = quoted.ReplaceAllStringFunc(line, func(q string) string {
			if utf8.RuneCountInString(q) <= longestWord+2 {
				return q
			}
			return `"` + middleRunes(q[1:len(q)-1], longestWord) + `"`
		})
		words := strings.Split(line, " ")
		for k, w := range words {
			words[k] = middleRunes(w, longestWord)
		}
		lines[i] = middleRunes(plain.Text(strings.Join(words, " ")), longestLine)
	}
	return middleRunes(strings.Join(lines, "\n"), longestMessage)
}

// middleRunes is Middle by characters: not slow for texts of any length.
func middleRunes(s string, most int) string {
	if len(s) <= most || utf8.RuneCountInString(s) <= most {
		return s
	}
	runes := []rune(s)
	head := (most - 1) / 3
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-1-head):])
}
