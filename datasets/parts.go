package datasets

import (
	"regexp"
	"slices"
	"strings"
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
func (l *directory) foldersByTitle() map[string]string {
	found := make(map[string]string)
	for _, name := range l.folders {
		if title, ok := partNames[strings.ToLower(name)]; ok && found[title] == "" {
			found[title] = name
		}
	}
	return found
}

// hasParts reports whether there are folders train and one of test, val, query, gallery;
// or query and gallery with folders of classes in them, to test with.
func hasParts(l *directory) bool {
	f := l.foldersByTitle()
	if f["train"] != "" {
		return len(f) >= 2
	}
	return f["query"] != "" && f["gallery"] != "" && len(l.inside(f["query"]).folders) > 0 && len(l.inside(f["gallery"]).folders) > 0
}

// readParts takes each folder below those of the parts as a class, or reads the table
// that lies in a part.
func readParts(l *directory) (*offer, error) {
	found := l.foldersByTitle()
	w := &walker{source: l.source, seen: make(map[string]string)}
	b := newPartsByTitle()
	var used []string
	table := false
	for _, title := range titles {
		if found[title] == "" {
			continue
		}
		used = append(used, found[title])
		inside := l.inside(found[title])
		if hasTable(inside) {
			table = true
			if err := b.addTable(inside, title); err != nil {
				return nil, err
			}
			continue
		}
		p := &part{}
		if err := w.walkPart(p, inside.dir); err != nil {
			return nil, err
		}
		b.add(p, title)
	}
	of := &offer{kind: "folder", table: table, layout: partsLayout(l, b, used), parts: b.list()}
	l.beside(of.parts[0], used...)
	hiddenBeside(l, of.parts[0])
	return of, nil
}

// hiddenBeside tells of what a directory leaves out.
func hiddenBeside(l *directory, p *part) {
	entries, err := l.source.readDir(l.dir)
	if err != nil {
		return // it was read a moment ago
	}
	for _, e := range entries {
		if reason := leftAlone(e.Name()); reason != "" {
			p.skip(l.source.show(l.at(e.Name())), reason, "")
		}
	}
}

var synset = regexp.MustCompile(`^n[0-9]{8}$`)

// partsLayout names what the folders of parts amount to.
func partsLayout(l *directory, b *partsByTitle, used []string) string {
	if slices.Contains(used, "images_background") {
		return "Omniglot, as it is published"
	}
	p := b.parts["train"]
	if strings.HasSuffix(l.dir, "CLS-LOC") || p != nil && len(p.candidates) > 0 && !slices.ContainsFunc(p.candidates, func(c candidate) bool { return !synset.MatchString(c.class) }) {
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
func hasPartsBelow(l *directory) bool {
	if len(l.folders) < 2 || l.pictures() {
		return false
	}
	seen := make(map[string]bool)
	for _, class := range l.folders {
		in := l.inside(class)
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
func readPartsBelow(l *directory) (*offer, error) {
	b := newPartsByTitle()
	w := &walker{source: l.source, seen: make(map[string]string)}
	for _, class := range l.folders {
		in := l.inside(class)
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
	l.beside(of.parts[0], l.folders...)
	hiddenBeside(l, of.parts[0])
	return of, nil
}
