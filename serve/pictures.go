package serve

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/fileread"
	"medusa/internal/filewrite"
)

// endings are what the files of kept pictures are called by, so that other programs know them.
var endings = map[string]string{"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/bmp": ".bmp"}

// keep writes the picture that an item comes from to the folder of pictures, under a name that is of the ID alone, and notes
// its path. An item of a bare vector has none.
func (g *Gallery) keep(it *index.Item, picture []byte) error {
	if g.pictures == "" || picture == nil {
		return nil
	}
	if err := os.MkdirAll(g.pictures, 0o755); err != nil {
		return errors.Wrap(err, "serve: the folder of pictures")
	}
	path := filepath.Join(g.pictures, strconv.FormatUint(it.ID, 10)+endings[http.DetectContentType(picture)])
	err := filewrite.Whole(path, func(w io.Writer) error {
		_, err := w.Write(picture)
		return err
	})
	it.Path = g.pathOf(path)
	return errors.Wrap(err, "serve: the picture could not be kept")
}

// pathOf is a path as an item has it: relative to the folder of the index, where it lies in that, so that both can be
// moved together.
func (g *Gallery) pathOf(path string) string {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if here, err := filepath.Abs(filepath.Dir(g.path)); err == nil && g.path != "" {
		if relative, err := filepath.Rel(here, absolute); err == nil && filepath.IsLocal(relative) {
			return filepath.ToSlash(relative)
		}
	}
	return absolute
}

// file is where the picture of an item lies: an absolute path as it is, another one from the folder of the index.
func (g *Gallery) file(it index.Item) string {
	path := filepath.FromSlash(it.Path)
	if path == "" || filepath.IsAbs(path) || g.path == "" {
		return path
	}
	return filepath.Join(filepath.Dir(g.path), path)
}

// discard deletes the picture that keep kept for an item.
func (g *Gallery) discard(it index.Item) {
	path := g.file(it)
	if g.pictures == "" || it.Path == "" || strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) != strconv.FormatUint(it.ID, 10) {
		return
	}
	there, err := filepath.Abs(filepath.Dir(path))
	if folder, e := filepath.Abs(g.pictures); err == nil && e == nil && there == folder {
		os.Remove(path)
	}
}

// picture opens the picture of an item. There may be none.
func (g *Gallery) picture(it index.Item) (*os.File, error) {
	path := g.file(it)
	if path == "" {
		return nil, os.ErrNotExist
	}
	return fileread.Open(path)
}
