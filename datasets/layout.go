package datasets

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// layout is an arrangement of folders and lists that is recognised.
type layout struct {
	has  func(d *directory) bool // whether a folder holds it, by the names in it
	read func(d *directory) (*offer, error)
	// lists are files of the layout that mean nothing alone: given one of them, the
	// folder around it is opened.
	lists []string
	// listed says that lists name the pictures: others that lie there are told.
	listed bool
}

// layouts are tried in this order in each folder.
var layouts = []layout{
	{has: hasCUB, read: readCUB, listed: true, lists: []string{"images.txt", "image_class_labels.txt", "train_test_split.txt", "classes.txt"}},
	{has: hasCars, read: readCars, listed: true, lists: []string{"cars_annos.mat", "cars_train_annos.mat", "cars_test_annos_withlabels.mat", "cars_meta.mat"}},
	{has: hasProducts, read: readProducts, listed: true},
	{has: hasInShop, read: readInShop, listed: true, lists: []string{"list_eval_partition.txt"}},
	{has: hasReID, read: readReID},
	{has: hasLFW, read: readLFW, lists: faceLists()},
	{has: hasClassFiles, read: readClassFiles},
	{has: hasShards, read: readShards},
	{has: hasNumberedArchives, read: readNumberedArchives},
	{has: hasSolutions, read: readILSVRC, lists: []string{"LOC_val_solution.csv", "LOC_train_solution.csv", "LOC_synset_mapping.txt"}},
	{has: hasTable, read: readTableBeside, listed: true},
	{has: hasILSVRC, read: readILSVRC},
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

	solutions map[string]string // tables of the classes of parts, by part
	found     *tablesBeside     // the tables in it, once they were looked for
}

func readDirectory(src source, dir string, o Options) (*directory, error) {
	entries, err := src.readDir(dir)
	if err != nil {
		return nil, err
	}
	d := &directory{source: src, options: o, dir: dir}
	for _, e := range entries {
		if ignoreReason(e.Name()) != "" {
			continue
		}
		isDir := e.IsDir()
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := src.stat(path.Join(dir, e.Name()))
			isDir = err == nil && info.IsDir()
		}
		if isDir {
			d.folders = append(d.folders, e.Name())
		} else {
			d.files = append(d.files, e.Name())
		}
	}
	return d, nil
}

// at returns the path of a name in the folder.
func (d *directory) at(name string) string { return path.Join(d.dir, name) }

// file and folder return the name as it is written here, whatever its case; "" if there
// is none.
func (d *directory) file(name string) string   { return named(d.files, name) }
func (d *directory) folder(name string) string { return named(d.folders, name) }

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

// inside lists a folder of d; an unreadable one is empty.
func (d *directory) inside(folder string) *directory {
	in, err := readDirectory(d.source, d.at(folder), d.options)
	if err != nil {
		return &directory{source: d.source, options: d.options, dir: d.at(folder)}
	}
	return in
}

// pictures reports whether pictures lie in the folder itself.
func (d *directory) pictures() bool { return slices.ContainsFunc(d.files, hasPictureName) }

// beside puts what is not used of the folder on the list of p.
func (d *directory) beside(p *part, used ...string) {
	for _, name := range slices.Concat(d.folders, d.files) {
		if !slices.Contains(used, name) {
			p.skip(show(d.source, d.at(name)), reasonBeside, "")
		}
	}
}

// tellUnlisted tells of pictures at or below the folder that no part names.
func (d *directory) tellUnlisted(parts []*part) {
	named := make(map[string]bool)
	for _, p := range parts {
		for _, c := range p.candidates {
			named[c.name] = true
		}
	}
	there := &part{}
	w := &walker{source: d.source, seen: make(map[string]string), unlabelled: true}
	if err := w.walkPart(there, d.dir); err != nil {
		return // it was listed a moment ago
	}
	for _, c := range there.candidates {
		if hasPictureName(c.name) && !named[c.name] {
			parts[0].skip(show(d.source, c.name), "in no list of pictures", "")
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
				if err != nil {
					return nil, err
				}
				if l.listed {
					here.tellUnlisted(of.parts)
				}
				here.noteTables(of)
				return of, nil
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
