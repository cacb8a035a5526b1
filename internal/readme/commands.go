package readme

import (
	"regexp"
	"strings"
)

// command is one line that a text tells people to type.
type command struct {
	line  string // without comment, continued lines joined
	where string // file that says so
}

var (
	fence      = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	inline     = regexp.MustCompile("`((?:[A-Z_]+=\\S+ )*(?:go|pip|\\./\\S+) [^`]+)`")
	indented   = regexp.MustCompile(`(?m)^ {4}((?:go|\./\S+|[A-Z_]+=\S+ (?:go|\./\S+)|CGO_ENABLED=0 go) .*)$`)
	inComment  = regexp.MustCompile(`(?m)^//\t((?:go|\./\S+) .*)$`)
	ofTheHelp  = regexp.MustCompile(`(?m)^ {2}(go run .*)$`)
	afterBlank = regexp.MustCompile(`\s{2,}#? ?.*$|\s+# .*$`)
)

// inMarkdown lists the commands of a Markdown text: of its fenced and indented blocks, and
// those between backquotes in a sentence.
func inMarkdown(where, text string) []command {
	var lines []string
	text = fence.ReplaceAllStringFunc(text, func(block string) string {
		m := fence.FindStringSubmatch(block)
		if m[1] == "sh" {
			lines = append(lines, strings.Split(strings.ReplaceAll(m[2], "\\\n", " "), "\n")...)
		}
		return ""
	})
	for _, re := range []*regexp.Regexp{indented, inline} {
		for _, m := range re.FindAllStringSubmatch(text, -1) {
			lines = append(lines, strings.ReplaceAll(m[1], "\n", " "))
		}
	}
	return commands(where, lines)
}

// inGo lists the commands of a Go file's comments.
func inGo(where, text string) []command {
	var lines []string
	for _, m := range inComment.FindAllStringSubmatch(text, -1) {
		lines = append(lines, m[1])
	}
	return commands(where, lines)
}

// inHelp lists the commands of the program's help page.
func inHelp(text string) []command {
	var lines []string
	for _, m := range ofTheHelp.FindAllStringSubmatch(text, -1) {
		lines = append(lines, m[1])
	}
	return commands("-h", lines)
}

// commands are lines without what is said about them: a comment, or what follows two blanks.
func commands(where string, lines []string) []command {
	var out []command
	for _, line := range lines {
		line = strings.TrimSpace(line)
		line = afterBlank.ReplaceAllString(joinBlanks(line), "")
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, command{strings.Join(strings.Fields(line), " "), where})
		}
	}
	return out
}

// joinBlanks makes one blank of those that a continued line begins with: they come before
// a flag, where a remark never begins.
func joinBlanks(line string) string { return regexp.MustCompile(`\s+ -`).ReplaceAllString(line, " -") }
