package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"medusa/internal/fileread"
	"medusa/internal/plain"
	"medusa/trainer"
)

// maxConfigBytes is more than anybody writes.
const maxConfigBytes = 1 << 20

// readConfig sets every flag that the YAML file names and the command line does not. Where
// the file is the record of a run, it says what was computed, and not where to write.
func (f *flags) readConfig(ctx context.Context, path string) error {
	raw, err := readText(ctx, path)
	if err != nil {
		return errors.Wrap(err, "-config")
	}
	var skip []string
	if _, err := os.Stat(filepath.Join(filepath.Dir(path), trainer.StoredFile)); err == nil {
		skip = []string{"out"}
	}
	return errors.Wrapf(f.applyConfig(path, raw, skip...), "-config %s", path)
}

// readRecord sets every flag as config.yaml of a run says.
func (f *flags) readRecord(path string) error {
	raw, err := fileread.Regular(path, maxConfigBytes)
	if err != nil {
		return errors.Wrap(err, "config")
	}
	return errors.Wrapf(f.applyConfig(path, raw, "out"), "config %s", path)
}

// readText reads a file or a pipe, which may be slow, until ctx ends.
func readText(ctx context.Context, path string) ([]byte, error) {
	type outcome struct {
		text []byte
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		file, err := os.Open(path)
		if err != nil {
			read <- outcome{err: err}
			return
		}
		defer file.Close()
		text, err := fileread.Limited(file, path, maxConfigBytes)
		read <- outcome{text, err}
	}()
	select {
	case o := <-read:
		return o.text, o.err
	case <-ctx.Done():
		return nil, errors.Wrapf(ctx.Err(), "stopped while %s was read", path)
	}
}

// applyConfig sets what the text of the file at path says, but for the keys in skip.
func (f *flags) applyConfig(path string, raw []byte, skip ...string) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return err
	}
	if len(doc.Content) == 0 {
		return nil // an empty file
	}
	m := doc.Content[0]
	if m.Kind != yaml.MappingNode {
		return errors.Errorf("line %d: want lines of the form `name: value`", m.Line)
	}
	given := f.given()
	seen := map[string]bool{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		if seen[key.Value] {
			return errors.Errorf("line %d: %s stands there twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		if slices.Contains(skip, key.Value) {
			continue
		}
		if err := f.applyKey(key, value, given[key.Value]); err != nil {
			return err
		}
		if !given[key.Value] {
			f.origin[key.Value] = fmt.Sprintf("%s, line %d", path, key.Line)
		}
	}
	return nil
}

func (f *flags) applyKey(key, value *yaml.Node, given bool) error {
	if f.set.Lookup(key.Value) == nil || key.Value == "config" || key.Value == "device-info" {
		return errors.Errorf("line %d: unknown key %q%s", key.Line, key.Value, f.suggest(key.Value, ""))
	}
	text, err := scalarText(value)
	if err != nil {
		return errors.Wrapf(err, "line %d: %s", value.Line, key.Value)
	}
	if given { // the command line wins; the value is still checked
		old := f.set.Lookup(key.Value).Value.String()
		defer func() { _ = f.set.Set(key.Value, old) }()
	}
	if err := f.set.Set(key.Value, text); err != nil {
		return errors.Errorf("line %d: %s is %q, want %s", value.Line, key.Value, text, f.wants(key.Value))
	}
	return nil
}

// scalarText is a value as it would stand on the command line; a list is joined by commas.
func scalarText(n *yaml.Node) (string, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!null":
			return "", nil
		case "!!binary": // text that is not UTF-8, such as a path
			b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
			return string(b), errors.Wrap(err, "!!binary")
		}
		return n.Value, nil
	case yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return "", errors.New("want a list of plain values")
			}
			var err error
			if parts[i], err = scalarText(c); err != nil {
				return "", err
			}
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New("want a plain value or a list of them")
}

// writeConfig is the configuration as YAML that -config reads back.
func (f *flags) writeConfig() ([]byte, error) {
	var out bytes.Buffer
	for _, g := range f.groups {
		lines, err := f.configLines(g)
		if err != nil {
			return nil, err
		}
		if len(lines) > 0 {
			fmt.Fprintf(&out, "# %s\n%s\n", g.title, strings.Join(lines, ""))
		}
	}
	return out.Bytes(), nil
}

func (f *flags) configLines(g group) ([]string, error) {
	var lines []string
	for _, e := range g.entries {
		if !e.keep {
			continue
		}
		line, err := yaml.Marshal(map[string]*yaml.Node{e.name: textNode(f.set.Lookup(e.name).Value.String())})
		if err != nil {
			return nil, errors.Wrapf(err, "config: %s", e.name)
		}
		lines = append(lines, string(line))
	}
	return lines, nil
}

// textNode is a YAML node from which scalarText reads text again, whatever it is. It
// stands without quotes where YAML sees the same text in it.
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
