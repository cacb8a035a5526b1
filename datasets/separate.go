package datasets

import (
	"fmt"
	"slices"

	"github.com/pkg/errors"
)

// TellCopies notes, in the Summary of Val and Test, pictures that an earlier part shows
// too; see FindNearCopies. With leaveOut these leave the earlier part, so that what is
// measured on stays whole: Train gives up what Val or Test has, Val what Test has. The parts
// that are returned share their pictures with those of s.
func (s Split) TellCopies(leaveOut bool) (Split, error) {
	names, sets := s.parts()
	if slices.ContainsFunc(sets, (*Dataset).HoldsVectors) {
		return s, nil
	}
	work := 0 // pictures to be hashed, then to be looked for
	for i, d := range sets {
		work += (1 + i) * d.Len()
	}
	told := newTally(work, sets[0].store.told)
	hashes := make([][]pictureHash, len(sets)) // each picture is read once
	for i, d := range sets {
		if d.store.bytes() != sets[0].store.bytes() {
			return s, errors.Errorf("datasets: the parts %s and %s hold pictures of other sizes: open both with one size", names[0], names[i])
		}
		var err error
		if hashes[i], err = d.hashes(told); err != nil {
			return s, err
		}
	}
	for later := 1; later < len(sets); later++ {
		for earlier := range later {
			copies, err := findNearCopies(sets[later], sets[earlier], hashes[later], hashes[earlier], told)
			if err != nil {
				return s, err
			}
			if len(copies) == 0 {
				continue
			}
			if !leaveOut {
				sets[later] = sets[later].noteCopies(copies, sets[earlier], names[earlier])
				continue
			}
			// From the earlier part's side, as several of its pictures may be copies of one.
			if copies, err = findNearCopies(sets[earlier], sets[later], hashes[earlier], hashes[later], &tally{}); err != nil {
				return s, err
			}
			hashes[earlier] = withoutHashes(hashes[earlier], copies)
			if sets[earlier], err = sets[earlier].withoutCopies(copies, sets[later], names[earlier], names[later]); err != nil {
				return s, err
			}
		}
	}
	return splitOf(names, sets), nil
}

// withoutHashes is hashes without those of the pictures that are copies.
func withoutHashes(hashes []pictureHash, copies []NearCopy) []pictureHash {
	rest := make([]pictureHash, 0, len(hashes)-len(copies))
	for i, h := range hashes {
		if len(copies) > 0 && copies[0].Picture == i { // in order of Picture
			copies = copies[1:]
			continue
		}
		rest = append(rest, h)
	}
	return rest
}

// splitOf is the opposite of Split.parts.
func splitOf(names []string, sets []*Dataset) (s Split) {
	for i, name := range names {
		switch name {
		case "train":
			s.Train = sets[i]
		case "val":
			s.Val = sets[i]
		case "test":
			s.Test = sets[i]
		}
	}
	return s
}

// noteCopies is d with notes about pictures that other, the part of that name, has too.
func (d *Dataset) noteCopies(copies []NearCopy, other *Dataset, name string) *Dataset {
	noted := *d
	noted.report.notes = append([]Count(nil), d.report.notes...)
	var identical, alike []string
	for _, c := range copies {
		if c.Identical {
			identical = append(identical, d.Path(c.Picture))
			continue
		}
		alike = append(alike, fmt.Sprintf("%s as %s", d.Path(c.Picture), other.Path(c.Of)))
	}
	noted.report.note("picture that "+name+" has too", identical...)
	noted.report.note("picture that "+name+" shows too, encoded or sized anew", alike...)
	if name == "train" {
		noted.report.copies = len(copies)
	}
	return &noted
}

// withoutCopies is d, the part called mine, without the pictures that other has too.
func (d *Dataset) withoutCopies(copies []NearCopy, other *Dataset, mine, theirs string) (*Dataset, error) {
	why := make(map[int]string, len(copies))
	for _, c := range copies {
		why[c.Picture] = "shows the same as " + other.Path(c.Of)
	}
	rest, err := d.without(why, "the part "+theirs+" has the picture too")
	return rest, errors.Wrapf(err, "datasets: without the pictures that the part %s has too, %s cannot be used", theirs, mine)
}

// without is d without the pictures that why names, and without classes that are empty then.
func (d *Dataset) without(why map[int]string, reason string) (*Dataset, error) {
	left := make([]int, d.NumClasses())
	for i, class := range d.labels {
		if _, out := why[i]; !out && class != NoClass {
			left[class]++
		}
	}
	rest := &Dataset{store: d.store, traits: d.traits, pairs: d.pairs, report: d.report}
	number := make([]int, len(left))
	for class, n := range left {
		if number[class] = len(rest.classes); n > 0 {
			rest.classes = append(rest.classes, d.classes[class])
		}
	}
	if len(rest.classes) < 2 {
		return nil, errors.Errorf("%d of its %d classes are left, want 2 at least", len(rest.classes), len(left))
	}
	rest.report.skipped = append([]Skip(nil), d.report.skipped...)
	for i := range d.rows {
		if detail, out := why[i]; out {
			rest.report.skipped = append(rest.report.skipped, Skip{Path: d.Path(i), Reason: reason, Detail: detail})
			continue
		}
		label := NoClass
		if c := d.labels[i]; c != NoClass {
			label = number[c]
		}
		rest.take(d, i, label)
	}
	return rest, nil
}
