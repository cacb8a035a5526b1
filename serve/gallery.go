package serve

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/field"
	"medusa/model"
)

// GalleryOptions says how OpenGallery opens an index.
type GalleryOptions struct {
	// New is what an index is made of if there is none at the path; nil if that is an error.
	New *index.Options
	// Pictures is the folder in which the pictures that are enrolled are kept, made when the first is; empty for
	// none. PicturesPath is the usual one.
	Pictures string
	// ReadOnly lets nobody change the gallery, or its file. Several processes may open it so.
	ReadOnly bool
	// SaveEvery is the least time from the end of one save to the next; with 0 what is enrolled is saved at once. Each
	// save writes the whole file.
	SaveEvery time.Duration
}

// Gallery is an index that a Server searches and changes: with the file that it is saved to, and the pictures of what was
// enrolled. Whatever is enrolled or deleted is in the file before the request is answered.
type Gallery struct {
	x        *index.Index
	path     string // of the file; empty if there is none
	pictures string // folder; empty if none are kept
	readOnly bool
	lock     *index.FileLock // nil if there is no file to lock
	saves    *saver          // nil if nothing is saved

	change sync.Mutex
	last   uint64 // largest ID that was ever there
}

// PicturesPath is where the pictures of what was enrolled usually lie: beside the file, in a folder of its name.
func PicturesPath(file string) string {
	return strings.TrimSuffix(file, filepath.Ext(file)) + ".pictures"
}

// NewGallery is a gallery without a file, whose items are lost with x. Pictures of what is enrolled are kept in the folder
// pictures; none if that is empty.
func NewGallery(x *index.Index, pictures string) (*Gallery, error) {
	if x == nil {
		return nil, errors.New("serve: the index is nil, want one of index.New or index.Open")
	}
	g := &Gallery{x: x, pictures: pictures}
	return g, g.findLast()
}

// OpenGallery opens the index at path, which other processes cannot change until Close: they ask for the same lock, index.Lock.
// What the index holds is compared with its checksums.
func OpenGallery(path string, o GalleryOptions) (_ *Gallery, err error) {
	switch {
	case path == "":
		return nil, errors.New("serve: the path is empty, want that of an index")
	case o.SaveEvery < 0:
		return nil, field.Errorf("serve", "GalleryOptions", "%s is %v, want 0 or more", field.Name("SaveEvery"), o.SaveEvery)
	}
	g := &Gallery{path: path, pictures: o.Pictures, readOnly: o.ReadOnly}
	if !o.ReadOnly {
		g.lock, err = index.Lock(path)
		var busy *index.BusyError
		if errors.As(err, &busy) {
			return nil, errors.Errorf("serve: another process may change %s: stop that one, or serve the index read-only", path)
		}
		if err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			g.lock.Unlock()
		}
	}()
	g.x, err = index.Open(path)
	if errors.Is(err, fs.ErrNotExist) && o.New != nil {
		g.x, err = index.New(*o.New)
		if err == nil && !o.ReadOnly {
			err = g.x.Save(context.Background(), path) // finds out now whether that can be done
		}
	}
	if err != nil {
		return nil, err
	}
	if err := g.findLast(); err != nil {
		return nil, err
	}
	if !o.ReadOnly {
		g.saves = newSaver(o.SaveEvery, g.save)
	}
	return g, nil
}

// save writes the file.
func (g *Gallery) save() error {
	before, _ := os.Stat(g.path)
	err := g.x.Save(context.Background(), g.path)
	if after, missing := os.Stat(g.path); err != nil && missing == nil && !os.SameFile(before, after) {
		return &replacedError{err}
	}
	return err
}

// findLast finds the largest ID.
func (g *Gallery) findLast() (err error) {
	g.last, err = g.x.LastID()
	return err
}

// Index is what the gallery holds. Who changes it besides the Server saves it, too.
func (g *Gallery) Index() *index.Index { return g.x }

// fits returns an error if the gallery's vectors do not come from the model.
func (g *Gallery) fits(m *model.Model) error {
	if err := g.x.CheckModel(m.Fingerprint()); err != nil {
		return err
	}
	if dim := g.x.Options().Dim; dim != m.EmbeddingSize() {
		return errors.Errorf("serve: the index has vectors of %d numbers, and the model makes embeddings of %d: make the index anew with this model", dim, m.EmbeddingSize())
	}
	return nil
}

// Close saves what is not saved yet, and lets other processes have the file. A second call does nothing.
func (g *Gallery) Close() error {
	defer g.lock.Unlock()
	if g.saves == nil {
		return nil
	}
	return g.saves.close()
}

// errNoID says that IDs have come to their end.
var errNoID = badRequest("the gallery holds an ID of %d or more, and no larger one is given by itself: give each item an id of its own", uint64(largestID))

// add enrols items with the pictures that they come from, and gives those without an ID the next ones. When it returns
// they are saved, unless wait is false or nothing is saved at all.
func (g *Gallery) add(ctx context.Context, items []index.Item, pictures [][]byte, given, wait bool) error {
	if err := g.put(ctx, items, pictures, given); err != nil {
		return err
	}
	return g.changed(wait, func() {
		for _, it := range items {
			g.x.Remove(it.ID)
			g.discard(it)
		}
	})
}

func (g *Gallery) put(ctx context.Context, items []index.Item, pictures [][]byte, given bool) (err error) {
	g.change.Lock()
	defer g.change.Unlock()
	last := g.last
	for i := range items {
		it := &items[i]
		if !given {
			if last >= largestID {
				return errNoID
			}
			last++
			it.ID = last
		} else if _, err := g.x.Get(it.ID); err == nil {
			return &index.ExistsError{ID: it.ID}
		}
		last = max(last, it.ID)
	}
	defer func() {
		if err != nil {
			for _, it := range items {
				g.discard(it)
			}
		}
	}()
	for i := range items {
		if err := g.keep(&items[i], pictures[i]); err != nil {
			return err
		}
	}
	if err := g.x.Add(ctx, items...); err != nil {
		return err
	}
	g.last = last
	return nil
}

// remove deletes an item and, if it was kept when it was enrolled, its picture.
func (g *Gallery) remove(ctx context.Context, id uint64, wait bool) error {
	g.change.Lock()
	it, err := g.x.Get(id)
	if err == nil {
		err = g.x.Remove(id)
	}
	g.change.Unlock()
	if err != nil {
		return err
	}
	if err := g.changed(wait, func() { g.x.Add(context.WithoutCancel(ctx), it) }); err != nil {
		return err
	}
	g.discard(it)
	return nil
}

// changed has a change saved, or taken back by undo. It waits for the file also if the client has gone: what it is
// told is true then.
func (g *Gallery) changed(wait bool, undo func()) error {
	switch {
	case g.saves == nil:
		return nil
	case !wait:
		g.saves.wake()
		return nil
	}
	err := g.saves.await(func() {
		g.change.Lock()
		defer g.change.Unlock()
		undo()
	})
	if err == nil {
		return nil
	}
	return &saveError{err}
}

// saveError says that a change could not be saved and was taken back.
type saveError struct{ error }

// Unwrap is what was wrong.
func (e *saveError) Unwrap() error { return e.error }
