package settings

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"medusa/internal/catalog"
	"medusa/internal/plain"
)

// Write is the struct config as YAML that Reader.YAML reads back to the same values, whatever
// bytes its texts have. Fields at zero are left out where that reads back as zero; with all,
// for people, those that have a flag stand there too, unless zero only means that nothing was
// said.
func (s *Schema) Write(config any, all bool) ([]byte, error) { return s.writeWith(config, all, nil) }

// Write is Schema.Write of what was read. What a file gave as a map or a list stands as one there.
func (r *Reader) Write(all bool) ([]byte, error) {
	nodes := map[string]*yaml.Node{}
	for field, m := range r.maps {
		if n := m.plain(); n != nil && r.Field(field).of(r.value).String() == m.text {
			nodes[field] = n
		}
	}
	return r.writeWith(r.config, all, nodes)
}

// givenMap is a map or a list that a file gave for a text, and the text that it was read as.
type givenMap struct {
	node *yaml.Node
	text string
}

// plain is the map without comments and references, or nil if it then is not read as the same.
func (m givenMap) plain() *yaml.Node {
	n := plainNode(m.node)
	if text, err := catalog.TextOfYAML(n); err != nil || text != m.text {
		return nil
	}
	return n
}

func plainNode(n *yaml.Node) *yaml.Node {
	n = unalias(n)
	c := &yaml.Node{Kind: n.Kind, Style: n.Style, Tag: n.Tag, Value: n.Value}
	for _, inner := range n.Content {
		c.Content = append(c.Content, plainNode(inner))
	}
	return c
}

// writeWith is Write with other values for the fields of nodes.
func (s *Schema) writeWith(config any, all bool, nodes map[string]*yaml.Node) ([]byte, error) {
	v := reflect.Indirect(reflect.ValueOf(config))
	root := s.write(v, s.sections[0], all, nodes)
	if len(root.Content) == 0 {
		return []byte("{}\n"), nil
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(root); err != nil {
		return nil, errors.Wrap(err, "settings: configuration")
	}
	return b.Bytes(), errors.Wrap(e.Close(), "settings: configuration")
}

// write is a section as a map. The sections below it stand where their first option does.
func (s *Schema) write(v reflect.Value, in *section, all bool, nodes map[string]*yaml.Node) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	group := ""
	written := map[string]bool{}
	for _, o := range s.Options {
		key, value := o.Name, (*yaml.Node)(nil)
		switch child := s.child(in, o.section); {
		case o.section == in:
			if !s.worth(o, v, all) {
				continue
			}
			if value = nodes[o.Field]; value == nil {
				value = valueNode(o.of(v))
			}
		case child != nil && !written[child.key]:
			written[child.key] = true
			if value = s.write(v, child, all, nodes); len(value.Content) == 0 {
				continue
			}
			key = strings.TrimPrefix(strings.TrimPrefix(child.key, in.key), ".")
		default:
			continue
		}
		k := textNode(key)
		if all && in.key == "" && o.Group != group {
			group = o.Group
			k.HeadComment = group
			if len(m.Content) > 0 {
				k.HeadComment = "\n" + group
			}
		}
		m.Content = append(m.Content, k, value)
	}
	return m
}

// child is the section directly below in that inner is or lies in, or nil.
func (s *Schema) child(in, inner *section) *section {
	if inner == in || in.key != "" && !strings.HasPrefix(inner.key, in.key+".") {
		return nil
	}
	rest := strings.TrimPrefix(strings.TrimPrefix(inner.key, in.key), ".")
	first, _, _ := strings.Cut(rest, ".")
	return s.below(in, first)
}

// worth reports whether the option is to be written.
func (s *Schema) worth(o *Option, v reflect.Value, all bool) bool {
	value := o.of(v)
	kind := s.kind(o.section, v)
	switch {
	case !o.Stored:
		return false
	case !value.IsZero():
		return value.Kind() != reflect.Slice || value.Len() > 0
	case o.Unset == "" && o.section.name != nil && o.isFor(kind) && s.kinds[o.section.field] != nil:
		p := reflect.ValueOf(s.kinds[o.section.field](kind))
		if !p.FieldByIndex(o.index[len(o.section.index):]).IsZero() {
			return true // left out it would be the prototype's
		}
	}
	return all && o.Flag != "" && o.Unset == "" && o.isFor(kind) && value.Kind() != reflect.Slice
}

func valueNode(v reflect.Value) *yaml.Node {
	switch v.Kind() {
	case reflect.String:
		return textNode(v.String())
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for i := range v.Len() {
			n.Content = append(n.Content, valueNode(v.Index(i)))
		}
		return n
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: text(v)}
}

// textNode is a YAML node from which scalarText reads text again, whatever it is. It stands
// without quotes where YAML sees the same text in it.
func textNode(text string) *yaml.Node {
	if !utf8.ValidString(text) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!binary", Value: base64.StdEncoding.EncodeToString([]byte(text))}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte("key: "+text+"\n"), &doc); err == nil && len(doc.Content) == 1 && len(doc.Content[0].Content) == 2 {
		n := doc.Content[0].Content[1]
		bare := n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == text && n.Tag != "!!null" && n.Anchor == ""
		if bare && plain.Text(text) == text && len(doc.Content[0].Content[0].HeadComment)+len(n.LineComment) == 0 {
			return &yaml.Node{Kind: yaml.ScalarNode, Tag: n.Tag, Value: text}
		}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
}
