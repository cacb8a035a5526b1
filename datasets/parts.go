package datasets

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// partNames are the folders and words that make a split, as people name them.
var partNames = map[string]string{
	"train": "train", "training": "train", "images_background": "train",
	"val": "val", "valid": "val", "validation": "val",
	"test": "test", "testing": "test", "images_evaluation": "test",
	"query": "query", "gallery": "gallery",
}

// titles are the parts in the order in which they are opened; query and gallery are two
// halves of the test part.
var titles = []string{"train", "val", "test", "query", "gallery"}

// foldersByTitle returns the folders that are named as parts.
func (d *directory) foldersByTitle() map[string]string {
	found := make(map[string]string)
	for _, name := range d.folders {
		if title, ok := partNames[strings.ToLower(name)]; ok && found[title] == "" {
			found[title] = name
		}
	}
	return found
}

// hasParts reports whether there are folders train and one of test, val, query, gallery;
// or query and gallery with folders of classes in them, to test with.
func hasParts(d *directory) bool {
	f := d.foldersByTitle()
	if f["train"] != "" {
		return len(f) >= 2
	}
	return f["query"] != "" && f["gallery"] != "" && len(d.inside(f["query"]).folders) > 0 && len(d.inside(f["gallery"]).folders) > 0
}

// readParts takes each folder below those of the parts as a class, or reads the table
// that lies in a part.
func readParts(d *directory) (*offer, error) {
	found := d.foldersByTitle()
	w := &walker{source: d.source, seen: make(map[string]string)}
	b := newPartsByTitle()
	var used []string
	table, classFiles := false, false
	for _, title := range titles {
		if found[title] == "" {
			continue
		}
		used = append(used, found[title])
		inside := d.inside(found[title])
		if hasTable(inside) {
			table = true
			own := newPartsByTitle()
			if err := own.addTable(inside, title); err != nil {
				return nil, err
			}
			inside.tellUnlisted(own.list())
			for _, p := range own.list() {
				b.add(p, p.title)
			}
			continue
		}
		if t, err := d.solutionOf(title, inside); err != nil {
			return nil, err
		} else if t != nil {
			own := newPartsByTitle()
			if err := t.addTo(own, title); err != nil {
				return nil, errors.WithMessage(err, printable(t.name))
			}
			inside.tellUnlisted(own.list())
			b.add(own.list()[0], title)
			continue
		}
		p := &part{}
		byFiles, err := inside.addWhole(p, w)
		if err != nil {
			return nil, err
		}
		classFiles = classFiles || byFiles
		if len(p.candidates) == 0 && title != "train" && len(b.parts) > 0 {
			b.list()[0].skipped = append(b.list()[0].skipped, p.skipped...) // pictures to be labelled by others, as contests have them
			continue
		}
		b.add(p, title)
	}
	of := &offer{kind: "folder", table: table, layout: partsLayout(d, b, used), parts: b.list()}
	if classFiles {
		of.layout = "WebDataset"
	}
	d.beside(of.parts[0], used...)
	hiddenBeside(d, of.parts[0])
	return of, nil
}

// hiddenBeside tells of what a directory leaves out.
func hiddenBeside(d *directory, p *part) {
	entries, err := d.source.readDir(d.dir)
	if err != nil {
		return // it was read a moment ago
	}
	for _, e := range entries {
		if reason := ignoreReason(e.Name()); reason != "" {
			p.skip(show(d.source, d.at(e.Name())), reason, "")
		}
	}
}

var synset = regexp.MustCompile(`^n[0-9]{8}$`)

// partsLayout names what the folders of parts amount to.
func partsLayout(d *directory, b *partsByTitle, used []string) string {
	if slices.Contains(used, "images_background") {
		return "Omniglot, as it is published"
	}
	p := b.parts["train"]
	if strings.HasSuffix(d.dir, "CLS-LOC") || p != nil && len(p.candidates) > 0 && !slices.ContainsFunc(p.candidates, func(c candidate) bool { return !synset.MatchString(c.class) }) {
		return "ImageNet"
	}
	return "folders " + strings.Join(used, ", ")
}

// partsByTitle collects parts; query and gallery go to the test part with their roles.
type partsByTitle struct{ parts map[string]*part }

func newPartsByTitle() *partsByTitle { return &partsByTitle{parts: make(map[string]*part)} }

// of returns the part of a title, and the role that the title stands for.
func (b *partsByTitle) of(title string) (*part, Role) {
	role := QueryAndGallery
	switch title {
	case "query":
		title, role = "test", Query
	case "gallery":
		title, role = "test", Gallery
	}
	if b.parts[title] == nil {
		b.parts[title] = &part{title: title}
	}
	return b.parts[title], role
}

// add puts what p holds into the part of a title.
func (b *partsByTitle) add(p *part, title string) {
	to, role := b.of(title)
	for _, c := range p.candidates {
		if role != QueryAndGallery {
			c.role = role
			c.camera = cameraOf(c.name)
		}
		to.candidates = append(to.candidates, c)
	}
	to.empty = append(to.empty, p.empty...)
	to.skipped = append(to.skipped, p.skipped...)
	to.notes = append(to.notes, p.notes...)
}

// list returns the parts in order.
func (b *partsByTitle) list() []*part {
	var parts []*part
	for _, title := range titles {
		if p := b.parts[title]; p != nil {
			parts = append(parts, p)
		}
	}
	return parts
}

// hasPartsBelow reports whether every folder, being a class, is parted into train and
// test.
func hasPartsBelow(d *directory) bool {
	if len(d.folders) < 2 || d.pictures() {
		return false
	}
	seen := make(map[string]bool)
	for _, class := range d.folders {
		in := d.inside(class)
		if in.pictures() || len(in.folders) == 0 {
			return false
		}
		for _, f := range in.folders {
			title, ok := partNames[strings.ToLower(f)]
			if !ok || title == "query" || title == "gallery" {
				return false
			}
			seen[title] = true
		}
	}
	return seen["train"] && len(seen) >= 2
}

// readPartsBelow reads CLASS/train/… and CLASS/test/….
func readPartsBelow(d *directory) (*offer, error) {
	b := newPartsByTitle()
	w := &walker{source: d.source, seen: make(map[string]string)}
	for _, class := range d.folders {
		in := d.inside(class)
		for _, f := range in.folders {
			p := &part{}
			w.within = class
			if err := w.walkPart(p, in.at(f)); err != nil {
				return nil, err
			}
			b.add(p, partNames[strings.ToLower(f)])
		}
	}
	of := &offer{kind: "folder", layout: "train and test folders in each class", parts: b.list()}
	d.beside(of.parts[0], d.folders...)
	hiddenBeside(d, of.parts[0])
	return of, nil
}
