package datasets

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/fileread"
)

// openZip opens what is inside of a zip file as a folder.
func openZip(path string, o Options) (Split, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return Split{}, errors.Wrapf(err, "datasets: %s", printable(path))
	}
	defer z.Close()
	z.RegisterDecompressor(zip.Deflate, flate.NewReader)
	return openTree(fsSource{z}, printable(path), o)
}

// openTar opens what is inside of a tar file as a folder. A compressed one is unpacked to
// a file without a name in Options.CacheDir first, for its pictures are read in any order.
func openTar(name string, compressed bool, o Options) (Split, error) {
	file, err := fileread.Open(name)
	if err != nil {
		return Split{}, errors.Wrap(err, "datasets")
	}
	defer file.Close()
	if compressed {
		plain, remove, err := gunzip(file, o.CacheDir)
		if err != nil {
			return Split{}, errors.WithMessagef(err, "datasets: %s", printable(name))
		}
		defer remove()
		file = plain
	}
	info, err := file.Stat()
	if err != nil {
		return Split{}, errors.Wrap(err, "datasets")
	}
	tree, err := newTarFS(file, info.Size())
	if err != nil {
		return Split{}, errors.WithMessagef(err, "datasets: %s", printable(name))
	}
	return openTree(fsSource{tree}, printable(name), o)
}

var errArchiveCut = errors.New("the archive is cut off or damaged; fetch it again")

// gunzip unpacks a file to a temporary one in dir.
func gunzip(in io.Reader, dir string) (out *os.File, remove func(), err error) {
	z, err := gzip.NewReader(bufio.NewReaderSize(in, 1<<16))
	if err != nil {
		return nil, nil, errArchiveCut
	}
	out, err = os.CreateTemp(dir, "medusa-archive-*.tar")
	if err != nil {
		return nil, nil, wrongOption("the archive cannot be unpacked: %v (set %s, or unpack it yourself and give the folder)", err, field.Name("CacheDir"))
	}
	name := out.Name()
	if runtime.GOOS != "windows" {
		os.Remove(name) // it goes with the process, however that ends
	}
	remove = func() {
		out.Close()
		if runtime.GOOS == "windows" {
			os.Remove(name)
		}
	}
	w := &failingWriter{w: out}
	if _, err := io.Copy(w, z); err != nil {
		remove()
		if w.err == nil { // what cannot be read
			return nil, nil, errArchiveCut
		}
		return nil, nil, wrongOption("the archive cannot be unpacked: %v (is the disk full? Set %s to another one)", err, field.Name("CacheDir"))
	}
	return out, remove, nil
}

// tarFS is a tar file as a file system. Links to files in it are these files; other links
// lead nowhere.
type tarFS struct {
	file    io.ReaderAt
	entries map[string]*tarEntry // by path; folders too
}

// tarEntry is a file or folder of a tarFS.
type tarEntry struct {
	name         string // last element
	mode         fs.FileMode
	offset, size int64
	time         time.Time
	children     []*tarEntry // of a folder, by name
	link         string      // path of what a link leads to, until it is resolved
}

func (e *tarEntry) Name() string               { return e.name }
func (e *tarEntry) Size() int64                { return e.size }
func (e *tarEntry) Mode() fs.FileMode          { return e.mode }
func (e *tarEntry) ModTime() time.Time         { return e.time }
func (e *tarEntry) IsDir() bool                { return e.mode.IsDir() }
func (e *tarEntry) Sys() any                   { return nil }
func (e *tarEntry) Type() fs.FileMode          { return e.mode.Type() }
func (e *tarEntry) Info() (fs.FileInfo, error) { return e, nil }

// newTarFS lists a tar file of so many bytes.
func newTarFS(file io.ReaderAt, size int64) (*tarFS, error) {
	t := &tarFS{file: file, entries: map[string]*tarEntry{".": {name: ".", mode: fs.ModeDir | 0o555}}}
	entries := 0
	section := &tarSection{SectionReader: io.NewSectionReader(file, 0, size)}
	for r := tar.NewReader(section); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) && !section.ended {
			return nil, errors.Errorf("after %d entries the archive does not end as one does, with a block of zeros: it is cut off, or what wrote it did not close it; fetch it again, or, if nothing is missing, unpack it and give the folder", entries)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.WithMessage(errArchiveCut, "no whole tar file")
		}
		offset, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg && offset+h.Size > size {
			return nil, errArchiveCut
		}
		t.add(h, offset)
		entries++
	}
	t.resolve()
	for _, e := range t.entries {
		slices.SortFunc(e.children, func(a, b *tarEntry) int { return strings.Compare(a.name, b.name) })
	}
	return t, nil
}

// tarSection is a tar file as package archive/tar reads it: a header is a block that is read at
// once, and what lies between headers is skipped, or read in other sizes.
type tarSection struct {
	*io.SectionReader
	ended bool // the last block that was read is the zeros that end an archive
}

func (t *tarSection) Read(p []byte) (int, error) {
	const block = 512
	n, err := t.SectionReader.Read(p)
	if n > 0 {
		t.ended = n == block && len(bytes.Trim(p[:n], "\x00")) == 0
	}
	return n, err
}

// add takes an entry of the archive; of two with one name the later one counts, as when
// it is unpacked.
func (t *tarFS) add(h *tar.Header, offset int64) {
	name := path.Clean(strings.TrimPrefix(h.Name, "/"))
	if !fs.ValidPath(name) || name == "." {
		return // it would lie outside
	}
	e := &tarEntry{name: path.Base(name), time: h.ModTime}
	switch h.Typeflag {
	case tar.TypeReg:
		e.mode, e.offset, e.size = 0o444, offset, h.Size
	case tar.TypeDir:
		t.folder(name)
		return
	case tar.TypeLink:
		e.mode, e.link = fs.ModeSymlink|0o444, path.Clean(strings.TrimPrefix(h.Linkname, "/"))
	case tar.TypeSymlink:
		e.mode, e.link = fs.ModeSymlink|0o444, path.Join(path.Dir(name), h.Linkname)
	default:
		e.mode = fs.ModeIrregular | 0o444
	}
	if old := t.entries[name]; old != nil {
		if old.mode.IsDir() {
			return
		}
		*old = *e
		return
	}
	t.entries[name] = e
	up := t.folder(path.Dir(name))
	up.children = append(up.children, e)
}

// folder returns a folder, made if it is not there; a file of that name gives way.
func (t *tarFS) folder(name string) *tarEntry {
	if e := t.entries[name]; e != nil {
		e.mode, e.size = fs.ModeDir|0o555, 0
		return e
	}
	e := &tarEntry{name: path.Base(name), mode: fs.ModeDir | 0o555}
	t.entries[name] = e
	up := t.folder(path.Dir(name))
	up.children = append(up.children, e)
	return e
}

// resolve puts files in place of links to them.
func (t *tarFS) resolve() {
	const longest = 8 // links to links
	for range longest {
		for _, e := range t.entries {
			if to := t.entries[e.link]; e.link != "" && to != nil && to.mode.IsRegular() {
				e.mode, e.offset, e.size, e.link = to.mode, to.offset, to.size, ""
			}
		}
	}
}

// Open implements fs.FS.
func (t *tarFS) Open(name string) (fs.File, error) {
	e, err := t.find("open", name)
	if err != nil {
		return nil, err
	}
	if e.IsDir() {
		return &tarDir{tarEntry: e}, nil
	}
	return &tarFile{e, io.NewSectionReader(t.file, e.offset, e.size)}, nil
}

// Stat implements fs.StatFS. A link that is left leads nowhere.
func (t *tarFS) Stat(name string) (fs.FileInfo, error) { return t.find("stat", name) }

// ReadDir implements fs.ReadDirFS.
func (t *tarFS) ReadDir(name string) ([]fs.DirEntry, error) {
	e, err := t.find("readdir", name)
	if err != nil {
		return nil, err
	}
	if !e.IsDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("not a folder")}
	}
	return e.list(), nil
}

func (t *tarFS) find(op, name string) (*tarEntry, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	e := t.entries[name]
	if e == nil || e.mode&fs.ModeSymlink != 0 {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return e, nil
}

func (e *tarEntry) list() []fs.DirEntry {
	entries := make([]fs.DirEntry, len(e.children))
	for i, c := range e.children {
		entries[i] = c
	}
	return entries
}

// tarFile is an open file.
type tarFile struct {
	entry *tarEntry
	*io.SectionReader
}

func (f *tarFile) Stat() (fs.FileInfo, error) { return f.entry, nil }
func (f *tarFile) Close() error               { return nil }

// tarDir is an open folder.
type tarDir struct {
	*tarEntry
	at int
}

func (d *tarDir) Stat() (fs.FileInfo, error) { return d.tarEntry, nil }
func (d *tarDir) Close() error               { return nil }
func (d *tarDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.name, Err: errors.New("is a folder")}
}
func (d *tarDir) ReadDir(n int) ([]fs.DirEntry, error) {
	left := d.list()[d.at:]
	if n > 0 && len(left) == 0 {
		return nil, io.EOF
	}
	if n > 0 && len(left) > n {
		left = left[:n]
	}
	d.at += len(left)
	return left, nil
}

// failingWriter remembers the error of its writer, to tell it from a reader's.
type failingWriter struct {
	w   io.Writer
	err error
}

func (f *failingWriter) Write(b []byte) (n int, err error) {
	n, err = f.w.Write(b)
	f.err = err
	return n, err
}
