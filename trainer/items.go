package trainer

import (
	"fmt"
	"image"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/catalog"
	"medusa/internal/wording"
)

// items are one of a run's sets, whoever made it. What a Set may tell besides is asked for
// here alone.
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
func (d *items) vectors() bool {
	_, h, w := d.Shape()
	return h*w == 1 && d.pictures() == nil
}

// noun is what items are called in the plural.
func (d *items) noun() string {
	switch {
	case d.pictures() != nil:
		return "pictures"
	case d.vectors():
		return "vectors"
	}
	return "items"
}

// form is what the items are, such as grey of 28×28.
func (d *items) form() string {
	c, h, w := d.Shape()
	if d.vectors() {
		return fmt.Sprintf("vectors of %d numbers", c)
	}
	return fmt.Sprintf("%s of %d×%d", wording.Channels(c), h, w)
}

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

// fillView is Fill of pictures seen in one way; of what is no picture only the zero View is asked for.
func (d *items) fillView(dst []float32, indices []int, norm datasets.Normalisation, v datasets.View) error {
	if own := d.pictures(); own != nil {
		return own.FillView(dst, indices, norm, v)
	}
	return d.Fill(dst, indices, norm)
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
func (d *items) Queries() []int {
	if own, ok := d.Set.(datasets.Searched); ok {
		return own.Queries()
	}
	var all []int
	for i, label := range d.Labels() {
		if label != datasets.NoClass {
			all = append(all, i)
		}
	}
	return all
}

// Gallery are the items among which is searched, in ascending order.
func (d *items) Gallery() []int {
	if own, ok := d.Set.(datasets.Searched); ok {
		return own.Gallery()
	}
	all := make([]int, d.Len())
	for i := range all {
		all[i] = i
	}
	return all
}

// HasRoles reports whether Queries and Gallery are anything but all items.
func (d *items) HasRoles() bool {
	return len(d.Queries()) < d.Len() || len(d.Gallery()) < d.Len()
}

// Cameras are who took the items.
func (d *items) Cameras() datasets.Groups {
	if own, ok := d.Set.(datasets.Grouped); ok {
		return own.Cameras()
	}
	return datasets.Groups{}
}

// Sequences are what the items are parts of.
func (d *items) Sequences() datasets.Groups {
	if own, ok := d.Set.(datasets.Grouped); ok {
		return own.Sequences()
	}
	return datasets.Groups{}
}

// Pairs are those that d lists; nil if there is no list.
func (d *items) Pairs() []datasets.Pair {
	if own, ok := d.Set.(datasets.Paired); ok {
		return own.Pairs()
	}
	return nil
}

// check says what of a Set of one's own cannot be, so that nothing fails later. like, if not
// nil, is the set whose shape it must have.
func (d *items) check(like *items) (err error) {
	if err := d.checkShape(); err != nil {
		return err
	}
	defer d.guard(&err)
	labels, classes := d.Labels(), d.NumClasses()
	if len(labels) != d.Len() {
		return errors.Errorf("%d labels of %d items, want one of each", len(labels), d.Len())
	}
	for i, label := range labels {
		known := label < classes && (label >= 0 || label == datasets.NoClass && (like != nil || d.dataset() != nil))
		if !known {
			return errors.Errorf("the label of %s is %d, want 0 … %d, a number of Classes", d.Path(i), label, classes-1)
		}
	}
	if like != nil {
		c, h, w := d.Shape()
		if lc, lh, lw := like.Shape(); c != lc || h != lh || w != lw {
			return errors.Errorf("it holds %s, and what is learned from %s: want the same", d.form(), like.form())
		}
	}
	for what, list := range map[string][]int{"queries": d.Queries(), "gallery": d.Gallery()} {
		for k, i := range list {
			if i < 0 || i >= d.Len() || k > 0 && i <= list[k-1] {
				return errors.Errorf("its %s name item %d, want items 0 … %d in ascending order, each once", what, i, d.Len()-1)
			}
		}
	}
	for k, p := range d.Pairs() {
		if n := d.Len(); p.A < 0 || p.A >= n || p.B < 0 || p.B >= n {
			return errors.Errorf("its pair %d is of items %d and %d, want items 0 … %d", k, p.A, p.B, n-1)
		}
	}
	for what, g := range map[string]datasets.Groups{"cameras": d.Cameras(), "sequences": d.Sequences()} {
		if g.Of != nil && len(g.Of) != d.Len() {
			return errors.Errorf("its %s are given for %d of %d items, want one of each, -1 where none is known", what, len(g.Of), d.Len())
		}
	}
	if d.dataset() == nil { // may panic here, and nowhere later
		d.Summary()
		for i := range d.Len() {
			d.Path(i)
		}
	}
	return nil
}

// checkShape is the part of check that embedding needs.
func (d *items) checkShape() (err error) {
	defer d.guard(&err)
	if c, h, w := d.Shape(); c < 1 || h < 1 || w < 1 {
		return errors.Errorf("the shape of its items is %d×%d×%d (channels, height, width), want 1 or more of each, such as %d×1×1 for vectors", c, h, w, max(c, 1))
	}
	if n := d.Len(); n < 0 {
		return errors.Errorf("its length is %d", n)
	}
	return nil
}

// guard makes a panic of the Set an error.
func (d *items) guard(err *error) {
	if p := recover(); p != nil {
		*err = errors.Errorf("%T panicked: %v", d.Set, p)
	}
}
