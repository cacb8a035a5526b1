package samplers

import (
	"cmp"
	"fmt"
	"slices"
)

// Class is a label and the number of its pictures.
type Class struct{ Label, Pictures int }

// Plan says what a P×K sampler makes of a data set's classes.
type Plan struct {
	Items                         string  // what the pictures are called, if they are none
	Classes, Pictures             int     // in the data set
	UsableClasses, UsablePictures int     // that batches are drawn from
	Smallest, Largest             Class   // by pictures, the lower label where equal
	LeftOut                       []Class // fewer than K pictures, by label; empty with repeat
	Repeating                     []Class // fewer than K pictures, shown more than once a batch, by label
}

// NewPlan says what becomes of each class when K pictures of a class are wanted.
// Without repeat a class with fewer than K pictures is left out, with it its pictures
// repeat within the batch.
func NewPlan(labels []int, k int, repeat bool) Plan {
	p := Plan{Pictures: len(labels)}
	for i, c := range countClasses(labels) {
		p.Classes++
		if i == 0 || c.Pictures < p.Smallest.Pictures {
			p.Smallest = c
		}
		if i == 0 || c.Pictures > p.Largest.Pictures {
			p.Largest = c
		}
		switch {
		case c.Pictures >= k:
		case repeat:
			p.Repeating = append(p.Repeating, c)
		default:
			p.LeftOut = append(p.LeftOut, c)
			continue
		}
		p.UsableClasses++
		p.UsablePictures += c.Pictures
	}
	return p
}

// String is one line for a start-up table.
func (p Plan) String() string {
	items := cmp.Or(p.Items, "pictures")
	s := fmt.Sprintf("%d of %d classes usable, %d of %d %s", p.UsableClasses, p.Classes, p.UsablePictures, p.Pictures, items)
	if n := len(p.LeftOut); n > 0 {
		s += fmt.Sprintf("; too small and left out: %d", n)
	}
	if n := len(p.Repeating); n > 0 {
		s += fmt.Sprintf("; small and repeating %s: %d", items, n)
	}
	return s
}

// countClasses counts the pictures of each label, in order of the labels.
func countClasses(labels []int) []Class {
	count := make(map[int]int)
	for _, l := range labels {
		count[l]++
	}
	classes := make([]Class, 0, len(count))
	for l, n := range count {
		classes = append(classes, Class{Label: l, Pictures: n})
	}
	slices.SortFunc(classes, func(a, b Class) int { return cmp.Compare(a.Label, b.Label) })
	return classes
}
