package datasets

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/pkg/errors"
)

// OpenManifest reads the pictures that a table lists: a CSV file with commas, semicolons,
// tabs or blanks between its columns, or a file of JSON objects, one a line (.jsonl). The
// first line names the columns, in any order and case:
//
//	path   the picture, relative to the table's folder, or absolute
//	label  the name of its class
//	split  optional: train, val or test, or query or gallery; empty meaning train
//	x0, y0, x1, y1  optional: the part of the picture that counts, in pixels of the
//	       upright picture; the corner (x1, y1) lies outside; four empty cells mean the whole
//	is_query, is_gallery  optional: what a picture of val or test is for
//	camera, sequence, category  optional: see Dataset
//
// Other usual names are understood; docs/datasets.md lists them. Options.Columns says
// what is what where the header does not. Further columns are named in Summary and not
// used. A row that makes no sense is an error with its line; a picture that cannot be
// read is left out and told, as OpenFolder does.
func OpenManifest(file string, o Options) (Split, error) {
	return openManifest(diskSource{filepath.Dir(file)}, filepath.Base(file), printable(file), o)
}

// OpenManifestFS is OpenManifest for a file of a file system.
func OpenManifestFS(fsys fs.FS, name string, o Options) (Split, error) {
	return openManifest(fsSource{fsys}, name, printable(name), o)
}

func openManifest(src source, name, origin string, o Options) (Split, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Split{}, err
	}
	if _, err := src.stat(name); errors.Is(err, os.ErrNotExist) {
		return Split{}, errors.Wrap(err, "datasets: table")
	}
	t, err := readTable(src, name, o)
	if err != nil {
		return Split{}, errors.WithMessagef(err, "datasets: table %s", origin)
	}
	t.base = path.Dir(name)
	b := newPartsByTitle()
	if err := t.addTo(b, "train"); err != nil {
		return Split{}, errors.WithMessagef(err, "datasets: table %s", origin)
	}
	return openParts(src, o, origin, &offer{kind: "manifest", parts: b.list()})
}
