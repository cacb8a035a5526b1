package catalog

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// narrowest is the width below which a page is not cut any further.
const narrowest = 24

// leastDoc is how many characters what is said of a thing must have beside it; else it stands below.
const leastDoc = 20

// docColumn is the column at which what is said of things begins: that one if width has room for it,
// or else one below them.
func docColumn(column, below, width int) int {
	if width-column < leastDoc {
		return below
	}
	return column
}

// Help is a page that says how text is written and names all kinds, each with a line of what it is,
// in lines of no more than so many characters. The name of each kind stands at the start of a line.
// List has their parameters.
func (r *registry) Help(width int) string {
	width = max(width, narrowest)
	var b strings.Builder
	if r.usage != "" {
		for line := range strings.SplitSeq(r.usage, "\n") {
			if utf8.RuneCountInString(line) > width {
				line = strings.Join(Wrap(line, width), "\n")
			}
			b.WriteString(line + "\n")
		}
		b.WriteString("\n")
	}
	column := 0
	for _, k := range r.all() {
		column = max(column, len(k.name)+2)
	}
	column = docColumn(column, 2, width)
	for _, k := range r.all() {
		head := fmt.Sprintf("%-*s", column, k.name)
		if len(head) > column {
			head += "\n" + strings.Repeat(" ", column)
		}
		lines := Wrap(k.doc, width-column)
		fmt.Fprintf(&b, "%s%s\n", head, strings.Join(lines, "\n"+strings.Repeat(" ", column)))
	}
	return b.String()
}

// HelpOf is the page of one kind.
func (r *registry) HelpOf(name string, width int) (string, error) {
	k, err := r.find(name, position{})
	if err != nil {
		return "", r.of(err)
	}
	var b strings.Builder
	k.help(&b, max(width, narrowest), lines(k))
	return b.String(), nil
}

// List is a page about all kinds that programs can read too: the name of each stands alone at the
// start of a line, and all about it below, further in, also what other kinds have too.
func (r *registry) List(width int) string {
	var b strings.Builder
	for i, k := range r.all() {
		separate(&b, i, "\n")
		k.help(&b, max(width, narrowest), lines(k))
	}
	return b.String()
}

// Entry is what List has of a kind that is in no registry: its name, lines about it, and its
// parameters with their defaults, of which there are as many.
func Entry(name, doc string, params []Parameter, defaults []reflect.Value, width int) string {
	k := &kind{name: name}
	k.doc, k.more, _ = strings.Cut(strings.TrimSpace(doc), "\n")
	var shown []line
	for i := range params {
		shown = append(shown, params[i].line(defaults[i]))
	}
	var b strings.Builder
	k.help(&b, max(width, narrowest), shown)
	return b.String()
}

func (k *kind) help(b *strings.Builder, width int, params []line) {
	fmt.Fprintf(b, "%s\n", k.name)
	if k.doc != "" {
		fmt.Fprintf(b, "  %s\n", strings.Join(Wrap(k.doc, width-2), "\n  "))
	}
	for more := range strings.Lines(k.more) {
		fmt.Fprintf(b, "  %s\n", strings.Join(Wrap(more, width-2), "\n  "))
	}
	for _, p := range params {
		b.WriteString(p.help(width))
	}
}

// line is what a page says of a parameter.
type line struct {
	name, value, doc string
	others           []string
}

// lines are those of all parameters of k.
func lines(k *kind) (out []line) {
	for i := range k.params {
		out = append(out, k.line(&k.params[i]))
	}
	return out
}

func (k *kind) line(p *Parameter) line { return p.line(p.Value(k.prototype)) }

// line is what a page says of a parameter with a default.
func (p *Parameter) line(value reflect.Value) line {
	l := line{name: p.Name, doc: p.Doc}
	if n, err := p.node(value, false, 0); err == nil {
		l.value = strings.Trim(n.String(), `"`)
	}
	switch unset := p.Unset != "" && value.IsZero(); {
	case unset:
		l.value = ""
		l.doc += "; " + p.Unset + " without it"
	case p.None != "":
		l.doc += "; none: " + p.None
	}
	if want := p.Range.String(); want != "" {
		l.doc += " (" + want + ")"
	}
	for _, c := range p.Choices {
		if c != l.value && len(p.Choices) > 1 {
			l.others = append(l.others, c)
		}
	}
	return l
}

// help is name=default and what it is, with the other choices under it.
func (l line) help(width int) string {
	column := docColumn(27, 6, width)
	head := fmt.Sprintf("    %-22s ", l.name+"="+l.value)
	text := strings.Join(Wrap(l.doc, width-column), "\n"+strings.Repeat(" ", column)) + "\n"
	if utf8.RuneCountInString(head) > column {
		head = strings.TrimRight(head, " ") + "\n" + strings.Repeat(" ", column)
	}
	text = head + text
	if len(l.others) > 0 {
		for _, w := range Wrap("or "+strings.Join(l.others, ", "), width-column) {
			text += strings.Repeat(" ", column) + w + "\n"
		}
	}
	return text
}

// Markdown is List as a table for each kind.
func (r *registry) Markdown() string {
	var b strings.Builder
	for i, k := range r.all() {
		separate(&b, i, "\n")
		fmt.Fprintf(&b, "### `%s`\n\n%s\n", k.name, cell(k.doc))
		if k.more != "" {
			fmt.Fprintf(&b, "\n%s\n", k.more)
		}
		if len(k.params) == 0 {
			continue
		}
		b.WriteString("\n| parameter | default | meaning |\n|---|---|---|\n")
		for _, l := range lines(k) {
			doc := l.doc
			if len(l.others) > 0 {
				doc += "; or " + strings.Join(l.others, ", ")
			}
			value := ""
			if l.value != "" {
				value = "`" + cell(l.value) + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", l.name, value, cell(doc))
		}
	}
	return b.String()
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// Wrap cuts text at spaces into lines of at most width characters; a longer word stays whole.
func Wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}
