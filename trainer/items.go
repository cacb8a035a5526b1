package trainer

import (
	"image"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/catalog"
)

// items are one of a run's sets, whoever made it, with what it may tell besides.
type items struct{ datasets.Set }

// itemsOf returns nil where there is no set, be it as a nil pointer in an interface.
func itemsOf(d datasets.Set) *items {
	if own, ok := d.(*items); ok {
		return own
	}
	if catalog.IsNil(d) {
		return nil
	}
	return &items{d}
}

// setOf is the opposite of itemsOf: nil, and no nil pointer in an interface.
func setOf(d *datasets.Dataset) datasets.Set {
	if d == nil {
		return nil
	}
	return d
}

// dataset is the Dataset that d is, or nil.
func (d *items) dataset() *datasets.Dataset {
	own, _ := d.Set.(*datasets.Dataset)
	return own
}

// pictures is the Dataset of pictures that d is, or nil.
func (d *items) pictures() *datasets.Dataset {
	if own := d.dataset(); own != nil && !own.HoldsVectors() {
		return own
	}
	return nil
}

// vectors reports whether an item is a list of numbers and has no height and width.
func (d *items) vectors() bool { return datasets.AreVectors(d.Set) }

// noun is what items are called in the plural.
func (d *items) noun() string { return datasets.NounOf(d.Set) }

// form is what the items are, such as grey of 28×28.
func (d *items) form() string { return datasets.FormOf(d.Set) }

// NumClasses returns len(Classes()).
func (d *items) NumClasses() int { return len(d.Classes()) }

// turns is in how many ways each class is learned, each way as a class of its own.
func (d *items) turns() int {
	if own := d.pictures(); own != nil {
		return own.Turns()
	}
	return 1
}

// Path is what item i is called.
func (d *items) Path(i int) string { return datasets.NameOf(d.Set, i) }

// Summary tells what d consists of.
func (d *items) Summary() datasets.Summary { return datasets.SummaryOf(d.Set) }

// Fill is that of the Set, with errors that name the item.
func (d *items) Fill(dst []float32, indices []int, norm datasets.Normalisation) error {
	return datasets.Fill(d.Set, dst, indices, norm)
}

// image is what shows an item; nil if items cannot be shown.
func (d *items) image() func(i int) (image.Image, error) {
	if own, ok := d.Set.(datasets.Visible); ok && (d.dataset() == nil || d.pictures() != nil) {
		return func(i int) (img image.Image, err error) {
			defer d.guard(&err)
			return own.Image(i)
		}
	}
	return nil
}

// Range is how values of other pictures are read as these were; empty if d was not read
// from pictures.
func (d *items) Range() string {
	if own := d.pictures(); own != nil {
		return own.Range()
	}
	return ""
}

// Queries are the items that are searched for, in ascending order.
func (d *items) Queries() []int { return datasets.QueriesOf(d.Set) }

// Gallery are the items among which is searched, in ascending order.
func (d *items) Gallery() []int { return datasets.GalleryOf(d.Set) }

// HasRoles reports whether Queries and Gallery are anything but all items.
func (d *items) HasRoles() bool {
	return len(d.Queries()) < d.Len() || len(d.Gallery()) < d.Len()
}

// Cameras are who took the items.
func (d *items) Cameras() datasets.Groups { return datasets.CamerasOf(d.Set) }

// Sequences are what the items are parts of.
func (d *items) Sequences() datasets.Groups { return datasets.SequencesOf(d.Set) }

// Pairs are those that d lists; nil if there is no list.
func (d *items) Pairs() []datasets.Pair { return datasets.PairsOf(d.Set) }

// guard makes a panic of the Set an error.
func (d *items) guard(err *error) {
	if p := recover(); p != nil {
		*err = errors.Errorf("%T panicked: %v", d.Set, p)
	}
}
