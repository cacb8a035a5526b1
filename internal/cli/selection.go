package cli

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"medusa/index"
	"medusa/internal/catalog"
	"medusa/internal/field"
)

// selectionOptions say which pictures of an index are meant: those for which all of it holds.
type selectionOptions struct {
	Label string `yaml:"label" flag:"label" arg:"NAME,…" doc:"those of these labels"`
	Meta  string `yaml:"meta" flag:"meta" arg:"KEY=VALUE,…" doc:"those that the index knows this of, such as camera=left"`
	Path  string `yaml:"path" flag:"path" arg:"PATTERN" doc:"those whose path is so, or is in a folder of such a path; * stands for any characters but slashes. A PATTERN without a slash is the name of a picture or a folder anywhere"`
}

// selectionFlags are their names.
var selectionFlags = []string{"label", "meta", "path"}

// checkSelection refuses selections of nothing.
func (f *flagSet) checkSelection(o selectionOptions) error {
	given := f.given()
	for _, name := range selectionFlags {
		if given[name] && strings.TrimSpace(f.TextOf(name)) == "" {
			return wrong("%s is empty: say which pictures, or leave it out", field.Name("-"+name))
		}
	}
	if _, err := metaOf(o.Meta); err != nil {
		return err
	}
	if _, err := path.Match(filepath.ToSlash(o.Path), ""); err != nil {
		return wrong("%s %s: a [ has no end", field.Name("-path"), o.Path)
	}
	return nil
}

// metaOf reads KEY=VALUE,….
func metaOf(text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	out := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			return nil, wrong("%s %s: want KEY=VALUE, such as camera=left", field.Name("-meta"), text)
		}
		if _, twice := out[key]; twice {
			return nil, wrong("%s %s: %s stands there twice", field.Name("-meta"), text, key)
		}
		out[key] = strings.TrimSpace(value)
	}
	return out, nil
}

// filter is the selection among what the index holds. It says which labels and keys there are, if one is not.
func (g *pictureIndex) filter(o selectionOptions) (index.Filter, error) {
	var f index.Filter
	var err error
	if f.Labels, err = g.labels(o.Label); err != nil {
		return f, err
	}
	if f.Meta, err = metaOf(o.Meta); err != nil {
		return f, err
	}
	if len(f.Meta) > 0 {
		if err := g.checkMeta(f.Meta); err != nil {
			return f, err
		}
	}
	if o.Path == "" {
		return f, nil
	}
	pattern, anywhere, err := patternOf(o.Path)
	if err != nil {
		return f, err
	}
	f.Where = func(it index.Item) bool { return g.matches(pattern, anywhere, it) }
	some := false
	err = g.All(func(it index.Item) bool {
		some = f.Where(it)
		return !some
	})
	if err == nil && !some {
		err = wrong("%s %s: %s holds no picture of such a path", field.Name("-path"), o.Path, g.path)
	}
	return f, err
}

// labels are those that a text names.
func (g *pictureIndex) labels(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	count, err := g.Labels()
	if err != nil {
		return nil, err
	}
	known := slices.DeleteFunc(slices.Sorted(maps.Keys(count)), func(l string) bool { return l == "" })
	if slices.Contains(known, text) { // with commas, perhaps
		return []string{text}, nil
	}
	if len(known) == 0 {
		return nil, wrong("%s %s: the pictures of %s have no labels", field.Name("-label"), text, g.path)
	}
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		name := strings.TrimSpace(part)
		if !slices.Contains(known, name) {
			return nil, wrong("%s: %s has no pictures of %q%s", field.Name("-label"), g.path, name, orSome(name, known))
		}
		out = append(out, name)
	}
	return out, nil
}

// orSome is a question whether the nearest of the known names was meant, or else some of them.
func orSome(name string, known []string) string {
	if near := catalog.Nearest(name, known); near != "" {
		return "; did you mean " + strconv.Quote(near) + "?"
	}
	if len(known) == 0 {
		return ""
	}
	const most = 5
	some := strings.Join(known[:min(len(known), most)], ", ")
	if len(known) > most {
		some += " …"
	}
	return "; there are " + some
}

// checkMeta refuses keys and values that no picture has.
func (g *pictureIndex) checkMeta(meta map[string]string) error {
	values := map[string]map[string]bool{}
	err := g.All(func(it index.Item) bool {
		for key, value := range it.Meta {
			if values[key] == nil {
				values[key] = map[string]bool{}
			}
			if _, asked := meta[key]; asked {
				values[key][value] = true
			}
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		switch {
		case values[key] == nil:
			return wrong("%s: %s knows no %q of its pictures%s", field.Name("-meta"), g.path, key, orSome(key, slices.Sorted(maps.Keys(values))))
		case !values[key][meta[key]]:
			return wrong("%s: %s has no pictures whose %s is %q%s", field.Name("-meta"), g.path, key, meta[key], orSome(meta[key], slices.Sorted(maps.Keys(values[key]))))
		}
	}
	return nil
}

// patternOf makes a pattern of paths absolute, with slashes; anywhere says that it is one of names.
func patternOf(text string) (pattern string, anywhere bool, err error) {
	pattern = strings.TrimSuffix(filepath.ToSlash(text), "/")
	if pattern != "" && !strings.Contains(text, "/") && pattern != "." && pattern != ".." {
		return pattern, true, nil
	}
	if filepath.IsAbs(text) {
		return path.Clean(pattern), false, nil
	}
	here, err := os.Getwd()
	literal := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(filepath.ToSlash(here))
	return path.Join(literal, pattern), false, err
}

// matches reports whether the path of an item, or a folder that it is in, is as a pattern says.
func (g *pictureIndex) matches(pattern string, anywhere bool, it index.Item) bool {
	if it.Path == "" {
		return false
	}
	at := it.Path
	if !anywhere && !filepath.IsAbs(filepath.FromSlash(at)) {
		absolute, err := filepath.Abs(filepath.Join(filepath.Dir(g.path), filepath.FromSlash(at)))
		if err != nil {
			return false
		}
		at = absolute
	}
	for at = filepath.ToSlash(at); ; at = path.Dir(at) {
		name := at
		if anywhere {
			name = path.Base(at)
		}
		if ok, err := path.Match(pattern, name); ok && err == nil {
			return true
		}
		if at == path.Dir(at) {
			return false
		}
	}
}
