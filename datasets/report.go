package datasets

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"medusa/internal/field"
)

// Skip is one thing that was left out, and why.
type Skip struct {
	Path   string `json:"path"`             // safe to print
	Reason string `json:"reason"`           // one of a few fixed phrases
	Detail string `json:"detail,omitempty"` // what the decoder said, or where a link leads
}

// Expected reports whether it was to be expected beside pictures: it is hidden, of another kind and without a
// picture's name, or another name of what is read.
func (s Skip) Expected() bool {
	switch s.Reason {
	case reasonHidden, reasonSystem, reasonSeen:
		return true
	case reasonNoPicture, reasonEmpty, reasonSpecial, reasonLink:
		return !hasPictureName(s.Path)
	}
	return false
}

// IsFolder reports whether it is a folder that cannot be listed, of which nobody knows how many pictures are in it.
func (s Skip) IsFolder() bool { return s.Reason == reasonNoFolder }

// Limit is the field of Options that it is above, such as MaxPixels; empty if it is above none.
func (s Skip) Limit() string { return string(limits[s.Reason]) }

// Count is a number of things of one kind, with up to five examples.
type Count struct {
	What     string   `json:"what"`
	Count    int      `json:"count"`
	Examples []string `json:"examples,omitempty"`
	Detail   string   `json:"detail,omitempty"` // the commonest of what is known besides: what such a file is, what to do
	Limit    string   `json:"limit,omitempty"`  // the field of Options that they are above, such as MaxPixels
}

// ClassSize is a class and its number of pictures.
type ClassSize struct {
	Name     string `json:"name"`
	Pictures int    `json:"pictures"`
}

// Summary tells what a data set consists of. Sizes of files and pictures are those
// before resizing.
type Summary struct {
	Source   string    `json:"source"`             // folder or file
	Kind     string    `json:"kind"`               // folder, manifest, idx, vectors or omniglot
	Layout   string    `json:"layout,omitempty"`   // the data set or arrangement that was recognised, such as CUB-200-2011
	Protocol string    `json:"protocol,omitempty"` // how it was parted into training and test, in a sentence
	Classes  int       `json:"classes"`
	Pictures int       `json:"pictures"`
	Queries  int       `json:"queries,omitempty"` // with Gallery, where these are not simply all pictures
	Gallery  int       `json:"gallery,omitempty"`
	Cameras  int       `json:"cameras,omitempty"`
	Pairs    int       `json:"pairs,omitempty"`        // of a verification test
	Listed   int       `json:"pairs_listed,omitempty"` // the same, with pairs of which a picture is not here
	Smallest ClassSize `json:"smallest"`
	Largest  ClassSize `json:"largest"`
	// Singletons counts classes of one picture: kept, for they can be negatives and
	// part of a gallery, but such a picture never has a positive.
	Singletons int `json:"singletons,omitempty"`
	// Copies counts pictures that train has too, or shows encoded or sized anew; Split.TellCopies
	// finds them.
	Copies int `json:"copies,omitempty"`

	Channels int   `json:"channels"` // as stored
	Height   int   `json:"height"`
	Width    int   `json:"width"`
	Bytes    int64 `json:"bytes"`             // of the decoded pictures of all that was opened together
	OnDisk   bool  `json:"on_disk,omitempty"` // they are in a cache file
	Kept     int   `json:"kept,omitempty"`    // pictures that Options.KeepCache found decoded, of all that was opened together

	Originals string  `json:"originals,omitempty"` // "28×28" or "3×2000 … 2250×3000"
	Formats   []Count `json:"formats,omitempty"`   // pictures by format, most frequent first
	Skipped   []Count `json:"skipped,omitempty"`   // left out, by reason, most frequent first
	Notes     []Count `json:"notes,omitempty"`     // kept, but worth knowing: duplicates, empty classes …
}

// report is what opening found out about a part and cannot be seen from its pictures.
type report struct {
	source, kind string
	layout       string
	protocol     string
	originals    string
	formats      map[string]int
	skipped      []Skip
	notes        []Count
	copies       int // of pictures of train
}

// note adds an observation, with up to five examples.
func (r *report) note(what string, examples ...string) {
	if len(examples) > 0 {
		r.notes = append(r.notes, Count{What: what, Count: len(examples), Examples: firstFew(examples)})
	}
}

// Summary tells what d consists of.
func (d *Dataset) Summary() Summary {
	c, h, w := d.Shape()
	s := Summary{
		Source: d.report.source, Kind: d.report.kind, Layout: d.report.layout, Protocol: d.report.protocol, Classes: d.NumClasses(), Pictures: d.Len(),
		Channels: c, Height: h, Width: w,
		Bytes: d.store.total(), OnDisk: d.store.onDisk(),
		Originals: d.report.originals, Skipped: countReasons(d.report.skipped), Notes: slices.Clone(d.report.notes), Copies: d.report.copies,
	}
	if d.store.kept != nil {
		s.Kept = int(d.store.kept.taken.Load())
	}
	if d.HasRoles() {
		s.Queries, s.Gallery = len(d.Queries()), len(d.Gallery())
	}
	s.Cameras, s.Pairs = len(d.Cameras().Names), len(d.Pairs())
	if s.Pairs > 0 {
		s.Listed = d.traits.listedPairs
	}
	for format, n := range d.report.formats {
		s.Formats = append(s.Formats, Count{What: format, Count: n})
	}
	mostFirst(s.Formats)
	s.countSizes(d.classes, d.labels)
	return s
}

// countSizes fills in what the sizes of the classes are.
func (s *Summary) countSizes(classes []string, labels []int) {
	for class, n := range classSizes(len(classes), labels) {
		if class == 0 || n < s.Smallest.Pictures {
			s.Smallest = ClassSize{classes[class], n}
		}
		if class == 0 || n > s.Largest.Pictures {
			s.Largest = ClassSize{classes[class], n}
		}
		if n == 1 {
			s.Singletons++
		}
	}
}

// Skipped returns everything that was left out when d was opened, in order of path.
// The slice is shared: do not change it.
func (d *Dataset) Skipped() []Skip { return d.report.skipped }

// countReasons groups what was left out by reason.
func countReasons(skipped []Skip) []Count {
	byReason := make(map[string]*Count)
	details := make(map[string]map[string]int) // how often each is given, by reason
	var counts []Count
	for _, s := range skipped {
		c := byReason[s.Reason]
		if c == nil {
			c = &Count{What: s.Reason, Limit: string(limits[s.Reason])}
			byReason[s.Reason], details[s.Reason] = c, make(map[string]int)
		}
		c.Count++
		given := details[s.Reason]
		if given[s.Detail]++; s.Detail != "" && (c.Detail == "" || given[s.Detail] > given[c.Detail]) {
			c.Detail = s.Detail
		}
		if len(c.Examples) < examplesShown {
			c.Examples = append(c.Examples, s.Path)
		}
	}
	for _, c := range byReason {
		counts = append(counts, *c)
	}
	mostFirst(counts)
	return counts
}

// examplesShown is how many examples a Count carries.
const examplesShown = 5

func firstFew(all []string) []string { return slices.Clone(all[:min(len(all), examplesShown)]) }

// mostFirst sorts counts by number, then by name.
func mostFirst(counts []Count) {
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.What, b.What))
	})
}

// limits are the fields of Options that let in what was left out for a reason.
var limits = map[string]field.Name{reasonPixels: "MaxPixels", reasonBytes: "MaxFileBytes"}

// String returns "what: n (example, example …): detail", and which field of Options to raise.
func (c Count) String() string {
	return c.In(func(option string) string { return "Options." + option })
}

// In is String in other words for the fields of Options, such as those of a program's flags.
func (c Count) In(name func(option string) string) string {
	s := c.list()
	if c.Detail != "" {
		s += ": " + c.Detail
	}
	if c.Limit != "" {
		s += ": raise " + name(c.Limit)
	}
	return s
}

// list is what, how many, and the examples.
func (c Count) list() string {
	s := fmt.Sprintf("%s: %d", c.What, c.Count)
	if len(c.Examples) == 0 {
		return s
	}
	s += " (" + strings.Join(c.Examples, ", ")
	if c.Count > len(c.Examples) {
		s += " …"
	}
	return s + ")"
}
