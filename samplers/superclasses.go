package samplers

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// The defaults of hierarchical: PML's.
const (
	DefaultSupers       = 2
	DefaultSuperBatches = 4
)

// ByCategory is the value of Config.SuperBy that takes super-classes from Pictures.Categories.
const ByCategory = "category"

func hierarchicalOf(d Pictures, c Config) (Sampler, error) {
	h, err := d.hierarchy(c)
	if err != nil {
		return nil, err
	}
	supers, err := d.supers(c)
	if err != nil {
		return nil, err
	}
	s, err := NewHierarchical(d.Labels, supers, h)
	if err != nil {
		return nil, field.Errorf("samplers", "", "%s, %s, %s and %s: %v", field.Name("Supers"), field.Name("P"), field.Name("K"), field.Name("SuperBatches"), err)
	}
	for _, super := range s.LeftOut {
		s.leftOut = append(s.leftOut, d.superName(c, supers, super))
	}
	return s, nil
}

// hierarchy is what c asks for, with sizes that suit d.
func (d Pictures) hierarchy(c Config) (h Hierarchy, err error) {
	if c.Batch != 0 || c.Power != 0 || c.Pool != 0 {
		return h, field.Errorf("samplers", "", "%s, %s and %s mean nothing to %s hierarchical", field.Name("Batch"), field.Name("Power"), field.Name("Pool"), field.Name("Name"))
	}
	c.Supers, c.SuperBatches = cmp.Or(c.Supers, DefaultSupers), cmp.Or(c.SuperBatches, DefaultSuperBatches)
	if c.Supers < 1 || c.SuperBatches < 1 || c.P < 0 || c.K < 0 {
		return h, field.Errorf("samplers", "", "%s is %d, %s %d, %s %d and %s %d, want at least 1 of each, or 0 for the default", field.Name("Supers"), c.Supers,
			field.Name("SuperBatches"), c.SuperBatches, field.Name("P"), c.P, field.Name("K"), c.K)
	}
	if c.P%c.Supers != 0 {
		return h, field.Errorf("samplers", "", "%s is %d classes in a batch, and %s %d: want a multiple of the latter, as many classes of each super-class", field.Name("P"), c.P, field.Name("Supers"), c.Supers)
	}
	supers, err := d.supers(c)
	if err != nil {
		return h, err
	}
	return Hierarchy{Supers: c.Supers, Classes: c.P / c.Supers, K: c.K, Batches: c.SuperBatches, Repeat: c.Repeat, Seed: c.Seed}.fit(d.Labels, supers), nil
}

// separator is what stands between the parts of classes' names; none where categories tell super-classes.
func (d Pictures) separator(c Config) string {
	if c.SuperBy == ByCategory || c.SuperBy == "" && d.Categories != nil {
		return ""
	}
	return cmp.Or(c.SuperBy, "/")
}

// superName is what a super-class is called, by its number in supers.
func (d Pictures) superName(c Config, supers []int, super int) string {
	separator := d.separator(c)
	if separator == "" {
		return d.category(super)
	}
	return superOf(d.class(d.Labels[slices.Index(supers, super)]), separator)
}

// superOf is the name of a class but for its last part.
func superOf(class, separator string) string {
	if i := strings.LastIndex(class, separator); i > 0 {
		return class[:i]
	}
	return class
}

// supers is the number of the super-class of each picture.
func (d Pictures) supers(c Config) ([]int, error) {
	const superBy = field.Name("SuperBy")
	separator := d.separator(c)
	switch {
	case separator == "" && d.Categories == nil:
		return nil, field.Errorf("samplers", "", "%s is %s, but no category of any picture is known: a table tells it in a column category; or names of classes tell it, with %s what stands between their parts, such as /", superBy, c.SuperBy, superBy)
	case separator == "":
		return d.byCategory()
	}
	number, of := map[string]int{}, make([]int, len(d.Classes))
	parted := false
	for class, name := range d.Classes {
		super := superOf(name, separator)
		parted = parted || super != name
		if _, seen := number[super]; !seen {
			number[super] = len(number)
		}
		of[class] = number[super]
	}
	if !parted {
		return nil, field.Errorf("samplers", "", "%s is hierarchical, but nothing tells which classes are of one super-class: a table tells it in a column category, names of classes by %q between their parts, as bird/duck does of folders in folders; %s says what else stands between them",
			field.Name("Name"), separator, superBy)
	}
	supers := make([]int, len(d.Labels))
	for i, l := range d.Labels {
		if l < 0 || l >= len(of) {
			return nil, errors.Errorf("samplers: hierarchical: picture %d is of class %d, and %d classes have names", i, l, len(of))
		}
		supers[i] = of[l]
	}
	return supers, nil
}

// byCategory are the categories, which every picture must have, and all of a class the same.
func (d Pictures) byCategory() ([]int, error) {
	if len(d.Categories) != len(d.Labels) {
		return nil, errors.Errorf("samplers: hierarchical: %d pictures and %d categories, want one of each", len(d.Labels), len(d.Categories))
	}
	of := map[int]int{}
	for i, category := range d.Categories {
		label := d.Labels[i]
		before, seen := of[label]
		switch {
		case category < 0:
			return nil, errors.Errorf("samplers: hierarchical: picture %s has no category, and each class is to be of one", d.name(i))
		case seen && before != category:
			return nil, errors.Errorf("samplers: hierarchical: class %s is of the categories %s and %s, want one", d.class(label), d.category(before), d.category(category))
		}
		of[label] = category
	}
	return d.Categories, nil
}

// fit is h with sizes that suit the classes where it has none: 4 pictures of each class and 16
// classes in a batch, or fewer where else more than a tenth of the super-classes that have two classes
// of two pictures would be left out.
func (h Hierarchy) fit(labels, supers []int) Hierarchy {
	super := map[int]int{}
	for i, l := range labels {
		super[l] = supers[i]
	}
	classes := countClasses(labels)
	have := func(classesOf, k int) (n int) { // super-classes with so many classes of k pictures
		usable := map[int]int{}
		for _, c := range classes {
			if c.Pictures >= k || h.Repeat {
				usable[super[c.Label]]++
			}
		}
		for _, own := range usable {
			if own >= classesOf {
				n++
			}
		}
		return n
	}
	all := have(2, 2)
	enough := max(h.Supers, all-all/10)
	if h.K == 0 {
		h.K = DefaultK
		for h.K > 2 && have(max(h.Classes, 2), h.K) < enough {
			h.K--
		}
	}
	if h.Classes == 0 {
		h.Classes = max(DefaultP/h.Supers, 2)
		for h.Classes > 2 && have(h.Classes, h.K) < enough {
			h.Classes--
		}
	}
	return h
}
