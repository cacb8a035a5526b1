package catalog

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// mostNodes bounds what is read from YAML, whose aliases repeat what they stand for.
const mostNodes = 10_000

// fromYAML is a value of YAML as if it were text: texts, numbers and null stay, a list is
// [ ] and a map is { }.
func fromYAML(y *yaml.Node) (*node, error) {
	if y == nil {
		return nil, fail(position{}, "a node of YAML that is nil, want a value")
	}
	left := mostNodes
	return convert(y, 0, &left)
}

func convert(y *yaml.Node, depth int, left *int) (*node, error) {
	at := position{line: max(y.Line, 1)}
	if depth > deepest {
		return nil, fail(at, "values in values, more than %d deep", deepest)
	}
	if *left--; *left < 0 {
		return nil, fail(at, "more than %d values", mostNodes)
	}
	n := &node{at: at}
	switch y.Kind {
	case yaml.DocumentNode:
		if len(y.Content) != 1 {
			return nil, fail(at, "want a value")
		}
		return convert(y.Content[0], depth+1, left)
	case yaml.AliasNode:
		return convert(y.Alias, depth+1, left)
	case yaml.ScalarNode:
		return scalar(y, at)
	case yaml.SequenceNode:
		n.form = list
		for _, item := range y.Content {
			v, err := convert(item, depth+1, left)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, term{weight: 1, at: v.at, value: v})
		}
		return n, nil
	case yaml.MappingNode:
		n.form = mapping
		for i := 0; i+1 < len(y.Content); i += 2 {
			key := y.Content[i]
			if key.Kind != yaml.ScalarNode {
				return nil, fail(position{line: max(key.Line, 1)}, "a name is a %s, want text", yamlKinds[key.Kind])
			}
			name, err := scalar(key, position{line: max(key.Line, 1)})
			if err != nil {
				return nil, err
			}
			v, err := convert(y.Content[i+1], depth+1, left)
			if err != nil {
				return nil, under(err, name.text)
			}
			if find(n.args, name.text) >= 0 {
				return nil, fail(name.at, "%s is given twice", name.text)
			}
			n.args = append(n.args, argument{key: name.text, at: name.at, value: v})
		}
		return n, nil
	}
	return nil, fail(at, "want a value")
}

var yamlKinds = map[yaml.Kind]string{yaml.DocumentNode: "document", yaml.SequenceNode: "list", yaml.MappingNode: "map", yaml.ScalarNode: "value", yaml.AliasNode: "reference"}

func scalar(y *yaml.Node, at position) (*node, error) {
	switch y.Tag {
	case "!!null":
		return &node{at: at, form: nothing}, nil
	case "!!binary": // text that is not UTF-8
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(y.Value), ""))
		if err != nil {
			return nil, fail(at, "%s is no !!binary", quote(y.Value))
		}
		return &node{at: at, form: quotation, text: string(b)}, nil
	}
	return &node{at: at, form: quotation, text: y.Value}, nil
}

// toYAML is a node in the form that people write in files: a call is a map of its name to its
// parameters, a sum a list of such, each with its weight.
func toYAML(n *node) *yaml.Node {
	switch n.form {
	case call:
		if len(n.args) == 0 {
			return scalarYAML(n.text)
		}
		return mapYAML([]*yaml.Node{scalarYAML(n.text), argumentsYAML(n.args)})
	case mapping:
		return argumentsYAML(n.args)
	case list, sum:
		y := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, t := range n.list {
			y.Content = append(y.Content, toYAML(t.spread()))
		}
		return y
	case quotation:
		return textYAML(n.text)
	}
	return scalarYAML(n.text)
}

// spread is a term with its weight among its parameters.
func (t term) spread() *node {
	switch {
	case !t.weighted:
		return t.value
	case t.value.form == sum || t.weight == 1: // has no parameters, or is no sum with the weight 1 among them
		return &node{form: quotation, text: (&node{form: sum, list: []term{t}}).String()}
	}
	n := *t.value
	n.form = call
	n.args = append(append([]argument(nil), n.args...), argument{key: weightKey, value: &node{text: number(t.weight)}})
	return &n
}

func argumentsYAML(args []argument) *yaml.Node {
	var content []*yaml.Node
	for _, a := range args {
		content = append(content, textYAML(a.key), toYAML(a.value))
	}
	return mapYAML(content)
}

func mapYAML(content []*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: content}
}

// scalarYAML is a name, a number or a switch.
func scalarYAML(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

// textYAML is any text.
func textYAML(text string) *yaml.Node {
	if bareOrQuoted(text) == text {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	}
	if !utf8.ValidString(text) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!binary", Value: base64.StdEncoding.EncodeToString([]byte(text))}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}

// bareOrQuoted is text as it stands in a text: bare where it is one word that no sign cuts.
func bareOrQuoted(text string) string {
	plain := func(r rune) bool {
		return r == '-' || r == '_' || r == '.' || r == '/' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return strconv.Quote(text)
}

// TextOfYAML is a value of YAML as text that Parse reads, without a look at what kinds there
// are: a map of a name to its parameters is name(parameter=value), a list is a sum.
func TextOfYAML(y *yaml.Node) (string, error) {
	n, err := fromYAML(y)
	if err != nil {
		return "", err
	}
	if n, err = asKind(n); err != nil {
		return "", err
	}
	return n.String(), nil
}

// asKind is n as a call or a sum of such, where it is a map or a list.
func asKind(n *node) (*node, error) {
	switch n.form {
	case mapping:
		name, args, err := nameAndArguments(n, true)
		return &node{at: n.at, form: call, text: name, args: args}, err
	case list:
		s := &node{at: n.at, form: sum}
		for _, t := range n.list {
			v, err := asKind(t.value)
			if err != nil {
				return nil, err
			}
			if v.form == sum && len(v.list) == 1 {
				s.list = append(s.list, v.list[0])
				continue
			}
			s.list = append(s.list, term{weight: 1, at: t.at, value: v})
		}
		return s, nil
	case quotation:
		return parse(n.text, n.at, 0)
	}
	return n, nil
}
