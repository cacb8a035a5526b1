package datasets

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// assemble makes a Dataset of the candidates that could be read; offset is the first
// candidate's row in the store.
func assemble(g *gatherer, p *part, outcomes []outcome, offset int) *Dataset {
	d := &Dataset{store: g.store}
	d.report = report{formats: make(map[string]int), notes: p.notes}
	skipped := slices.Clone(p.skipped)
	leave := findDuplicates(&d.report, g, p, outcomes, offset)
	names := make(map[string]bool) // classes with a picture
	tried := make(map[string]bool)
	for i, o := range outcomes {
		c := p.candidates[i]
		if !c.noClass {
			tried[c.class] = true
		}
		var why *problem
		switch {
		case errors.As(o.err, &why):
			skipped = append(skipped, Skip{g.store.path(offset + i), why.reason, printable(why.detail)})
		case leave[i] != "":
			skipped = append(skipped, Skip{g.store.path(offset + i), reasonDuplicate, leave[i]})
		case !c.noClass:
			names[c.class] = true
		}
	}
	number := d.numberClasses(names)
	for i, o := range outcomes {
		if o.err == nil && leave[i] == "" {
			d.rows = append(d.rows, int32(offset+i))
			label := NoClass
			if c := p.candidates[i]; !c.noClass {
				label = number[c.class]
			}
			d.labels = append(d.labels, label)
			d.report.formats[o.format]++
		}
	}
	slices.SortStableFunc(skipped, func(a, b Skip) int { return strings.Compare(a.Path, b.Path) })
	d.report.skipped = skipped
	d.report.originals = sizesOf(outcomes)
	d.report.note("empty class folder", p.empty...)
	d.report.note("class without a readable picture", missing(tried, names)...)
	d.report.note("class name that looks like another's", lookalikes(d.classes)...)
	notePictures(&d.report, g, outcomes, offset)
	return d
}

// numberClasses sets d.classes and returns the number of each raw class name.
func (d *Dataset) numberClasses(names map[string]bool) map[string]int {
	var sorted []string
	for name := range names {
		sorted = append(sorted, name)
	}
	slices.Sort(sorted)
	number := make(map[string]int, len(sorted))
	for i, name := range sorted {
		number[name] = i
		d.classes = append(d.classes, printable(name))
	}
	return number
}

// missing returns the names that were tried and are not among the good ones.
func missing(tried, good map[string]bool) []string {
	var names []string
	for name := range tried {
		if !good[name] {
			names = append(names, printable(name))
		}
	}
	slices.Sort(names)
	return names
}

// findDuplicates notes byte-identical pictures in r and returns why each is to be left
// out: "" unless Options.DropDuplicates.
func findDuplicates(r *report, g *gatherer, p *part, outcomes []outcome, offset int) []string {
	type copies struct {
		first, n int
		conflict bool // they stand in several classes
	}
	groups := make(map[[sha256.Size]byte]copies)
	for i := range outcomes {
		o := &outcomes[i]
		if o.err != nil {
			continue
		}
		group, known := groups[o.hash]
		if !known {
			group.first = i
		}
		group.n++
		group.conflict = group.conflict || p.candidates[i].class != p.candidates[group.first].class
		groups[o.hash] = group
	}
	leave := make([]string, len(outcomes))
	var repeated, disputed []string
	for i := range outcomes { // in order of path, unlike groups
		group := groups[outcomes[i].hash]
		if outcomes[i].err != nil || group.n < 2 {
			continue
		}
		path := g.store.path(offset + i)
		var why string
		switch {
		case group.conflict:
			disputed = append(disputed, path)
			why = "the same file stands in several classes"
		case i != group.first:
			repeated = append(repeated, path)
			why = "the same file as " + g.store.path(offset+group.first)
		}
		if g.options.DropDuplicates {
			leave[i] = why
		}
	}
	if !g.options.DropDuplicates {
		r.note("picture that repeats another of its class", repeated...)
		r.note("picture that stands in several classes", disputed...)
	}
	return leave
}

// notePictures notes what was read but may not be what was meant.
func notePictures(r *report, g *gatherer, outcomes []outcome, offset int) {
	var blank, faded []string
	for i, o := range outcomes {
		if o.err != nil {
			continue
		}
		if o.blank {
			blank = append(blank, g.store.path(offset+i))
		}
		if o.colour && g.options.Channels == 1 {
			faded = append(faded, g.store.path(offset+i))
		}
	}
	r.note("picture of a single colour", blank...)
	r.note("colour picture made grey", faded...)
	noteLevels(r, g, outcomes, offset)
	noteRemarks(r, g, outcomes, offset)
}

// noteRemarks notes what became of colours.
func noteRemarks(r *report, g *gatherer, outcomes []outcome, offset int) {
	for _, remark := range remarks {
		var paths []string
		for i, o := range outcomes {
			if o.err == nil && o.remark == remark {
				paths = append(paths, g.store.path(offset+i))
			}
		}
		r.note(remark, paths...)
	}
}

// sizesOf tells the sizes of the files that could be read.
func sizesOf(outcomes []outcome) string {
	var small, large *outcome
	for i := range outcomes {
		o := &outcomes[i]
		if o.err != nil {
			continue
		}
		if small == nil || o.width*o.height < small.width*small.height {
			small = o
		}
		if large == nil || o.width*o.height > large.width*large.height {
			large = o
		}
	}
	if small == nil {
		return ""
	}
	a, b := sizeString(small.width, small.height), sizeString(large.width, large.height)
	if a == b {
		return a
	}
	return a + " … " + b
}

// log writes what was opened.
func (s Split) log(l *slog.Logger) {
	if l == nil {
		return
	}
	names, sets := s.parts()
	for i, d := range sets {
		sum := d.Summary()
		l.Info("data", "part", names[i], "classes", sum.Classes, "pictures", sum.Pictures,
			"size", fmt.Sprintf("%d×%d×%d", sum.Channels, sum.Height, sum.Width), "skipped", len(d.report.skipped))
		for _, c := range sum.Skipped {
			l.Warn("skipped", "part", names[i], "reason", c.What, "count", c.Count, "examples", c.Examples)
		}
		for _, c := range sum.Notes {
			l.Warn("noted", "part", names[i], "what", c.What, "count", c.Count, "examples", c.Examples)
		}
	}
}
