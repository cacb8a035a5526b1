package datasets

import (
	"path"
	"strconv"
	"strings"

	"medusa/internal/field"
	"medusa/internal/wording"
)

// nameSet holds the names of the classes of d, which may be nil.
func nameSet(d *Dataset) map[string]bool {
	set := make(map[string]bool)
	if d != nil {
		for _, name := range d.Classes() {
			set[name] = true
		}
	}
	return set
}

// listed is the classes of d that list names; all if it is empty.
func listed(d *Dataset, name field.Name, list string) (*Dataset, error) {
	if list == "" {
		return d, nil
	}
	if d == nil {
		return nil, field.Errorf("datasets", "", "%s is %q, but there are no such pictures", name, list)
	}
	keep, err := matching(d, name, list)
	if err != nil {
		return nil, err
	}
	return d.Subset(func(c int) bool { return keep[c] }), nil
}

// matching tells which classes of d a list names; nil if it is empty. Every item of the
// list must name at least one class.
func matching(d *Dataset, name field.Name, list string) ([]bool, error) {
	if list == "" {
		return nil, nil
	}
	keep := make([]bool, d.NumClasses())
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		matches, err := classMatcher(item)
		if err != nil {
			return nil, field.Errorf("datasets", "", "%s: %q: %v", name, item, err)
		}
		found := false
		for c, class := range d.Classes() {
			if matches(class) {
				keep[c], found = true, true
			}
		}
		if !found {
			return nil, field.Errorf("datasets", "", "%s: no class is called %q; the %d classes are %s", name, item, d.NumClasses(), wording.Few(d.Classes()))
		}
	}
	return keep, nil
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
