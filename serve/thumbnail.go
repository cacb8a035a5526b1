package serve

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"image/jpeg"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/pkg/errors"

	"medusa/datasets"
)

// thumbnailSide is the width and height of a thumbnail; the picture fills one of them.
const thumbnailSide = 192

// thumbnail answers a small picture of an item, as JPEG. What is sent was decoded and encoded again: a file that is no
// picture cannot be read by it.
func (s *Server) thumbnail(w http.ResponseWriter, r *http.Request) error {
	id, err := idOf(r)
	if err != nil {
		return err
	}
	small, ok := s.thumbnails.get(id)
	if !ok {
		release, err := s.slot()
		if err != nil {
			return err
		}
		defer release()
		if small, err = s.makeThumbnail(r.Context(), id); err != nil {
			return err
		}
		s.thumbnails.put(id, small)
	}
	h := w.Header()
	h.Set("Content-Type", "image/jpeg")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("ETag", fmt.Sprintf(`"%08x"`, crc32.ChecksumIEEE(small)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(small))
	return nil
}

func (s *Server) makeThumbnail(ctx context.Context, id uint64) ([]byte, error) {
	it, err := s.gallery.x.Get(id)
	if err != nil {
		return nil, err
	}
	if it.Path == "" {
		return nil, refuse(http.StatusNotFound, codeNotFound, "there is no picture of item %d", id)
	}
	f, err := s.gallery.picture(it)
	if err != nil {
		return nil, refuse(http.StatusNotFound, codeNotFound, "the picture of item %d is not there any more", id)
	}
	defer f.Close()
	if err := s.decoder(ctx); err != nil {
		return nil, err
	}
	defer func() { <-s.decoders }()
	small, err := shrink(f, s.options.MaxPixels)
	var bad *datasets.PictureError
	if errors.As(err, &bad) {
		return nil, refuse(http.StatusNotFound, codeNotFound, "the file of item %d is no picture that can be read", id)
	}
	return small, err
}

// shrink makes a thumbnail of a picture in any format that is read.
func shrink(r io.Reader, maxPixels int64) ([]byte, error) {
	set, err := datasets.ReadUnlabelled(r, "picture", datasets.Options{
		Channels: 3, Height: thumbnailSide, Width: thumbnailSide, Resize: datasets.Pad, MaxPixels: maxPixels, Workers: 1,
	})
	if err != nil {
		return nil, err
	}
	defer set.Close()
	img, err := set.Image(0)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 80})
	return b.Bytes(), err
}

// decoder is the right to decode a picture, which is given back to s.decoders: as many are decoded at the same time as
// there are processors, so that memory does not grow with requests.
func (s *Server) decoder(ctx context.Context) error {
	select {
	case s.decoders <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// mostThumbnails bounds how many are kept in memory, of some ten thousand bytes each.
const mostThumbnails = 1024

// thumbnails are those that were asked for lately.
type thumbnails struct {
	mu sync.Mutex
	of map[uint64][]byte
}

func (t *thumbnails) get(id uint64) ([]byte, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, ok := t.of[id]
	return b, ok
}

// put keeps a thumbnail, in the place of any other one where there are too many.
func (t *thumbnails) put(id uint64, b []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[uint64][]byte{}
	}
	for other := range t.of {
		if len(t.of) < mostThumbnails {
			break
		}
		delete(t.of, other)
	}
	t.of[id] = b
}

// forget is called when the item of the ID is another one or none.
func (t *thumbnails) forget(id uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.of, id)
}
