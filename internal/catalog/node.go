package catalog

import "strings"

// node is what a piece of text says, before it is known what is wanted there.
type node struct {
	at   position
	form form
	text string     // of a word or a quotation; the name of a call
	args []argument // of a call or a mapping
	list []term     // of a list or a sum
}

type form int

const (
	word      form = iota // a name, a number, true: what stands without quotes
	quotation             // text between quotes, or a value of YAML
	nothing               // YAML's null
	call                  // name(key=value)
	mapping               // {key: value}
	list                  // [value, value]
	sum                   // 0.1*value + value
)

// argument is key=value.
type argument struct {
	key   string
	at    position
	value *node
}

// term is an item of a list, where it has no weight, or of a sum.
type term struct {
	weight   float64
	weighted bool // it was written
	at       position
	value    *node
}

// find is the argument key and its index, or −1.
func find(args []argument, key string) int {
	for i, a := range args {
		if a.key == key {
			return i
		}
	}
	return -1
}

// String is the node as text that parse reads back.
func (n *node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func (n *node) write(b *strings.Builder) {
	switch n.form {
	case word:
		b.WriteString(n.text)
	case quotation:
		b.WriteString(bareOrQuoted(n.text))
	case nothing:
		b.WriteString(`""`)
	case call:
		b.WriteString(n.text)
		if len(n.args) > 0 {
			writeArguments(b, n.args, "(", "=", ")")
		}
	case mapping:
		writeArguments(b, n.args, "{", ": ", "}")
	case list:
		b.WriteString("[")
		for i, t := range n.list {
			separate(b, i, ", ")
			t.value.write(b)
		}
		b.WriteString("]")
	case sum:
		for i, t := range n.list {
			separate(b, i, " + ")
			t.write(b)
		}
	}
}

func (t term) write(b *strings.Builder) {
	if t.weighted {
		b.WriteString(number(t.weight) + "*")
	}
	if t.value.form != sum {
		t.value.write(b)
		return
	}
	b.WriteString("(")
	t.value.write(b)
	b.WriteString(")")
}

func writeArguments(b *strings.Builder, args []argument, open, is, end string) {
	b.WriteString(open)
	for i, a := range args {
		separate(b, i, ", ")
		b.WriteString(bareOrQuoted(a.key) + is)
		a.value.write(b)
	}
	b.WriteString(end)
}

func separate(b *strings.Builder, i int, by string) {
	if i > 0 {
		b.WriteString(by)
	}
}
