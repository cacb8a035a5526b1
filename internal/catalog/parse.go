package catalog

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of what is read: more is written by nobody, and costs whoever reads it.
const (
	longest = 1 << 16 // bytes of a text
	deepest = 32      // brackets in brackets
	largest = 1e6     // weight
)

// parse reads
//
//	sum      = term { "+" term }
//	term     = [ number "*" ] ( value | "(" sum ")" )
//	value    = word | quotation | name "(" [ key "=" sum { "," key "=" sum } ] ")"
//	         | "[" [ sum { "," sum } ] "]" | "{" [ key ":" sum { "," key ":" sum } ] "}"
//
// and, outside of all brackets, the form of the first edition:
//
//	term     = name ":" key "=" value { "," key "=" value }
//
// at is where the text begins, and depth how deep it lies in another.
func parse(text string, at position, depth int) (*node, error) {
	if len(text) > longest {
		return nil, fail(at, "a text of %d bytes, want at most %d", len(text), longest)
	}
	p := &parser{text: text, from: at, depth: depth}
	if err := p.next(); err != nil {
		return nil, err
	}
	n, err := p.sum(true)
	if err != nil {
		return nil, err
	}
	if p.token.sign != end {
		return nil, fail(p.token.at, "%s does not belong here%s", p.token, p.missing())
	}
	return n, nil
}

// token is a sign such as ( or what stands between two of them.
type token struct {
	sign rune // one of ()[]{},=*+: or wordSign, quoteSign, end
	text string
	at   position
}

const (
	end       rune = 0
	wordSign  rune = 'w'
	quoteSign rune = 'q'
)

func (t token) String() string {
	switch t.sign {
	case end:
		return "the end"
	case wordSign, quoteSign:
		return quote(t.text)
	}
	return quote(string(t.sign))
}

type parser struct {
	text    string
	offset  int // of what follows the token, in bytes
	columns int // characters before offset
	from    position
	depth   int
	token   token
}

const signs = "()[]{},=*+:"

// place is where the text at the present offset stands.
func (p *parser) place() position {
	if p.from.line > 0 {
		return p.from
	}
	return position{column: p.from.column + p.columns}
}

func (p *parser) skip(bytes int) string {
	s := p.text[p.offset : p.offset+bytes]
	p.offset += bytes
	p.columns += utf8.RuneCountInString(s)
	return s
}

// next reads a token.
func (p *parser) next() error {
	rest := p.text[p.offset:]
	p.skip(len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace)))
	rest = p.text[p.offset:]
	p.token = token{at: p.place()}
	switch {
	case rest == "":
		p.token.sign = end
	case strings.IndexByte(signs, rest[0]) >= 0:
		p.token.sign = rune(rest[0])
		p.skip(1)
	case rest[0] == '"':
		q, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return fail(p.token.at, "the quotation %s does not end, or has a \\ that means nothing", quote(rest))
		}
		p.token.sign = quoteSign
		p.token.text, _ = strconv.Unquote(p.skip(len(q)))
	default:
		p.token.sign, p.token.text = wordSign, p.skip(wordLength(rest))
	}
	return nil
}

// wordLength is the number of bytes of the word that text begins with. The + of 1e+3 belongs
// to the word.
func wordLength(text string) int {
	ends := func(r rune) bool { return unicode.IsSpace(r) || r == '"' || strings.ContainsRune(signs, r) }
	n := strings.IndexFunc(text, ends)
	if n < 0 {
		return len(text)
	}
	if m := n + 1; m < len(text) && text[n] == '+' && (text[n-1] == 'e' || text[n-1] == 'E') && isDigit(text[m]) {
		if _, err := strconv.ParseFloat(text[:n-1], 64); err == nil {
			for m < len(text) && isDigit(text[m]) {
				m++
			}
			return m
		}
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// missing is a hint at what may have been meant where something else was found.
func (p *parser) missing() string {
	switch p.token.sign {
	case ':':
		return "; inside of brackets write name(parameter=value, …)"
	case wordSign, quoteSign:
		return "; a comma or + is missing before it"
	}
	return ""
}

func (p *parser) expect(sign rune) error {
	if p.token.sign != sign {
		return fail(p.token.at, "%s where %s is wanted%s", p.token, quote(string(sign)), p.missing())
	}
	return p.next()
}

// deeper bounds how far brackets nest; it is undone by the function that it returns.
func (p *parser) deeper() (func(), error) {
	if p.depth++; p.depth > deepest {
		return nil, fail(p.token.at, "brackets in brackets, more than %d deep", deepest)
	}
	return func() { p.depth-- }, nil
}

// sum reads terms with + between. old allows the form of the first edition.
func (p *parser) sum(old bool) (*node, error) {
	n := &node{at: p.token.at, form: sum}
	for {
		t, err := p.term(old)
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, t)
		if p.token.sign != '+' {
			break
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	if len(n.list) == 1 && !n.list[0].weighted {
		return n.list[0].value, nil
	}
	return n, nil
}

func (p *parser) term(old bool) (t term, err error) {
	t = term{weight: 1, at: p.token.at}
	first := p.token
	if first.sign == '(' {
		t.value, err = p.group()
		return t, err
	}
	if t.value, err = p.value(old); err != nil || p.token.sign != '*' {
		return t, err
	}
	if first.sign != wordSign || t.value.form != word {
		return t, fail(first.at, "only a number can stand before *")
	}
	if t.weight, err = weight(first.text, first.at); err != nil {
		return t, err
	}
	t.weighted = true
	if err := p.next(); err != nil {
		return t, err
	}
	if p.token.sign == '(' {
		t.value, err = p.group()
		return t, err
	}
	t.value, err = p.value(old)
	return t, err
}

// weight reads the weight of a term.
func weight(text string, at position) (float64, error) {
	w, err := strconv.ParseFloat(text, 64)
	if err != nil || !(w > 0) || w > largest {
		return 0, fail(at, "weight %s, want a number above 0, at most %g", quote(text), float64(largest))
	}
	return w, nil
}

// group reads a sum in brackets.
func (p *parser) group() (*node, error) {
	up, err := p.deeper()
	if err != nil {
		return nil, err
	}
	defer up()
	if err := p.next(); err != nil {
		return nil, err
	}
	n, err := p.sum(false)
	if err != nil {
		return nil, err
	}
	return n, p.expect(')')
}

func (p *parser) value(old bool) (*node, error) {
	up, err := p.deeper()
	if err != nil {
		return nil, err
	}
	defer up()
	n := &node{at: p.token.at, text: p.token.text}
	switch p.token.sign {
	case quoteSign:
		n.form = quotation
		return n, p.next()
	case wordSign:
		if err := p.next(); err != nil {
			return nil, err
		}
		switch {
		case p.token.sign == '(':
			n.form = call
			n.args, err = p.arguments('=', ')', "parameter=value")
			return n, err
		case p.token.sign == ':' && old:
			n.form = call
			n.args, err = p.oldArguments()
			return n, under(err, n.text)
		}
		return n, nil
	case '[':
		n.form = list
		n.list, err = p.items()
		return n, err
	case '{':
		n.form = mapping
		n.args, err = p.arguments(':', '}', "name: value")
		return n, err
	}
	if p.token.sign == end {
		return nil, fail(p.token.at, "no name at the end, want name(parameter=value, …)")
	}
	return nil, fail(p.token.at, "no name before %s, want name(parameter=value, …)", p.token)
}

// arguments reads what stands in brackets, from the opening one on.
func (p *parser) arguments(is, last rune, form string) (args []argument, err error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	for p.token.sign != last {
		a := argument{key: p.token.text, at: p.token.at}
		switch p.token.sign {
		case wordSign, quoteSign:
		case end:
			return nil, p.expect(last)
		default:
			return nil, fail(a.at, "%s is not %s", p.token, form)
		}
		if find(args, a.key) >= 0 {
			return nil, fail(a.at, "%s is given twice", a.key)
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.token.sign != is {
			return nil, fail(a.at, "%s is not %s%s", quote(a.key), form, listHint(args, a.key, is))
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.token.sign == ',' || p.token.sign == last || p.token.sign == end {
			return nil, fail(a.at, "%s has no value, want %s", quote(a.key), form)
		}
		if a.value, err = p.sum(false); err != nil {
			return nil, err
		}
		args = append(args, a)
		if p.token.sign != ',' {
			break
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	return args, p.expect(last)
}

// listHint tells who wrote a list as in hidden=64,32, whose word is the last that was read, how
// lists are written.
func listHint(before []argument, word string, is rune) string {
	if len(before) == 0 || word == "" {
		return ""
	}
	a := before[len(before)-1]
	separator := "="
	if is == ':' {
		separator = ": "
	}
	return fmt.Sprintf("; a list stands in brackets, as in %s%s[%s, %s]", bareOrQuoted(a.key), separator, a.value, bareOrQuoted(word))
}

func (p *parser) items() (items []term, err error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	for p.token.sign != ']' {
		t := term{weight: 1, at: p.token.at}
		if t.value, err = p.sum(false); err != nil {
			return nil, err
		}
		items = append(items, t)
		if p.token.sign != ',' {
			break
		}
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	return items, p.expect(']')
}

// oldArguments reads key=value,key=value from the colon on, as far as the next + or the end.
func (p *parser) oldArguments() (args []argument, err error) {
	for more := true; more; more = p.token.sign == ',' {
		if err := p.next(); err != nil {
			return nil, err
		}
		a := argument{key: p.token.text, at: p.token.at}
		key := p.token
		if key.sign == wordSign {
			if err := p.next(); err != nil {
				return nil, err
			}
		}
		if key.sign != wordSign || p.token.sign != '=' {
			return nil, fail(a.at, "%s is not parameter=value%s", key, listHint(args, a.key, '='))
		}
		if err := p.next(); err != nil {
			return nil, err
		}
		if p.token.sign == end || p.token.sign == ',' || p.token.sign == '+' {
			return nil, fail(a.at, "%s is not parameter=value", quote(a.key+"="))
		}
		if find(args, a.key) >= 0 {
			return nil, fail(a.at, "%s is given twice", a.key)
		}
		if a.value, err = p.value(false); err != nil {
			return nil, err
		}
		args = append(args, a)
	}
	return args, nil
}

// Argument is key=value of a Call, the value as text.
type Argument struct{ Key, Text string }

// Call reads a text that names one kind: name, name(key=value, …) or name:key=value,… It is
// for those who look the names up themselves.
func Call(text string) (name string, args []Argument, err error) {
	n, err := parse(text, position{column: 1}, 0)
	if err != nil {
		return "", nil, err
	}
	switch n.form {
	case word, quotation, call:
	default:
		return "", nil, fail(n.at, "%s, want name(parameter=value, …)", quote(text))
	}
	for _, a := range n.args {
		s := a.value.String()
		if a.value.form == quotation {
			s = a.value.text
		}
		args = append(args, Argument{a.key, s})
	}
	return n.text, args, nil
}

// NamesIn are the names of the kinds that a text adds up; none if it cannot be read.
func NamesIn(text string) (names []string) {
	n, err := parse(text, position{column: 1}, 0)
	if err != nil {
		return nil
	}
	return namesIn(n)
}

func namesIn(n *node) (names []string) {
	if n.form != sum {
		return []string{n.text}
	}
	for _, t := range n.list {
		names = append(names, namesIn(t.value)...)
	}
	return names
}
