package trainer

import (
	"path"
	"strconv"
	"strings"

	"medusa/datasets"
	"medusa/internal/field"
)

// The fields that name classes.
const trainClasses, testClasses = field.Name("Data.TrainClasses"), field.Name("Data.TestClasses")

// choose obeys TrainClasses and TestClasses: it sets p.train and returns the test part that
// lies beside it, nil if there is none. Where all pictures lie in one part, or a protocol
// parted them by class, either list chooses among all classes; a class that one list names
// is not in the other part.
func (p *parts) choose(split datasets.Split) (test *datasets.Dataset, err error) {
	c := p.cfg
	_, share := fraction(c.Test)
	chosen := c.TrainClasses != "" || c.TestClasses != ""
	whole := split.Whole()
	switch {
	case whole != nil && share:
		p.train, err = choose(overridden(whole, split.Train), trainClasses, c.TrainClasses)
		return nil, err
	case whole != nil && c.Test == "" && chosen:
		whole = overridden(whole, split.Train)
		return p.choosePair(whole, split.Train, split.Test)
	case split.Test == nil && c.Test == "" && c.TestClasses != "":
		return p.choosePair(split.Train, split.Train, nil)
	}
	p.train, err = choose(split.Train, trainClasses, c.TrainClasses)
	return split.Test, err
}

// overridden is whole, saying that the protocol does not hold.
func overridden(whole, train *datasets.Dataset) *datasets.Dataset {
	s := train.Summary()
	return whole.WithProtocol("classes of your own choice in place of the usual protocol of " + s.Layout)
}

// choosePair cuts whole by both lists. Without a list a part is what it was, train or test,
// less what the other list names.
func (p *parts) choosePair(whole, train, test *datasets.Dataset) (*datasets.Dataset, error) {
	p.parted = true
	toTrain, err := matching(whole, trainClasses, p.cfg.TrainClasses)
	if err != nil {
		return nil, err
	}
	toTest, err := matching(whole, testClasses, p.cfg.TestClasses)
	if err != nil {
		return nil, err
	}
	inTrain, inTest := nameSet(train), nameSet(test)
	for c, name := range whole.Classes() {
		switch {
		case toTrain != nil && toTest != nil && toTrain[c] && toTest[c]:
			return nil, field.Errorf("trainer", "", "the class %q is named by %s and by %s; want it in one of them", name, trainClasses, testClasses)
		case toTrain == nil && toTest[c]:
			inTrain[name] = false
		case toTest == nil && toTrain[c]:
			inTest[name] = false
		}
		if toTrain != nil {
			inTrain[name] = toTrain[c]
		}
		if toTest != nil {
			inTest[name] = toTest[c]
		}
	}
	names := whole.Classes()
	p.train = whole.Subset(func(c int) bool { return inTrain[names[c]] })
	if n := p.train.NumClasses(); n < 2 {
		return nil, field.Errorf("trainer", "", "%d classes are left to learn, want at least 2: name fewer in %s", n, testClasses)
	}
	return whole.Subset(func(c int) bool { return inTest[names[c]] }), nil
}

// nameSet holds the names of the classes of d, which may be nil.
func nameSet(d *datasets.Dataset) map[string]bool {
	set := make(map[string]bool)
	if d != nil {
		for _, name := range d.Classes() {
			set[name] = true
		}
	}
	return set
}

// choose is the classes of d that list names; all if it is empty.
func choose(d *datasets.Dataset, name field.Name, list string) (*datasets.Dataset, error) {
	if list == "" {
		return d, nil
	}
	if d == nil {
		return nil, field.Errorf("trainer", "", "%s is %q, but there are no such pictures", name, list)
	}
	keep, err := matching(d, name, list)
	if err != nil {
		return nil, err
	}
	return d.Subset(func(c int) bool { return keep[c] }), nil
}

// matching tells which classes of d a list names; nil if it is empty. Every item of the
// list must name at least one class.
func matching(d *datasets.Dataset, name field.Name, list string) ([]bool, error) {
	if list == "" {
		return nil, nil
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

// few is the first names of a list.
func few(names []string) string {
	const shown = 10
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:shown], ", ") + " …"
}
