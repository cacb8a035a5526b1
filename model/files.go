package model

import (
	"context"
	"image"
	"io"
	"os"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/needs"
)

// EmbedImage is the embedding (E) of a picture that is decoded already, upright and in sRGB.
// The image is not changed.
func (m *Model) EmbedImage(ctx context.Context, img image.Image) ([]float32, error) {
	return m.embedOne(ctx, func(o datasets.Options) (*datasets.Dataset, error) { return datasets.FromImage(img, "image", o) })
}

// EmbedReader is the embedding (E) of the picture that r holds, in any format that
// datasets reads.
func (m *Model) EmbedReader(ctx context.Context, r io.Reader) ([]float32, error) {
	return m.embedOne(ctx, func(o datasets.Options) (*datasets.Dataset, error) { return datasets.ReadUnlabelled(r, "picture", o) })
}

// EmbedFile is the embedding (E) of a picture.
func (m *Model) EmbedFile(ctx context.Context, path string) ([]float32, error) {
	if path == "" {
		return nil, errors.New("model: EmbedFile: the path is empty, want that of a picture")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, errors.Errorf("model: %s is a folder, want a picture; EmbedFiles embeds folders", path)
	}
	return m.embedOne(ctx, func(o datasets.Options) (*datasets.Dataset, error) { return datasets.OpenUnlabelled(path, o) })
}

func (m *Model) embedOne(ctx context.Context, open func(datasets.Options) (*datasets.Dataset, error)) ([]float32, error) {
	if err := needs.Context("model", ctx); err != nil {
		return nil, err
	}
	o, err := m.pictureOptions()
	if err != nil {
		return nil, err
	}
	d, err := open(o)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return m.Embed(ctx, d)
}

// pictureOptions is Options of a model that learned from picture files.
func (m *Model) pictureOptions() (datasets.Options, error) {
	if m.info.Resize == "" {
		return datasets.Options{}, errors.New("model: the model learned from vectors or from a Set of one's own, and not from picture files: give such to Embed or EmbedPixels")
	}
	return m.Options(), nil
}

// EmbedOptions says how EmbedFiles reads. The zero value is usable.
type EmbedOptions struct {
	// LeftOut is told of every file that is left out, why, and what to do about it: broken
	// pictures, files that are not there or are no pictures, hidden ones. If nil, the first
	// picture that cannot be read is an error; so is a file of the list that cannot. What
	// lies in a folder and neither is a picture nor is called one is then passed over.
	LeftOut func(datasets.Skip)
	// Progress is told how many files of how many are read; the total is 0 while folders are
	// listed.
	Progress func(done, total int)
	// Workers decode at the same time; GOMAXPROCS if zero.
	Workers int
	// MaxPixels and MaxFileBytes are as in datasets.Options.
	MaxPixels, MaxFileBytes int64
}

// EmbedFiles embeds the pictures of a list of files and folders, folders at any depth, and
// calls each with the path and the embedding (E) of one after the other, in the order of the
// list. An error of each ends it. It returns an error if there is no picture that can be read.
//
// While a batch is embedded, the next one is decoded; besides the names of the files memory
// does not grow with their number. LeftOut, Progress and each are called by the goroutine of
// EmbedFiles, which many may call at the same time. What a picture's embedding is does not
// depend on the others.
func (m *Model) EmbedFiles(ctx context.Context, paths []string, o EmbedOptions, each func(path string, embedding []float32) error) error {
	if err := needs.Context("model", ctx); err != nil {
		return err
	}
	opened, err := m.pictureOptions()
	if err != nil {
		return err
	}
	if each == nil {
		return errors.New("model: EmbedFiles: each is nil: it is what gets the embeddings")
	}
	opened.Strict, opened.Progress, opened.Workers = o.LeftOut == nil, o.Progress, o.Workers
	opened.MaxPixels, opened.MaxFileBytes = o.MaxPixels, o.MaxFileBytes
	stream, err := datasets.OpenStream(paths, opened)
	if err != nil {
		return err
	}
	embedded := 0
	read := 0
	ahead, stop := readAhead(stream, m.net.batch)
	defer stop()
	for {
		if o.Progress != nil {
			o.Progress(read, stream.Files())
		}
		var b readBatch
		select {
		case b = <-ahead:
		case <-ctx.Done():
			return errors.Wrapf(ctx.Err(), "model: embedding stopped at file %d of %d", read, stream.Files())
		}
		if b.err == io.EOF {
			break
		}
		if b.err != nil {
			return b.err
		}
		if err := m.embedBatch(ctx, b.set, o, each); err != nil {
			return err
		}
		read = stream.Files() - b.left
		embedded += b.set.Len()
	}
	if embedded == 0 {
		return errors.Errorf("model: none of %d files is a picture that can be read", stream.Files())
	}
	return nil
}

// embedBatch tells of what was left out, and hands over the embeddings of the others.
func (m *Model) embedBatch(ctx context.Context, d *datasets.Dataset, o EmbedOptions, each func(path string, embedding []float32) error) error {
	if o.LeftOut != nil {
		for _, s := range d.Skipped() {
			o.LeftOut(s)
		}
	}
	x, err := m.Embed(ctx, d)
	if err != nil {
		return err
	}
	size := m.EmbeddingSize()
	for i := range d.Len() {
		if err := each(d.Path(i), x[i*size:(i+1)*size:(i+1)*size]); err != nil {
			return err
		}
	}
	return nil
}

// readBatch is what a Stream gave.
type readBatch struct {
	set  *datasets.Dataset
	left int // files that were not read yet
	err  error
}

// readAhead reads a Stream in a goroutine, one batch ahead, up to its end or an error, or
// until stop is called, which waits for it.
func readAhead(s *datasets.Stream, batch int) (ahead <-chan readBatch, stop func()) {
	out, enough, done := make(chan readBatch), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			var b readBatch
			b.set, b.err = s.Next(batch)
			b.left = s.Left()
			select {
			case out <- b:
			case <-enough:
				return
			}
			if b.err != nil {
				return
			}
		}
	}()
	return out, func() {
		close(enough)
		<-done
	}
}
