package trainer

import (
	"path"
	"strconv"
	"strings"

	"medusa/datasets"
	"medusa/internal/field"
)

// choose is the classes of d that list names; all if it is empty. Every item of the list
// must name at least one class.
func choose(d *datasets.Dataset, name field.Name, list string) (*datasets.Dataset, error) {
	if list == "" {
		return d, nil
	}
	if d == nil {
		return nil, field.Errorf("trainer", "", "%s is %q, but there are no such pictures", name, list)
	}
	keep := make([]bool, d.NumClasses())
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		matches, err := classMatcher(item)
		if err != nil {
			return nil, field.Errorf("trainer", "", "%s: %q: %v", name, item, err)
		}
		found := false
		for c, class := range d.Classes() {
			if matches(class) {
				keep[c], found = true, true
			}
		}
		if !found {
			return nil, field.Errorf("trainer", "", "%s: no class is called %q; the %d classes are %s", name, item, d.NumClasses(), few(d.Classes()))
		}
	}
	return d.Subset(func(c int) bool { return keep[c] }), nil
}

// classMatcher tells which names an item of a list stands for.
func classMatcher(item string) (func(name string) bool, error) {
	if a, b, ok := strings.Cut(item, "-"); ok {
		lo, err := strconv.Atoi(a)
		hi, err2 := strconv.Atoi(b)
		if err == nil && err2 == nil {
			return func(name string) bool {
				n, err := strconv.Atoi(name)
				return err == nil && lo <= n && n <= hi
			}, nil
		}
	}
	if _, err := path.Match(item, ""); err != nil {
		return nil, err
	}
	return func(name string) bool {
		ok, _ := path.Match(item, name)
		return ok || item == name
	}, nil
}

// few is the first names of a list.
func few(names []string) string {
	const shown = 10
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + " …"
}
