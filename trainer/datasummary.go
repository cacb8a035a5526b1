package trainer

import (
	"slices"

	"medusa/datasets"
)

// Part is one of the sets of a run.
type Part struct {
	Name string // train, validation or test
	Set  datasets.Set
}

// Summary tells what the set consists of.
func (p Part) Summary() datasets.Summary { return itemsOf(p.Set).Summary() }

// Form says what the items are, such as grey of 28×28, or vectors of 512 numbers.
func (p Part) Form() string { return itemsOf(p.Set).form() }

// Noun is what the items are called in the plural: pictures, vectors or items.
func (p Part) Noun() string { return itemsOf(p.Set).noun() }

// Parts are the sets that there are, in the order of their use.
func (d Data) Parts() []Part {
	all := []Part{{"train", d.Train}, {SetValidation, d.Val}, {SetTest, d.Test}}
	return slices.DeleteFunc(all, func(p Part) bool { return itemsOf(p.Set) == nil })
}

// Skipped tells which files were left out and why, each reason once.
func (d Data) Skipped() []datasets.Count {
	return d.collect(func(s datasets.Summary) []datasets.Count { return s.Skipped })
}

// Notes tells what else is worth knowing about the pictures, each note once.
func (d Data) Notes() []datasets.Count {
	return d.collect(func(s datasets.Summary) []datasets.Count { return s.Notes })
}

// collect gathers what the sets tell; sets cut from one folder tell the same.
func (d Data) collect(of func(datasets.Summary) []datasets.Count) []datasets.Count {
	var out []datasets.Count
	for _, p := range d.Parts() {
		for _, c := range of(p.Summary()) {
			same := func(o datasets.Count) bool { return o.String() == c.String() }
			if !slices.ContainsFunc(out, same) {
				out = append(out, c)
			}
		}
	}
	return out
}

// SeenInTraining names the test classes that are learned too: figures on them say nothing
// about unseen classes.
func (d Data) SeenInTraining() []string {
	if itemsOf(d.Test) == nil {
		return nil
	}
	return datasets.SharedClasses(d.Train, d.Test)
}

// measured is the set on which the model is measured and its name: the test classes, or
// where there are none the validation classes, or nil.
func (d runData) measured() (*items, string) {
	if d.Test != nil {
		return d.Test, SetTest
	}
	return d.Val, SetValidation
}
