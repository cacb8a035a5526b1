package datasets

import (
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"medusa/internal/fileread"
)

// source is a tree of files. Paths are slash-separated and relative to its root, as in
// io/fs, but need not be UTF-8: os.DirFS refuses names that a disk may well hold.
type source interface {
	readDir(dir string) ([]fs.DirEntry, error)
	stat(name string) (fs.FileInfo, error) // follows links
	open(name string) (io.ReadCloser, error)
	real(name string) (string, error) // the one name of what may be reached by many
	full(name string) string          // where that is, with the bytes of its name
}

// diskSource is a folder of the operating system.
type diskSource struct{ root string }

func (s diskSource) full(name string) string {
	if filepath.IsAbs(name) { // as a manifest may name it
		return name
	}
	return filepath.Join(s.root, filepath.FromSlash(name))
}
func (s diskSource) readDir(dir string) ([]fs.DirEntry, error) { return os.ReadDir(s.full(dir)) }
func (s diskSource) stat(name string) (fs.FileInfo, error)     { return os.Stat(s.full(name)) }
func (s diskSource) open(name string) (io.ReadCloser, error)   { return fileread.Open(s.full(name)) }
func (s diskSource) real(name string) (string, error) {
	p, err := filepath.EvalSymlinks(s.full(name))
	if err != nil {
		return "", err
	}
	return filepath.Abs(p)
}

// fsSource is an fs.FS; links in it are as its Stat takes them.
type fsSource struct{ fsys fs.FS }

func (s fsSource) readDir(dir string) ([]fs.DirEntry, error) { return fs.ReadDir(s.fsys, dir) }
func (s fsSource) stat(name string) (fs.FileInfo, error)     { return fs.Stat(s.fsys, name) }
func (s fsSource) open(name string) (io.ReadCloser, error)   { return s.fsys.Open(name) }
func (s fsSource) real(name string) (string, error)          { return path.Clean(name), nil }
func (s fsSource) full(name string) string                   { return name }
