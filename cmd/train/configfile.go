package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"
)

// readConfig sets every flag that the YAML file names and the command line does not.
func (f *flags) readConfig(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return errors.Wrap(err, "config")
	}
	return errors.Wrapf(f.applyConfig(path, raw), "config %s", path)
}

// applyConfig sets what the text of the file at path says.
func (f *flags) applyConfig(path string, raw []byte) error {
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
		if key.Value == "out" && ownFolder(path, value.Value) {
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

// ownFolder reports whether the file at path lies in the run folder out: earlier versions
// wrote that folder into its config.yaml, and another run needs another one.
func ownFolder(path, out string) bool {
	a, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return false
	}
	b, err := os.Stat(out)
	return err == nil && os.SameFile(a, b)
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
		if n.Tag == "!!null" {
			return "", nil
		}
		return n.Value, nil
	case yaml.SequenceNode:
		parts := make([]string, len(n.Content))
		for i, c := range n.Content {
			if c.Kind != yaml.ScalarNode {
				return "", errors.New("want a list of plain values")
			}
			parts[i] = c.Value
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
		// Flags are text; YAML gives back the same text whether it reads 0.1 or "0.1".
		var value any = f.set.Lookup(e.name).Value.String()
		if plain := (&yaml.Node{}); yaml.Unmarshal([]byte(value.(string)), plain) == nil && len(plain.Content) == 1 &&
			plain.Content[0].Kind == yaml.ScalarNode && plain.Content[0].Value == value && plain.Content[0].Tag != "!!str" {
			value = plain.Content[0]
		}
		line, err := yaml.Marshal(map[string]any{e.name: value})
		if err != nil {
			return nil, errors.Wrapf(err, "config: %s", e.name)
		}
		lines = append(lines, string(line))
	}
	return lines, nil
}
