package datasets

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// OpenFolder reads the pictures under dir. A class is the folder of a picture, named by
// its path below dir, at any depth: "Latin/character01". If dir holds folders train and
// test (or val), these become the parts of the split and the classes are named below
// them; a dir that holds nothing but one folder with such a pair is seen through.
//
// Links are followed, each file and folder being read once under its first name; hidden
// files, and what operating systems leave behind, are not read. What was left out, and
// why, stands in Summary.
func OpenFolder(dir string, o Options) (Split, error) {
	return openTree(diskSource{dir}, printable(dir), o)
}

// OpenFS is OpenFolder for a file system.
func OpenFS(fsys fs.FS, o Options) (Split, error) {
	return openTree(fsSource{fsys}, "file system", o)
}

func openTree(src source, origin string, o Options) (Split, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Split{}, err
	}
	info, err := src.stat(".")
	if err != nil {
		return Split{}, errors.Wrapf(err, "datasets: folder of pictures %s", origin)
	}
	if !info.IsDir() {
		return Split{}, errors.Errorf("datasets: %s is a file, want a folder of pictures", origin)
	}
	src = &toldSource{source: src, told: func(seen int) { o.progress(seen, 0) }}
	parts, err := findParts(src)
	if err != nil {
		return Split{}, errors.Wrapf(err, "datasets: folder of pictures %s", origin)
	}
	if err := checkCandidates(parts, origin); err != nil {
		return Split{}, err
	}
	return openParts(src, o, origin, "folder", parts)
}

// checkCandidates says what to do about a tree without pictures.
func checkCandidates(parts []*part, origin string) error {
	for _, p := range parts {
		if len(p.candidates) > 0 {
			return nil
		}
	}
	for _, s := range parts[0].skipped {
		if s.Reason == reasonNoClass {
			return errors.Errorf("datasets: the pictures of %s lie in no class folder: make one folder a class below it, or give a CSV manifest with columns path and label", origin)
		}
	}
	return withReasons(parts, "no pictures under %s: give a folder with one folder of pictures a class", origin)
}

// withReasons is an error that lists why things were left out, each reason on a line.
func withReasons(parts []*part, format string, args ...any) error {
	var all []Skip
	for _, p := range parts {
		all = append(all, p.skipped...)
	}
	for _, c := range countReasons(all) {
		limit := c.Limit
		c.Limit = ""
		format, args = format+"\n  %s", append(args, c.String())
		if limit != "" {
			format, args = format+": raise %s", append(args, field.Name(limit))
		}
	}
	return wrongOption(format, args...)
}

// partNames are the folders that make a split, as people name them.
var partNames = map[string]string{
	"train": "train", "training": "train",
	"val": "val", "valid": "val", "validation": "val",
	"test": "test", "testing": "test",
}

// findParts walks src: one part, or those of a split.
func findParts(src source) ([]*part, error) {
	root, folders, err := findSplit(src)
	if err != nil {
		return nil, err
	}
	w := &walker{source: src, seen: make(map[string]string)}
	if folders == nil {
		p := &part{}
		return []*part{p}, w.walkPart(p, root)
	}
	var parts []*part
	for _, title := range []string{"train", "val", "test"} {
		if folder, ok := folders[title]; ok {
			p := &part{title: title}
			if err := w.walkPart(p, folder); err != nil {
				return nil, err
			}
			parts = append(parts, p)
		}
	}
	return parts, w.tellBeside(parts[0], root, folders)
}

// findSplit returns the folder of classes and nil, or the folder of a split and its
// parts by title.
func findSplit(src source) (root string, folders map[string]string, err error) {
	for dir := "."; ; {
		entries, err := src.readDir(dir)
		if err != nil {
			return "", nil, err
		}
		var inside []string
		pictures := false
		folders := make(map[string]string)
		for _, e := range entries {
			name := path.Join(dir, e.Name())
			if leftAlone(e.Name()) != "" {
				continue
			}
			if info, err := src.stat(name); err != nil || !info.IsDir() {
				pictures = pictures || hasPictureName(name)
				continue
			}
			inside = append(inside, name)
			if title, ok := partNames[strings.ToLower(e.Name())]; ok && folders[title] == "" {
				folders[title] = name
			}
		}
		if folders["train"] != "" && len(folders) >= 2 {
			return dir, folders, nil
		}
		if len(inside) != 1 || pictures || strings.Count(inside[0], "/") > 7 {
			return ".", nil, nil
		}
		if dir = inside[0]; dir == folders["train"] {
			return dir, nil, nil
		}
	}
}

// leftAlone returns why a name is never looked at, or "".
func leftAlone(name string) string {
	switch {
	case slices.Contains([]string{"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}, name),
		strings.EqualFold(name, "Thumbs.db"), strings.EqualFold(name, "desktop.ini"), strings.EqualFold(name, "ehthumbs.db"):
		return reasonSystem
	case strings.HasPrefix(name, "."):
		return reasonHidden
	}
	return ""
}

// tellBeside puts what stands beside the folders of a split on p's list.
func (w *walker) tellBeside(p *part, root string, folders map[string]string) error {
	entries, err := w.source.readDir(root)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(root, e.Name())
		reason := leftAlone(e.Name())
		if reason == "" {
			reason = reasonBeside
		}
		if title := partNames[strings.ToLower(e.Name())]; title == "" || folders[title] != name {
			p.skip(w.source.show(name), reason, "")
		}
	}
	return nil
}

// openParts decodes parts and makes a split of them.
func openParts(src source, o Options, origin, kind string, parts []*part) (Split, error) {
	sets, err := gather(src, o, origin, kind, parts)
	if err != nil {
		return Split{}, err
	}
	var s Split
	for i, p := range parts {
		if err := sets[i].checkClasses(origin, p); err != nil {
			sets[i].Close()
			return Split{}, err
		}
		switch p.title {
		case "val":
			s.Val = sets[i]
		case "test":
			s.Test = sets[i]
		default:
			s.Train = sets[i]
		}
	}
	s.log(o.Logger)
	return s, nil
}

// checkClasses refuses what cannot be learnt from or tested on.
func (d *Dataset) checkClasses(origin string, p *part) error {
	where := origin
	if p.title != "" {
		where += " (" + p.title + ")"
	}
	switch d.NumClasses() {
	case 0:
		return withReasons([]*part{{skipped: d.report.skipped}}, "no readable pictures in %s", where)
	case 1:
		return errors.Errorf("datasets: %s has only the class %q: metric learning compares classes, so at least two are needed; each folder of pictures is a class", where, d.classes[0])
	}
	return nil
}
