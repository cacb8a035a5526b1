package datasets

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// Large sets are handed on in many archives, the shards of WebDataset above all: a folder
// that holds nothing else, or a pattern such as shard-{000000..000003}.tar. Each is seen as
// a folder that is named after it.

// shardsOf returns the archives that path means: those in a folder which holds archives and
// no other data, or those of a pattern with braces that names no file itself; and what lies
// beside them. It returns none for other paths.
func shardsOf(path string) (shards, others []string, err error) {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		shards, err = expandBraces(path)
		return shards, nil, err
	case err != nil || !info.IsDir():
		return nil, nil, nil
	}
	d, err := readDirectory(diskSource{path}, ".", Options{})
	if err != nil {
		return nil, nil, nil // who opens the folder says so
	}
	shards, others = d.shards()
	if len(d.folders) == 0 {
		return shards, others, nil
	}
	if shards != nil {
		return nil, nil, nil
	}
	for _, name := range d.folders { // train/ and val/ with archives in them
		own, besides := d.inside(name).shards()
		if own == nil || len(d.inside(name).folders) > 0 || partNames[strings.ToLower(name)] == "" {
			return nil, nil, nil
		}
		shards, others = append(shards, own...), append(others, besides...)
	}
	return shards, others, nil
}

// shards are the paths of the archives in a folder, and of what lies beside them; there are
// none if that is pictures or tables.
func (d *directory) shards() (shards, others []string) {
	for _, name := range d.files {
		lower, full := strings.ToLower(name), filepath.Join(d.source.(diskSource).root, filepath.FromSlash(d.at(name)))
		switch ext := path.Ext(lower); {
		case ext == ".tar" || ext == ".tgz" || strings.HasSuffix(lower, ".tar.gz"):
			shards = append(shards, full)
		case hasPictureName(name) || slices.Contains(tableNames, ext):
			return nil, nil
		default:
			others = append(others, full)
		}
	}
	return shards, others
}

// mostShards bounds what a pattern stands for.
const mostShards = 1 << 16

// expandBraces returns what a pattern stands for: {000..123} a range of numbers, filled up
// with zeros to the width of the first one, and {a,b} a choice. It returns nothing of what is
// no pattern.
func expandBraces(pattern string) ([]string, error) {
	before, rest, open := strings.Cut(pattern, "{")
	inside, after, closed := strings.Cut(rest, "}")
	if !open || !closed || strings.Contains(inside, "{") {
		return nil, nil
	}
	choices, err := choicesOf(inside)
	if err != nil || choices == nil {
		return nil, errors.WithMessagef(err, "datasets: %s", printable(pattern))
	}
	tails, err := expandBraces(after)
	if err != nil {
		return nil, err
	}
	if tails == nil {
		tails = []string{after}
	}
	if len(choices)*len(tails) > mostShards {
		return nil, errors.Errorf("datasets: %s stands for more than %d archives", printable(pattern), mostShards)
	}
	var all []string
	for _, c := range choices {
		for _, t := range tails {
			all = append(all, before+c+t)
		}
	}
	return all, nil
}

// choicesOf is what stands in braces; nil if it is neither a range nor a choice.
func choicesOf(inside string) ([]string, error) {
	first, last, isRange := strings.Cut(inside, "..")
	if !isRange {
		if !strings.Contains(inside, ",") {
			return nil, nil
		}
		return strings.Split(inside, ","), nil
	}
	from, err := strconv.ParseUint(first, 10, 31)
	to, err2 := strconv.ParseUint(last, 10, 31)
	if err != nil || err2 != nil {
		return nil, nil
	}
	if to < from || to-from >= mostShards {
		return nil, errors.Errorf("{%s} is no range of at most %d numbers that rise", printable(inside), mostShards)
	}
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, fmt.Sprintf("%0*d", len(first), n))
	}
	return all, nil
}

// openShards opens several archives as one set, each being a folder.
func openShards(names, others []string, origin string, o Options) (Split, error) {
	tree := &shardsFS{}
	titles, unnamed := make(map[string]string), "" // part → an archive that is named so; one of none
	for _, name := range names {
		s, err := openShard(name)
		if err != nil {
			return Split{}, err
		}
		if title := partOfShard(name); title == "" {
			unnamed = name
		} else {
			titles[title] = name
			s.part = title
		}
		tree.shards = append(tree.shards, s)
	}
	if len(titles) > 1 && unnamed != "" {
		for _, named := range titles {
			return Split{}, errors.Errorf("datasets: %s is named as a part of the data and %s is not: give each part by itself, such as NAME-{000000..000003}.tar", printable(filepath.Base(named)), printable(filepath.Base(unnamed)))
		}
	}
	tree.arrange(len(titles) > 1)
	o.sharded, o.besides = true, others
	return openTree(fsSource{tree}, origin, o)
}

// partOfShard is the part that the name of an archive, or of the folder around it, says.
func partOfShard(name string) string {
	stem := stemOf(filepath.Base(name))
	for _, word := range strings.FieldsFunc(strings.ToLower(stem), func(r rune) bool { return strings.ContainsRune("-_ ", r) }) {
		if title := partNames[word]; title != "" {
			return title
		}
	}
	return partNames[strings.ToLower(filepath.Base(filepath.Dir(name)))]
}

// shard is one archive of several.
type shard struct {
	tree *tarFS
	part string // that its name says; "" for none
	at   string // folder that it is seen as
}

func openShard(name string) (*shard, error) {
	file, err := fileread.Open(name)
	if err != nil {
		return nil, errors.Wrap(err, "datasets")
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Wrap(err, "datasets")
	}
	head := make([]byte, 2)
	if n, _ := file.ReadAt(head, 0); string(head[:n]) == "\x1f\x8b" {
		return nil, errors.Errorf("datasets: %s is compressed, which one of several archives may not be: gunzip it", printable(name))
	}
	tree, err := newTarFS(file, info.Size())
	if err != nil {
		return nil, errors.WithMessagef(err, "datasets: %s", printable(name))
	}
	tree.file = lazyFile(name)
	return &shard{tree: tree, at: strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))}, nil
}

// lazyFile is a file that is opened for each reading: a thousand archives at once are more
// than a process may hold open.
type lazyFile string

func (r lazyFile) ReadAt(p []byte, at int64) (int, error) {
	f, err := fileread.Open(string(r))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.ReadAt(p, at)
}

// shardsFS is several archives as one tree.
type shardsFS struct {
	shards []*shard
	top    *tarFS // with a folder for each, and nothing in it
	byPath map[string]*shard
}

// arrange gives each archive its folder, below that of its part if there are parts.
func (f *shardsFS) arrange(parts bool) {
	f.top = &tarFS{entries: map[string]*tarEntry{".": {name: ".", mode: fs.ModeDir | 0o555}}}
	f.byPath = make(map[string]*shard)
	for _, s := range f.shards {
		at := s.at
		if parts {
			at = path.Join(s.part, at)
		}
		for n := 2; f.byPath[at] != nil; n++ { // of one name in two folders
			at = path.Join(path.Dir(at), fmt.Sprintf("%s (%d)", s.at, n))
		}
		s.at, f.byPath[at] = at, s
		s.tree.entries["."].name = path.Base(at)
		f.top.folder(at)
	}
}

// inside returns the archive of a path, and the path in it; nil if it lies above them.
func (f *shardsFS) inside(name string) (*shard, string) {
	for at := name; at != "."; at = path.Dir(at) {
		if s := f.byPath[at]; s != nil {
			if at == name {
				return s, "."
			}
			return s, name[len(at)+1:]
		}
	}
	return nil, name
}

func (f *shardsFS) of(name string) (*tarFS, string) {
	if fs.ValidPath(name) {
		if s, below := f.inside(name); s != nil {
			return s.tree, below
		}
	}
	return f.top, name
}

// Open implements fs.FS.
func (f *shardsFS) Open(name string) (fs.File, error) {
	tree, below := f.of(name)
	file, err := tree.Open(below)
	return file, within(err, name)
}

// Stat implements fs.StatFS.
func (f *shardsFS) Stat(name string) (fs.FileInfo, error) {
	tree, below := f.of(name)
	info, err := tree.Stat(below)
	return info, within(err, name)
}

// ReadDir implements fs.ReadDirFS.
func (f *shardsFS) ReadDir(name string) ([]fs.DirEntry, error) {
	tree, below := f.of(name)
	entries, err := tree.ReadDir(below)
	return entries, within(err, name)
}

// within makes the path of an error that of the whole tree.
func within(err error, name string) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return &fs.PathError{Op: p.Op, Path: name, Err: p.Err}
	}
	return err
}

// only returns the folder that d leads to through folders which hold nothing but one folder.
func (d *directory) only() *directory {
	for len(d.folders) == 1 && len(d.files) == 0 {
		d = d.inside(d.folders[0])
	}
	return d
}

// hasShards reports whether each folder holds pictures with files of their classes, as
// the shards of WebDataset do.
func hasShards(d *directory) bool {
	if len(d.folders) == 0 || d.pictures() {
		return false
	}
	return !slices.ContainsFunc(d.folders, func(name string) bool { return !hasClassFiles(d.inside(name).only()) })
}

func readShards(d *directory) (*offer, error) {
	p := &part{}
	if err := d.addShards(p); err != nil {
		return nil, err
	}
	return &offer{kind: "folder", layout: "WebDataset", parts: []*part{p}}, nil
}

func (d *directory) addShards(p *part) error {
	for _, name := range d.folders {
		if err := d.inside(name).only().addClassFiles(p); err != nil {
			return err
		}
	}
	for _, name := range d.files {
		p.skip(show(d.source, d.at(name)), reasonNoPicture, "")
	}
	return nil
}

// hasNumberedArchives reports whether the archives that are seen as folders differ in a number only:
// then each holds some of all classes.
func hasNumberedArchives(d *directory) bool {
	if !d.options.sharded || len(d.folders) < 2 || len(d.files) > 0 {
		return false
	}
	withoutNumber := func(name string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, name)
	}
	first := withoutNumber(d.folders[0])
	return !synset.MatchString(d.folders[0]) && !slices.ContainsFunc(d.folders, func(name string) bool { return withoutNumber(name) != first })
}

func readNumberedArchives(d *directory) (*offer, error) {
	p := &part{}
	if err := d.addNumberedArchives(p, &walker{source: d.source, seen: make(map[string]string)}); err != nil {
		return nil, err
	}
	return &offer{kind: "folder", layout: "folders of classes in several archives", parts: []*part{p}}, nil
}

// addNumberedArchives takes the folders below each archive as classes.
func (d *directory) addNumberedArchives(p *part, w *walker) error {
	for _, name := range d.folders {
		if err := w.walkPart(p, d.inside(name).only().dir); err != nil {
			return err
		}
	}
	if len(p.candidates) > 0 {
		return nil
	}
	return errors.WithStack(&Question{
		About: fmt.Sprintf("the archives %s … are numbered, and nothing in them says which class a picture is of: want 00017.cls beside 00017.jpg, or a folder a class",
			printable(strings.Join(d.folders[:2], ", "))),
		Answers: []Answer{{If: "each archive is a class", Settings: []Setting{{"Layout", string(LayoutFolders)}}}},
	})
}

// addWhole puts all pictures of a folder into p: by files of their classes, or by folders.
// It reports whether it was the former.
func (d *directory) addWhole(p *part, w *walker) (classFiles bool, err error) {
	switch {
	case hasClassFiles(d):
		return true, d.addClassFiles(p)
	case hasShards(d):
		return true, d.addShards(p)
	case hasNumberedArchives(d):
		return false, d.addNumberedArchives(p, w)
	}
	return false, w.walkPart(p, d.dir)
}
