package samplers

import (
	"cmp"
	"slices"
	"strconv"

	"medusa/internal/field"
)

// Pictures are what samplers know of a data set. Its Labels suffice for most.
type Pictures struct {
	Labels []int // of each picture, any integers
	// Names is what a picture is called, such as its path; nil if nobody knows. Triplets in a file
	// name pictures so.
	Names func(picture int) string
	// Classes are the names of the classes 0, 1, 2, …, such as bird/duck, and Categories what says
	// which kind of thing each picture's class is, by its number in CategoryNames, −1 where nobody
	// knows; nil if there are none. Either gives hierarchical its super-classes.
	Classes       []string
	Categories    []int
	CategoryNames []string
	// Counter makes what tuples-to-weights counts tuples with of the text of a miner; nil if there
	// are no miners.
	Counter func(miner string) (Counter, error)
}

// labelled is a builder that needs labels alone.
func labelled(build Builder) func(Pictures, Config) (Sampler, error) {
	return func(d Pictures, c Config) (Sampler, error) { return build(d.Labels, c) }
}

func (d Pictures) name(i int) string {
	if d.Names == nil {
		return strconv.Itoa(i)
	}
	return d.Names(i)
}

func (d Pictures) class(label int) string { return nameAt(d.Classes, label) }

func (d Pictures) category(number int) string { return nameAt(d.CategoryNames, number) }

// nameAt is a name or, where there is none, its number.
func nameAt(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return strconv.Itoa(i)
	}
	return names[i]
}

// notFor lists the fields of c that are set and mean nothing to the sampler that it names, of those
// that one sampler alone reads.
func (c Config) notFor() (out field.Names) {
	for _, own := range []struct {
		field   field.Name
		set     bool
		sampler string
	}{
		{"Supers", c.Supers != 0, hierarchicalName}, {"SuperBatches", c.SuperBatches != 0, hierarchicalName}, {"SuperBy", c.SuperBy != "", hierarchicalName},
		{"Triplets", c.Triplets != "", fixedTripletsName}, {"Miner", c.Miner != "", tuplesToWeightsName},
	} {
		if own.set && c.Name != own.sampler && slices.Contains(builtIn, c.Name) {
			out = append(out, own.field)
		}
	}
	return out
}

// Check says what is wrong with c whatever the data are: fields that mean nothing to the sampler.
func (c Config) Check() error {
	c.Name = cmp.Or(c.Name, "pk")
	if wrong := c.notFor(); len(wrong) > 0 {
		return field.Errorf("samplers", "", "%s: nothing of this means anything to %s %s", wrong, field.Name("Name"), c.Name)
	}
	return nil
}
