package datasets

import "github.com/pkg/errors"

// CheckShape returns an error if a Set of one's own cannot be embedded: if it is nil, or its
// shape or its length cannot be. A panic of the Set is an error too.
func CheckShape(d Set) (err error) {
	if isNil(d) {
		return errors.New("there is no set to embed: it is nil")
	}
	defer guard(d, &err)
	if c, h, w := d.Shape(); c < 1 || h < 1 || w < 1 {
		return errors.Errorf("the shape of its items is %d×%d×%d (channels, height, width), want 1 or more of each, such as %d×1×1 for vectors", c, h, w, max(c, 1))
	}
	if n := d.Len(); n < 0 {
		return errors.Errorf("its length is %d", n)
	}
	return nil
}

// Check returns an error if a Set of one's own is not usable, so that nothing fails later. like, if not
// nil, is the set that is learned from, whose shape d must have. If like is nil, d itself is learned
// from, and must give every item a class, unless it is a Dataset.
func Check(d, like Set) (err error) {
	if err := CheckShape(d); err != nil {
		return err
	}
	defer guard(d, &err)
	labels, classes := d.Labels(), len(d.Classes())
	_, own := d.(*Dataset)
	if len(labels) != d.Len() {
		return errors.Errorf("%d labels of %d items, want one of each", len(labels), d.Len())
	}
	for i, label := range labels {
		known := label < classes && (label >= 0 || label == NoClass && (like != nil || own))
		if !known {
			return errors.Errorf("the label of %s is %d, want 0 … %d, a number of Classes", NameOf(d, i), label, classes-1)
		}
	}
	if like != nil {
		c, h, w := d.Shape()
		if lc, lh, lw := like.Shape(); c != lc || h != lh || w != lw {
			return errors.Errorf("it holds %s, and what is learned from %s: want the same", FormOf(d), FormOf(like))
		}
	}
	for what, list := range map[string][]int{"queries": QueriesOf(d), "gallery": GalleryOf(d)} {
		for k, i := range list {
			if i < 0 || i >= d.Len() || k > 0 && i <= list[k-1] {
				return errors.Errorf("its %s name item %d, want items 0 … %d in ascending order, each once", what, i, d.Len()-1)
			}
		}
	}
	for k, p := range PairsOf(d) {
		if n := d.Len(); p.A < 0 || p.A >= n || p.B < 0 || p.B >= n {
			return errors.Errorf("its pair %d is of items %d and %d, want items 0 … %d", k, p.A, p.B, n-1)
		}
	}
	for what, g := range map[string]Groups{"cameras": CamerasOf(d), "sequences": SequencesOf(d)} {
		if g.Of != nil && len(g.Of) != d.Len() {
			return errors.Errorf("its %s are given for %d of %d items, want one of each, -1 where none is known", what, len(g.Of), d.Len())
		}
	}
	if !own { // may panic here, and nowhere later
		SummaryOf(d)
		for i := range d.Len() {
			NameOf(d, i)
		}
	}
	return nil
}

// guard makes a panic of a Set an error.
func guard(d Set, err *error) {
	if p := recover(); p != nil {
		*err = errors.Errorf("%T panicked: %v", d, p)
	}
}
