package datasets

import (
	"image"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pkg/errors"
)

// Dataset is a set of labelled pictures of one size, decoded and kept as uint8, or of
// labelled vectors (OpenVectors), which here stand for pictures of D channels and one pixel.
// It is read-only after it has been opened and may be used by many goroutines.
type Dataset struct {
	store   *store
	rows    []int32  // item → row of store
	labels  []int    // item → class
	classes []string // class → name
	traits  *traits  // of each row of store; nil if nothing is known
	pairs   []Pair   // of rows of store
	report  report

	quarters []uint8 // item → quarters that its picture is turned against the clock; nil for none
	turned   bool    // every class is there in all four ways
}

// Split is what was found at one place: any of the three may be nil, but not all.
type Split struct {
	Train, Val, Test *Dataset

	byClass bool // Train and Test were cut by class, see Whole
}

// Whole returns training and test part as one set, where the protocol of a well-known
// data set parted them by class (CUB-200-2011: the first half of the classes is learned),
// so that other classes may be chosen; nil if the parts stand as they were found.
func (s Split) Whole() *Dataset {
	if !s.byClass || s.Train == nil || s.Test == nil {
		return nil
	}
	return join(s.Train, s.Test)
}

// join returns the pictures of a and b, which share a store.
func join(a, b *Dataset) *Dataset {
	d := &Dataset{store: a.store, traits: a.traits, pairs: a.pairs, report: a.report}
	number := make(map[string]int)
	for _, s := range []*Dataset{a, b} {
		for _, name := range s.classes {
			number[name] = 0
		}
	}
	d.classes = slices.Sorted(maps.Keys(number))
	for c, name := range d.classes {
		number[name] = c
	}
	for _, s := range []*Dataset{a, b} {
		for i, c := range s.labels {
			label := NoClass
			if c != NoClass {
				label = number[s.classes[c]]
			}
			d.take(s, i, label)
		}
	}
	d.report.protocol = ""
	d.report.skipped = slices.Concat(a.report.skipped, b.report.skipped)
	d.report.notes = slices.Concat(a.report.notes, b.report.notes)
	d.report.formats = maps.Clone(a.report.formats)
	for format, n := range b.report.formats {
		d.report.formats[format] += n
	}
	return d
}

// parts returns the data sets that are there, in order, with their names.
func (s Split) parts() (names []string, sets []*Dataset) {
	for _, p := range []struct {
		name string
		set  *Dataset
	}{{"train", s.Train}, {"val", s.Val}, {"test", s.Test}} {
		if p.set != nil {
			names, sets = append(names, p.name), append(sets, p.set)
		}
	}
	return names, sets
}

// Close gives the cache file back, if there is one. No data set of the split may be
// used afterwards.
func (s Split) Close() error {
	_, sets := s.parts()
	for _, d := range sets {
		if err := d.Close(); err != nil {
			return err
		}
	}
	return nil
}

// Len returns the number of pictures.
func (d *Dataset) Len() int { return len(d.rows) }

// Labels returns the class of each picture, 0 … len(Classes())−1, or NoClass. The slice
// is shared: do not change it.
func (d *Dataset) Labels() []int { return d.labels }

// Classes returns the names of the classes in ascending order of their folder paths,
// made safe to print (see docs/datasets.md). The slice is shared: do not change it.
func (d *Dataset) Classes() []string { return d.classes }

// NumClasses returns len(Classes()).
func (d *Dataset) NumClasses() int { return len(d.classes) }

// Shape returns channels C, height H and width W of every picture.
func (d *Dataset) Shape() (channels, height, width int) {
	return d.store.channels, d.store.height, d.store.width
}

// Range returns Options.Range with which other pictures are read as these were.
func (d *Dataset) Range() string { return d.store.valueRange }

// Inverted returns Options.Invert with which other pictures are read as these were. The
// embedded Omniglot is stored inverted where nothing is said: ink 1 and paper 0.
func (d *Dataset) Inverted() bool { return d.store.inverted }

// Path returns where picture i came from, safe to print: Origin, in which control characters and bytes that are no
// UTF-8 are escaped, so that it may name no file.
func (d *Dataset) Path(i int) string { return d.store.path(int(d.rows[i])) }

// Origin returns where picture i came from with the bytes of its name, by which the file can be opened. It may hold
// any of them: show Path to people.
func (d *Dataset) Origin(i int) string { return d.store.origin(int(d.rows[i])) }

// HoldsVectors reports whether the items are vectors (D, 1, 1) and no pictures.
func (d *Dataset) HoldsVectors() bool { return d.store.vectors != nil }

// Image returns picture i as it is stored, but with Options.Invert undone: what a
// person would see in the file, resized. The image is the caller's own.
func (d *Dataset) Image(i int) (image.Image, error) {
	if i < 0 || i >= d.Len() {
		return nil, errors.Errorf("datasets: picture %d asked for, the set has %d", i, d.Len())
	}
	s := d.store
	planes, err := s.get(int(d.rows[i]), s.scratch())
	if err != nil {
		return nil, err
	}
	planes = turn(make([]byte, s.bytes()), planes, size{s.height, s.width}, s.channels, d.quarter(i))
	return planesToImage(planes, s.channels, s.height, s.width, s.inverted), nil
}

// Subset returns the classes for which keep is true, renumbered in their order, without
// pictures of no class. No picture is copied. It may be empty.
func (d *Dataset) Subset(keep func(class int) bool) *Dataset {
	sub := &Dataset{store: d.store, traits: d.traits, pairs: d.pairs, report: d.report}
	number := make([]int, d.NumClasses())
	for c, name := range d.classes {
		number[c] = -1
		if keep(c) {
			number[c] = len(sub.classes)
			sub.classes = append(sub.classes, name)
		}
	}
	for i, c := range d.labels {
		if c != NoClass && number[c] >= 0 {
			sub.take(d, i, number[c])
		}
	}
	return sub
}

// take appends item i of from, which shares the store, with a label.
func (d *Dataset) take(from *Dataset, i, label int) {
	if q := from.quarter(i); q > 0 && d.quarters == nil {
		d.quarters = make([]uint8, len(d.rows))
	}
	d.rows, d.labels = append(d.rows, from.rows[i]), append(d.labels, label)
	if d.quarters != nil {
		d.quarters = append(d.quarters, uint8(from.quarter(i)))
	}
}

// SplitClasses cuts d into two sets without a class in common: about fraction of the
// classes go to val, at least two and leaving at least two. Classes of a single
// picture stay in train, since nothing can be retrieved for them. The cut depends on
// seed and on the list of classes only.
func (d *Dataset) SplitClasses(fraction float64, seed uint64) (train, val *Dataset, err error) {
	if !(fraction > 0 && fraction < 1) {
		return nil, nil, errors.Errorf("datasets: validation fraction is %v, want more than 0 and less than 1", fraction)
	}
	classes := d.NumClasses()
	if classes < 4 {
		return nil, nil, errors.Errorf("datasets: %d classes cannot be cut into two sets of at least 2 classes each; add classes", classes)
	}
	sizes := d.classSizes()
	var pool []int
	for c, n := range sizes {
		if n >= 2 {
			pool = append(pool, c)
		}
	}
	if len(pool) < 2 {
		return nil, nil, errors.Errorf("datasets: only %d of %d classes have two pictures or more, and a validation set needs 2 such classes", len(pool), classes)
	}
	rng := rand.New(rand.NewPCG(seed, 0x636c6173736573))
	rng.Shuffle(len(pool), func(i, j int) { pool[i], pool[j] = pool[j], pool[i] })
	n := int(math.Round(fraction * float64(classes)))
	n = min(max(n, 2), classes-2, len(pool))
	inVal := make([]bool, classes)
	for _, c := range pool[:n] {
		inVal[c] = true
	}
	train = d.Subset(func(c int) bool { return !inVal[c] })
	val = d.Subset(func(c int) bool { return inVal[c] })
	val.report = report{source: d.report.source, kind: d.report.kind, layout: d.report.layout, protocol: d.report.protocol} // what was left out is told once, by train
	return train, val, nil
}

// SharedClasses returns the names of the classes that a and b both have: empty if
// they are class-disjoint, as a test on unseen classes demands.
func SharedClasses(a, b Set) []string {
	in := make(map[string]bool, len(b.Classes()))
	for _, name := range b.Classes() {
		in[name] = true
	}
	var shared []string
	for _, name := range a.Classes() {
		if in[name] {
			shared = append(shared, name)
		}
	}
	return shared
}

// WithProtocol returns d with another Summary.Protocol: how it came to hold these classes.
func (d *Dataset) WithProtocol(text string) *Dataset {
	other := *d
	other.report.protocol = text
	return &other
}

// classSizes returns the number of pictures of each class.
func (d *Dataset) classSizes() []int { return classSizes(d.NumClasses(), d.labels) }

func classSizes(classes int, labels []int) []int {
	sizes := make([]int, classes)
	for _, c := range labels {
		if c != NoClass {
			sizes[c]++
		}
	}
	return sizes
}

// Close gives the cache file back, if there is one. Data sets that were opened
// together or cut from one another share it.
func (d *Dataset) Close() error { return d.store.close() }
