package datasets

import (
	"fmt"
	"image"
	"math/rand/v2"
	"reflect"
	"strconv"

	"medusa/internal/wording"
)

// Set is labelled items of one shape, to learn from or to measure on. A Dataset is one; a
// type of your own needs no picture files. It does not change once it is in use, and its
// methods may be called by many goroutines at the same time. What else can be known of a
// Set is in interfaces of their own: Sampled, Named, Visible, Summarised, Searched, Grouped,
// Paired.
type Set interface {
	Len() int
	// Labels returns the class of each item, 0 … len(Classes())−1, or where items are only
	// measured on NoClass. Nobody changes the slice.
	Labels() []int
	Classes() []string // the names of the classes
	// Shape returns channels C, height H and width W of every item; (D, 1, 1) for vectors.
	Shape() (channels, height, width int)
	// Fill writes items, as they are measured, to dst as (len(items), C, H, W). Each channel
	// is to be normalised by norm, whose zero value changes nothing.
	Fill(dst []float32, items []int, norm Normalisation) error
}

// Sampled is a Set whose items look different each time they are learned from: augmented,
// cropped, with noise.
type Sampled interface {
	Set
	// Sample writes one view of an item to dst (C, H, W), normalised as by Fill. All that is
	// random comes from rng, whose state depends on the seed of the run, the step and the
	// place in the batch, and on nothing else: a run can be repeated and resumed, and two
	// places of a batch that have the same item see two views of it.
	Sample(dst []float32, item int, norm Normalisation, rng *rand.Rand) error
}

// Named is a Set that knows what its items are called, such as the paths of files; others'
// are "item 17" in messages, the report and the file of embeddings.
type Named interface {
	Set
	Path(item int) string // safe to print
}

// Visible is a Set whose items can be shown to people, as the report does.
type Visible interface {
	Set
	Image(item int) (image.Image, error)
}

// Summarised is a Set that tells what it consists of; of others SummaryOf counts.
type Summarised interface {
	Set
	Summary() Summary
}

// Searched is a Set that says which items are searched for, and among which, both in
// ascending order. In others every item is a query among all the rest.
type Searched interface {
	Set
	Queries() []int
	Gallery() []int
}

// Grouped is a Set that says which camera took each item, or which sequence it is of. What
// has a query's class and its camera, or where no cameras are known its sequence, is left
// out of its ranking.
type Grouped interface {
	Set
	Cameras() Groups
	Sequences() Groups
}

// Paired is a Set with a list of pairs of which it is to be told whether they are of one
// class, as verification of faces is measured.
type Paired interface {
	Set
	Pairs() []Pair // nil if there is no list
}

// A Dataset is all of these.
var (
	_ Named      = (*Dataset)(nil)
	_ Visible    = (*Dataset)(nil)
	_ Summarised = (*Dataset)(nil)
	_ Searched   = (*Dataset)(nil)
	_ Grouped    = (*Dataset)(nil)
	_ Paired     = (*Dataset)(nil)
)

// NameOf is what an item of d is called.
func NameOf(d Set, item int) string {
	if n, ok := d.(Named); ok {
		return n.Path(item)
	}
	return "item " + strconv.Itoa(item)
}

// SummaryOf tells what d consists of: what it says itself, or what can be counted.
func SummaryOf(d Set) Summary {
	if own, ok := d.(Summarised); ok {
		return own.Summary()
	}
	var s Summary
	s.Source, s.Kind = printable(fmt.Sprintf("%T", d)), "data of one's own"
	s.Classes, s.Pictures = len(d.Classes()), d.Len()
	s.Channels, s.Height, s.Width = d.Shape()
	s.countSizes(d.Classes(), d.Labels())
	return s
}

// NounOf is what items of d are called in the plural: pictures, vectors or items.
func NounOf(d Set) string {
	switch {
	case picturesOf(d) != nil:
		return "pictures"
	case AreVectors(d):
		return "vectors"
	}
	return "items"
}

// AreVectors reports whether an item of d is a list of numbers and has no height and width.
func AreVectors(d Set) bool {
	_, h, w := d.Shape()
	return h*w == 1 && picturesOf(d) == nil
}

// FormOf is what the items of d are, such as grey of 28×28, or vectors of 512 numbers.
func FormOf(d Set) string {
	c, h, w := d.Shape()
	if AreVectors(d) {
		return fmt.Sprintf("vectors of %d numbers", c)
	}
	return fmt.Sprintf("%s of %d×%d", wording.Channels(c), h, w)
}

// QueriesOf are the items of d that are searched for, in ascending order: all of a class where d
// does not say.
func QueriesOf(d Set) []int {
	if own, ok := d.(Searched); ok {
		return own.Queries()
	}
	var all []int
	for i, label := range d.Labels() {
		if label != NoClass {
			all = append(all, i)
		}
	}
	return all
}

// GalleryOf are the items of d among which is searched, in ascending order: all where d does not
// say.
func GalleryOf(d Set) []int {
	if own, ok := d.(Searched); ok {
		return own.Gallery()
	}
	all := make([]int, d.Len())
	for i := range all {
		all[i] = i
	}
	return all
}

// CamerasOf are who took the items of d; none where d does not say.
func CamerasOf(d Set) Groups {
	if own, ok := d.(Grouped); ok {
		return own.Cameras()
	}
	return Groups{}
}

// SequencesOf are what the items of d are parts of; none where d does not say.
func SequencesOf(d Set) Groups {
	if own, ok := d.(Grouped); ok {
		return own.Sequences()
	}
	return Groups{}
}

// PairsOf are the pairs that d lists; nil if there is no list.
func PairsOf(d Set) []Pair {
	if own, ok := d.(Paired); ok {
		return own.Pairs()
	}
	return nil
}

// PairClasses is the number of classes of d with two items or more: those that can be retrieved.
func PairClasses(d Set) int {
	items, n := make([]int, len(d.Classes())), 0
	for _, label := range d.Labels() {
		if label == NoClass {
			continue
		}
		if items[label]++; items[label] == 2 {
			n++
		}
	}
	return n
}

// ItemSize is the number of values of an item of d.
func ItemSize(d Set) int {
	c, h, w := d.Shape()
	return c * h * w
}

// Instances returns the items of d with every one a class of its own, named by its path.
// With augmentation and a sampler that repeats (two of one class in a batch, K = 2, Repeat)
// each batch holds two views of every item in it: learning without labels.
func (d *Dataset) Instances() *Dataset {
	own := *d
	own.labels, own.classes = make([]int, d.Len()), make([]string, d.Len())
	for i := range own.labels {
		own.labels[i], own.classes[i] = i, d.Path(i)+"#"+strconv.Itoa(i)
	}
	return &own
}

// picturesOf returns the Dataset of pictures that d is, or nil.
func picturesOf(d Set) *Dataset {
	if p, ok := d.(*Dataset); ok && p != nil && !p.HoldsVectors() {
		return p
	}
	return nil
}

// isNil reports whether there is nothing in d, be it as a nil pointer in an interface.
func isNil(d any) bool {
	if d == nil {
		return true
	}
	v := reflect.ValueOf(d)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
