package datasets

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// layout is an arrangement of folders and lists that is recognised.
type layout struct {
	has  func(l *directory) bool // whether a folder holds it, by the names in it
	read func(l *directory) (*offer, error)
	// lists are files of the layout that mean nothing alone: given one of them, the
	// folder around it is opened.
	lists []string
}

// layouts are tried in this order in each folder.
var layouts = []layout{
	{has: hasCUB, read: readCUB, lists: []string{"images.txt", "image_class_labels.txt", "train_test_split.txt", "classes.txt"}},
	{has: hasCars, read: readCars, lists: []string{"cars_annos.mat", "cars_train_annos.mat", "cars_test_annos_withlabels.mat", "cars_meta.mat"}},
	{has: hasProducts, read: readProducts},
	{has: hasInShop, read: readInShop, lists: []string{"list_eval_partition.txt"}},
	{has: hasReID, read: readReID},
	{has: hasLFW, read: readLFW, lists: []string{"pairs.txt"}},
	{has: hasClassFiles, read: readClassFiles},
	{has: hasTable, read: readTableBeside},
	{has: hasParts, read: readParts},
	{has: hasPartsBelow, read: readPartsBelow},
}

// directory is what lies in one folder, without what is never looked at.
type directory struct {
	source  source
	options Options
	dir     string
	folders []string // names, in order
	files   []string

	found *besides // the tables in it, once they were looked for
}

func readDirectory(src source, dir string, o Options) (*directory, error) {
	entries, err := src.readDir(dir)
	if err != nil {
		return nil, err
	}
	l := &directory{source: src, options: o, dir: dir}
	for _, e := range entries {
		if leftAlone(e.Name()) != "" {
			continue
		}
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := src.stat(path.Join(dir, e.Name()))
			isDir = err == nil && info.IsDir()
		}
		if isDir {
			l.folders = append(l.folders, e.Name())
		} else {
			l.files = append(l.files, e.Name())
		}
	}
	return l, nil
}

// at returns the path of a name in the folder.
func (l *directory) at(name string) string { return path.Join(l.dir, name) }

// file and folder return the name as it is written here, whatever its case; "" if there
// is none.
func (l *directory) file(name string) string   { return named(l.files, name) }
func (l *directory) folder(name string) string { return named(l.folders, name) }

func named(names []string, want string) string {
	if slices.Contains(names, want) {
		return want
	}
	i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, want) })
	if i < 0 {
		return ""
	}
	return names[i]
}

// inside lists a folder of l; an unreadable one is empty.
func (l *directory) inside(folder string) *directory {
	in, err := readDirectory(l.source, l.at(folder), l.options)
	if err != nil {
		return &directory{source: l.source, options: l.options, dir: l.at(folder)}
	}
	return in
}

// pictures reports whether pictures lie in the folder itself.
func (l *directory) pictures() bool { return slices.ContainsFunc(l.files, hasPictureName) }

// holdsPictures reports whether pictures lie in the folder or below it, a few levels deep.
func (l *directory) holdsPictures(depth int) bool {
	if l.pictures() {
		return true
	}
	return depth > 0 && slices.ContainsFunc(l.folders, func(f string) bool { return l.inside(f).holdsPictures(depth - 1) })
}

// beside puts what is not used of the folder on the list of p.
func (l *directory) beside(p *part, used ...string) {
	for _, name := range slices.Concat(l.folders, l.files) {
		if !slices.Contains(used, name) {
			p.skip(l.source.show(l.at(name)), reasonBeside, "")
		}
	}
}

// recognise finds out how a tree is arranged: a layout in its top folder, or in one that
// is reached through folders that hold nothing but one folder; else one class a folder.
func recognise(src source, o Options) (*offer, error) {
	if o.Layout == LayoutFolders {
		return readFolders(src, ".", false)
	}
	const deepest = 8
	dir, top := ".", "."
	var tables []*directory // folders that were looked through for tables
	for range deepest {
		here, err := readDirectory(src, dir, o)
		if err != nil {
			return nil, err
		}
		for _, l := range layouts {
			if l.has(here) {
				of, err := l.read(here)
				if err == nil {
					here.noteTables(of)
				}
				return of, err
			}
		}
		tables = append(tables, here)
		if len(here.folders) != 1 || here.pictures() {
			break
		}
		dir = here.at(here.folders[0])
		if partNames[strings.ToLower(here.folders[0])] == "train" {
			top = dir
		}
	}
	of, err := readFolders(src, top, true)
	if err != nil {
		return nil, err
	}
	for _, d := range tables {
		if len(of.parts[0].candidates) == 0 && d.tables().err != nil {
			return nil, d.tables().err // nothing else is there to go by
		}
		d.noteTables(of)
	}
	return of, nil
}

// readFolders takes each folder below top as a class. With question it asks back where
// the names are those of parts rather than of classes.
func readFolders(src source, top string, question bool) (*offer, error) {
	p := &part{}
	w := &walker{source: src, seen: make(map[string]string)}
	if err := w.walkPart(p, top); err != nil {
		return nil, err
	}
	if question {
		if err := questionClasses(src, top, p); err != nil {
			return nil, err
		}
	}
	return &offer{kind: "folder", parts: []*part{p}}, nil
}
