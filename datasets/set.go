package datasets

import (
	"math/rand/v2"
	"reflect"
	"strconv"
)

// Set is labelled items of one shape, to learn from or to measure on. A Dataset is one; a
// type of your own needs no picture files. It does not change once it is in use, and its
// methods may be called by many goroutines at the same time.
type Set interface {
	Len() int
	// Labels returns the class of each item, 0 … len(Classes())−1. Nobody changes the slice.
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

// isNil reports whether there is no set, be it as a nil pointer in an interface.
func isNil(d Set) bool {
	if d == nil {
		return true
	}
	v := reflect.ValueOf(d)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
