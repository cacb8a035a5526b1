package datasets

import (
	"io/fs"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// OpenFolder reads the pictures under dir. A class is the folder of a picture, named by
// its path below dir, at any depth: "Latin/character01". If dir holds folders train and
// test (or val, or query and gallery), these become the parts of the split and the classes
// are named below them. Well-known data sets are recognised by their lists and names, and
// a table beside the pictures is read where it says more than the folders; docs/datasets.md
// lists what is. A dir that holds nothing but one folder with such is seen through. Names
// that look like parts where classes should be are a *Question.
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
	of, err := recognise(src, o)
	if err != nil {
		return Split{}, errors.WithMessagef(err, "datasets: %s", origin)
	}
	if o.Columns != "" && !of.table {
		return Split{}, errors.Errorf("datasets: columns are named, %q, but %s is read by its folders, not by a table", o.Columns, origin)
	}
	for _, name := range o.besides {
		of.parts[0].skip(printable(name), reasonNoPicture, "")
	}
	if err := checkCandidates(of.parts, origin); err != nil {
		return Split{}, err
	}
	return openParts(src, o, origin, of)
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

// ignoreReason returns why a name is never looked at, or "".
func ignoreReason(name string) string {
	switch {
	case slices.Contains([]string{"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}, name),
		strings.EqualFold(name, "Thumbs.db"), strings.EqualFold(name, "desktop.ini"), strings.EqualFold(name, "ehthumbs.db"):
		return reasonSystem
	case strings.HasPrefix(name, "."):
		return reasonHidden
	}
	return ""
}

// openParts decodes the parts of an offer and makes a split of them.
func openParts(src source, o Options, origin string, of *offer) (Split, error) {
	sets, err := gather(src, o, origin, of)
	if err != nil {
		return Split{}, err
	}
	s := Split{byClass: of.byClass}
	for i, p := range of.parts {
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
