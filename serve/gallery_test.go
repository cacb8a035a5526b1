package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"medusa/index"
)

// What was answered is in the file, without the server having been stopped.
func TestEnrolledItemsAreInTheFile(t *testing.T) {
	s := begin(t, Options{})
	saved := func() *index.Index {
		t.Helper()
		x, err := index.Open(s.path)
		require.NoError(t, err)
		return x
	}
	require.Zero(t, saved().Len(), "an empty file is there from the start")
	s.fill()
	require.Equal(t, 12, saved().Len())
	it, err := saved().Get(4)
	require.NoError(t, err)
	require.Equal(t, "class1", it.Label)
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(s.path), filepath.FromSlash(it.Path)))
	require.NoError(t, err)
	require.Equal(t, drawing(1, 0), kept, "the picture as it came")

	require.Equal(t, 204, s.send("DELETE", "/v1/items/4", "", nil).status)
	require.Equal(t, 11, saved().Len())
	require.NoFileExists(t, filepath.Join(s.gallery.pictures, "4.png"))
	require.FileExists(t, filepath.Join(s.gallery.pictures, "5.png"))

	unsaved := is[enrolAnswer](s.png("/v1/items?wait=false", drawing(0, 0)), 201)
	require.False(t, unsaved.Saved)
	require.Equal(t, itemID(13), unsaved.Items[0].ID, "no ID is used again")
	require.NoError(t, s.gallery.Close())
	require.Equal(t, 12, saved().Len())

	// A later server goes on with the same gallery, wherever the folder lies by then.
	moved := filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.Rename(filepath.Dir(s.path), moved))
	path := filepath.Join(moved, "gallery.index")
	g, err := OpenGallery(path, GalleryOptions{Pictures: PicturesPath(path)})
	require.NoError(t, err)
	defer g.Close()
	later := serving(t, s.model, g, path, Options{})
	require.Equal(t, 200, later.get("/v1/items/5/thumbnail").status)
	require.Equal(t, itemID(14), is[enrolAnswer](later.png("/v1/items", drawing(0, 0)), 201).Items[0].ID)
}

// A change that cannot be saved is taken back, and told.
func TestWhatCannotBeSaved(t *testing.T) {
	s := begin(t, Options{})
	s.fill2()
	broken := errors.New("the disk is full")
	save := s.gallery.saves.save
	s.gallery.saves.save = func() error { return broken }
	s.png("/v1/items", drawing(3, 0)).fails(507, codeNotSaved, "the gallery could not be saved, and nothing was changed")
	s.send("DELETE", "/v1/items/1", "", nil).fails(507, codeNotSaved, "nothing was changed")
	require.Equal(t, 2, s.gallery.x.Len())
	require.Equal(t, 200, s.get("/v1/items/1/thumbnail").status)
	require.Len(t, must1(os.ReadDir(s.gallery.pictures)), 2)
	s.get("/readyz").fails(503, codeNotSaved, "the gallery could not be saved")
	require.Equal(t, 200, s.get("/healthz").status)
	s.gallery.saves.save = save
	is[enrolAnswer](s.png("/v1/items", drawing(3, 0)), 201)
	require.Equal(t, 200, s.get("/readyz").status)

	require.NoError(t, os.RemoveAll(s.gallery.pictures))
	require.NoError(t, os.WriteFile(s.gallery.pictures, nil, 0o644)) // where a folder should be
	s.png("/v1/items", drawing(3, 1)).fails(500, codeInternal, "by a fault of the server's")
	require.Equal(t, 3, s.gallery.x.Len())

	require.NoError(t, s.gallery.Close())
	s.send("DELETE", "/v1/items/1", "", nil).fails(503, codeStopping, "the server is stopping, and nothing was changed")
	require.Equal(t, 3, s.gallery.x.Len())
}

// What could not be saved and was taken back is not saved at the end, when nothing is left to save. What nobody waited for
// is.
func TestClosingAfterAFailedSave(t *testing.T) {
	s := begin(t, Options{})
	saves := 0
	s.gallery.saves.save = func() error { saves++; return errors.New("the disk is full") }
	s.png("/v1/items", drawing(3, 0)).fails(507, codeNotSaved, "nothing was changed")
	dirty, _, _ := s.gallery.saves.state()
	require.False(t, dirty)
	require.NoError(t, s.gallery.Close())
	require.Equal(t, 1, saves)

	s = begin(t, Options{})
	s.gallery.saves.save = func() error { return errors.New("the disk is full") }
	is[enrolAnswer](s.png("/v1/items?wait=false", drawing(0, 0)), 201)
	s.png("/v1/items", drawing(3, 0)).fails(507, codeNotSaved, "nothing was changed")
	require.Equal(t, 1, s.gallery.x.Len(), "of which nobody was told that it is not saved")
	require.ErrorContains(t, s.gallery.Close(), "the disk is full")

	s = begin(t, Options{})
	save := s.gallery.saves.save
	s.gallery.saves.save = func() error {
		require.NoError(t, save())
		s.gallery.saves.save = save
		return &replacedError{errors.New("the folder cannot be synced")}
	}
	s.png("/v1/items", drawing(3, 0)).fails(507, codeNotSaved, "nothing was changed")
	require.NoError(t, s.gallery.Close())
	x, err := index.Open(s.path)
	require.NoError(t, err)
	require.Zero(t, x.Len(), "what was taken back is not in the file either")
}

// A change is taken back before another save begins, which else would have it; the last change first.
func TestChangesAreTakenBackBeforeTheNextSave(t *testing.T) {
	var said []string
	fails := true
	enter, leave := make(chan bool, 2), make(chan bool)
	s := newSaver(0, func() error {
		enter <- true
		<-leave
		said = append(said, "save")
		if fails {
			fails = false
			return errors.New("the disk is full")
		}
		return nil
	})
	undo := func(name string) func() { return func() { said = append(said, name) } }
	s.waiting = []waiter{{make(chan error, 1), undo("first")}, {make(chan error, 1), undo("second")}}
	s.wake()
	<-enter
	s.wake() // the next save is wanted already
	leave <- true
	<-enter
	leave <- true
	require.NoError(t, s.close())
	require.Equal(t, []string{"save", "second", "first", "save"}, said)
}

// The log says in one line what went wrong, without the stack that errors of pkg/errors format with.
func TestLogOfFailures(t *testing.T) {
	var log bytes.Buffer
	s := begin(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s.gallery.saves.save = func() error { return errors.Wrap(errors.New("the disk is full"), "index: gallery.index") }
	s.png("/v1/items", drawing(3, 0)).fails(507, codeNotSaved, "nothing was changed")
	require.Regexp(t, `^time=\S+ level=ERROR msg="saving failed" err="index: gallery.index: the disk is full"\n$`, log.String())

	log.Reset()
	require.NoError(t, os.RemoveAll(s.gallery.pictures))
	require.NoError(t, os.WriteFile(s.gallery.pictures, nil, 0o644)) // where a folder should be
	s.png("/v1/items", drawing(3, 1)).fails(500, codeInternal, "its log says more")
	require.Regexp(t, `^time=\S+ level=ERROR msg="request failed" path="POST /v1/items" err="[^\\]+: not a directory"\n$`, log.String())
}

// Who comes while a save is under way shares the next one.
func TestSavesAreShared(t *testing.T) {
	var saves atomic.Int64
	enter, leave := make(chan bool, 100), make(chan bool)
	s := newSaver(0, func() error {
		saves.Add(1)
		enter <- true
		<-leave
		return nil
	})
	var all sync.WaitGroup
	all.Go(func() { assert.NoError(t, s.await(func() {})) })
	<-enter
	for range 20 {
		all.Go(func() { assert.NoError(t, s.await(func() {})) })
	}
	require.Eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.waiting) == 20 }, time.Second, time.Millisecond)
	close(leave)
	all.Wait()
	require.EqualValues(t, 2, saves.Load())
	require.NoError(t, s.close())
	require.NoError(t, s.close())
	require.ErrorIs(t, s.await(func() {}), errClosed)
	require.EqualValues(t, 2, saves.Load())
}

// Saves keep their distance, and the last one does not wait for it.
func TestSavesKeepTheirDistance(t *testing.T) {
	var saves atomic.Int64
	s := newSaver(time.Hour, func() error { saves.Add(1); return nil })
	require.NoError(t, s.await(func() {}))
	for range 10 {
		s.wake()
	}
	time.Sleep(10 * time.Millisecond)
	require.EqualValues(t, 1, saves.Load())
	require.NoError(t, s.close())
	require.EqualValues(t, 2, saves.Load())
}

// Thumbnails are pictures, whatever the files of items are; other files are not told apart from missing ones.
func TestThumbnail(t *testing.T) {
	s := begin(t, Options{})
	s.fill2()
	a := s.get("/v1/items/1/thumbnail")
	require.Equal(t, "image/jpeg", a.header.Get("Content-Type"))
	img, format, err := image.Decode(bytes.NewReader(a.body))
	require.NoError(t, err)
	require.Equal(t, "jpeg", format)
	require.Equal(t, image.Rect(0, 0, thumbnailSide, thumbnailSide), img.Bounds())
	require.Equal(t, http.StatusNotModified, s.get("/v1/items/1/thumbnail", "If-None-Match: "+a.header.Get("ETag")).status)
	require.Equal(t, a.body, s.get("/v1/items/1/thumbnail").body)

	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.txt")
	require.NoError(t, os.WriteFile(secret, []byte("root:x:0:0"), 0o644))
	link := filepath.Join(dir, "link.png")
	require.NoError(t, os.Symlink(secret, link))
	photo := filepath.Join(dir, "photo.png")
	require.NoError(t, os.WriteFile(photo, drawing(2, 2), 0o644))
	vector := []float32{1, 0, 0, 0, 0}
	for i, path := range []string{secret, link, dir, filepath.Join(dir, "none.png"), "/dev/zero", "", "../../../../../../etc/passwd"} {
		id := uint64(100 + i)
		require.NoError(t, s.gallery.x.Add(context.Background(), index.Item{ID: id, Vector: vector, Path: path}))
		got := s.get(fmt.Sprintf("/v1/items/%d/thumbnail", id))
		require.Equal(t, 404, got.status, path)
		require.NotContains(t, string(got.body), "root")
		require.Equal(t, 204, s.send("DELETE", fmt.Sprintf("/v1/items/%d", id), "", nil).status)
	}
	require.FileExists(t, secret)
	require.NoError(t, os.Remove(filepath.Join(s.gallery.pictures, "2.png")))
	s.get("/v1/items/2/thumbnail").fails(404, codeNotFound, "the picture of item 2 is not there any more")
	require.NoError(t, s.gallery.x.Add(context.Background(), index.Item{ID: 200, Vector: vector, Path: photo}))
	require.Equal(t, 200, s.get("/v1/items/200/thumbnail").status)
	require.Equal(t, 204, s.send("DELETE", "/v1/items/200", "", nil).status)
	require.FileExists(t, photo, "what the server did not keep it does not delete")
	for _, path := range []string{"/v1/items/..%2f..%2fetc%2fpasswd/thumbnail", "/v1/items/%00/thumbnail", "/page/../../etc/passwd", "/..%2fgallery.index"} {
		require.Equal(t, 404, s.get(path).status, path)
	}

	// An ID that is another item's by now has another picture.
	is[enrolAnswer](s.png("/v1/items?id=7", drawing(0, 0)), 201)
	first := s.get("/v1/items/7/thumbnail").body
	require.Equal(t, 204, s.send("DELETE", "/v1/items/7", "", nil).status)
	s.get("/v1/items/7/thumbnail").fails(404, codeNotFound, "no item of the ID 7")
	is[enrolAnswer](s.png("/v1/items?id=7", drawing(3, 0)), 201)
	require.NotEqual(t, first, s.get("/v1/items/7/thumbnail").body)
}

func TestThumbnailsAreBounded(t *testing.T) {
	var kept thumbnails
	for id := range uint64(3 * mostThumbnails) {
		kept.put(id, []byte{1})
		_, ok := kept.get(id)
		require.True(t, ok)
	}
	require.Len(t, kept.of, mostThumbnails)
}

// A gallery without a file is searched, changed and lost.
func TestGalleryInMemory(t *testing.T) {
	m := loaded(t)
	pictures := filepath.Join(t.TempDir(), "pictures")
	g, err := NewGallery(must1(index.New(*made(m))), pictures)
	require.NoError(t, err)
	s := serving(t, m, g, "", Options{})
	got := is[enrolAnswer](s.png("/v1/items?label=a", drawing(0, 0)), 201)
	require.False(t, got.Saved)
	require.Equal(t, 200, s.get(got.Items[0].Thumbnail).status)
	require.False(t, is[infoAnswer](s.get("/v1/info"), 200).Gallery.Kept)
	require.NoError(t, g.Close())
	without, err := NewGallery(must1(index.New(*made(m))), "")
	require.NoError(t, err)
	s = serving(t, m, without, "", Options{})
	a := s.png("/v1/items?label=a", drawing(0, 0))
	require.NotContains(t, string(a.body), "thumbnail", "none is kept")
	var back map[string]any
	require.NoError(t, json.Unmarshal(a.body, &back))
	s.get("/v1/items/1/thumbnail").fails(404, codeNotFound, "there is no picture of item 1")
}
