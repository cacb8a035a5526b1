package datasets

import (
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// walker lists the files of a tree with links. Every file and folder is taken once, by
// its real name: ordinary entries first, then what only links lead to. So loops end,
// and no picture comes twice under two labels.
type walker struct {
	source source
	seen   map[string]string // real name → name under which it was taken

	part   *part
	top    string // folder of the part: classes are named below it
	within string // class that the part is of, if it is of one; "" otherwise
	// unlabelled takes pictures as of no class, wherever they lie.
	unlabelled bool
	links      []string // to be followed

	// each, if not nil, gets what was found as soon as it is, and reports whether it wants more. Files that are no
	// links are not remembered then, so that memory does not grow with their number.
	each    func(found []candidate, skipped []Skip) bool
	stopped bool
}

// walkPart lists the files below folder as candidates of p.
func (w *walker) walkPart(p *part, folder string) error {
	w.part, w.top, w.links = p, folder, nil
	real, err := w.source.real(folder)
	if err != nil {
		return err
	}
	entries, err := w.source.readDir(folder)
	if err != nil {
		return err
	}
	w.seen[real] = folder
	w.entries(folder, real, entries)
	for len(w.links) > 0 && !w.stopped {
		link := w.links[0]
		w.links = w.links[1:]
		w.follow(link)
		w.handOver()
	}
	return nil
}

// folder lists one folder, which is not listed yet.
func (w *walker) folder(dir, real string) {
	entries, err := w.source.readDir(dir)
	if err != nil {
		w.part.skip(show(w.source, dir), reasonNoFolder, plainCause(err))
		return
	}
	if len(entries) == 0 {
		w.part.empty = append(w.part.empty, printable(w.class(dir)))
	}
	w.entries(dir, real, entries)
}

func (w *walker) entries(dir, real string, entries []fs.DirEntry) {
	for _, e := range entries {
		if w.handOver(); w.stopped {
			return
		}
		name, realName := path.Join(dir, e.Name()), filepath.Join(real, e.Name())
		if realName == name {
			realName = name // one text in memory for both, of each of millions of files
		}
		switch reason := ignoreReason(e.Name()); {
		case reason != "":
			w.part.skip(show(w.source, name), reason, "")
		case e.Type()&fs.ModeSymlink != 0:
			w.links = append(w.links, name)
		case e.IsDir():
			if w.take(name, realName) {
				w.folder(name, realName)
			}
		case e.Type().IsRegular() && w.each != nil:
			if first, ok := w.seen[realName]; ok {
				w.part.skip(show(w.source, name), reasonSeen, show(w.source, first))
			} else {
				w.file(name)
			}
		case e.Type().IsRegular():
			if w.take(name, realName) {
				w.file(name)
			}
		default:
			w.part.skip(show(w.source, name), reasonSpecial, e.Type().String())
		}
	}
	w.handOver()
}

// handOver gives what was found to each.
func (w *walker) handOver() {
	if w.each == nil || w.stopped || len(w.part.candidates)+len(w.part.skipped) == 0 {
		return
	}
	w.stopped = !w.each(w.part.candidates, w.part.skipped)
	w.part.candidates, w.part.skipped, w.part.empty = w.part.candidates[:0], w.part.skipped[:0], nil
}

// take reports whether real is new, and marks it.
func (w *walker) take(name, real string) bool {
	if first, ok := w.seen[real]; ok {
		w.part.skip(show(w.source, name), reasonSeen, show(w.source, first))
		return false
	}
	w.seen[real] = name
	return true
}

// follow lists what a link leads to.
func (w *walker) follow(link string) {
	info, err := w.source.stat(link)
	if err != nil {
		w.part.skip(show(w.source, link), reasonLink, plainCause(err))
		return
	}
	real, err := w.source.real(link)
	if err != nil {
		w.part.skip(show(w.source, link), reasonLink, plainCause(err))
		return
	}
	if w.holdsTop(real) {
		w.part.skip(show(w.source, link), reasonSeen, "leads to a folder that holds it")
		return
	}
	if folder, ok := w.seen[filepath.Dir(real)]; ok && w.each != nil && !info.IsDir() && ignoreReason(filepath.Base(real)) == "" {
		w.part.skip(show(w.source, link), reasonSeen, show(w.source, path.Join(folder, filepath.Base(real))))
		return
	}
	if !w.take(link, real) {
		return
	}
	switch {
	case info.IsDir():
		w.folder(link, real)
	case info.Mode().IsRegular():
		w.file(link)
	default:
		w.part.skip(show(w.source, link), reasonSpecial, info.Mode().Type().String())
	}
}

// holdsTop reports whether the part lies inside of real: to follow such a link would
// be to list everything around the data.
func (w *walker) holdsTop(real string) bool {
	top, err := w.source.real(w.top)
	if err != nil {
		return false
	}
	inside, err := filepath.Rel(real, top)
	return err == nil && inside != ".." && !strings.HasPrefix(inside, ".."+string(filepath.Separator))
}

// file makes a file a candidate, if it lies in a class.
func (w *walker) file(name string) {
	class := w.class(path.Dir(name))
	switch {
	case w.unlabelled && w.each != nil && class != ".":
		w.part.candidates = append(w.part.candidates, candidate{name: name, class: classWithoutPart(class)})
	case w.unlabelled:
		w.part.candidates = append(w.part.candidates, candidate{name: name, noClass: true})
	case class != ".":
		w.part.candidates = append(w.part.candidates, candidate{name: name, class: class})
	case hasPictureName(name):
		w.part.skip(show(w.source, name), reasonNoClass, "")
	default:
		w.part.skip(show(w.source, name), reasonNoPicture, "")
	}
}

// class is the path of dir below the part's folder; "." for that folder itself, unless
// the part is of one class.
func (w *walker) class(dir string) string {
	below := dir
	switch {
	case dir == w.top:
		below = "."
	case w.top != ".":
		below = strings.TrimPrefix(dir, w.top+"/")
	}
	return path.Join(w.within, below)
}

// classWithoutPart is a class without the name of a part of the data before it, such as train in
// train/bmw.
func classWithoutPart(class string) string {
	if first, rest, deeper := strings.Cut(class, "/"); deeper && partNames[strings.ToLower(first)] != "" {
		return rest
	}
	return class
}
