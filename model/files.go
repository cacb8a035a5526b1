package model

import (
	"context"
	"image"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/needs"
)

// EmbedImage is the embedding (E) of a picture that is decoded already, upright and in sRGB.
// The image is not changed.
func (m *Model) EmbedImage(ctx context.Context, img image.Image) ([]float32, error) {
	return m.EmbedImages(ctx, img)
}

// EmbedImages is the embeddings (N, E) of several such pictures, row-major.
func (m *Model) EmbedImages(ctx context.Context, images ...image.Image) ([]float32, error) {
	return m.embedOpened(ctx, len(images), func(i int, o datasets.Options) (*datasets.Dataset, error) {
		name := "image"
		if len(images) > 1 {
			name = "image " + strconv.Itoa(i+1)
		}
		return datasets.FromImage(images[i], name, o)
	})
}

// EmbedReader is the embedding (E) of the picture that r holds, in any format that
// datasets reads.
func (m *Model) EmbedReader(ctx context.Context, r io.Reader) ([]float32, error) {
	return m.embedOpened(ctx, 1, func(_ int, o datasets.Options) (*datasets.Dataset, error) {
		return datasets.ReadUnlabelled(r, "picture", o)
	})
}

// EmbedFile is the embedding (E) of a picture.
func (m *Model) EmbedFile(ctx context.Context, path string) ([]float32, error) {
	if path == "" {
		return nil, errors.New("model: EmbedFile: the path is empty, want that of a picture")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, errors.Errorf("model: %s is a folder, want a picture; EmbedFiles embeds folders", path)
	}
	return m.embedOpened(ctx, 1, func(_ int, o datasets.Options) (*datasets.Dataset, error) { return datasets.OpenUnlabelled(path, o) })
}

// embedOpened is the embeddings of n pictures, each of which open opens. Several are opened at the same time.
func (m *Model) embedOpened(ctx context.Context, n int, open func(i int, o datasets.Options) (*datasets.Dataset, error)) ([]float32, error) {
	if err := needs.Context("model", ctx); err != nil {
		return nil, err
	}
	o, err := m.pictureOptions()
	if err != nil {
		return nil, err
	}
	o.Workers = 1 // each is one picture
	if n > 1 {
		if err := ctx.Err(); err != nil {
			return nil, errors.Wrap(err, "model: embedding stopped before the pictures were read")
		}
	}
	pictures, errs := make([]*datasets.Dataset, n), make([]error, n)
	eachOf(n, func(i int) { pictures[i], errs[i] = open(i, o) })
	defer func() {
		for _, p := range pictures {
			if p != nil {
				p.Close()
			}
		}
	}()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return m.net.all(ctx, n, func(dst []float32, from, to int, v datasets.View) error {
		for i := from; i < to; i++ {
			at := dst[(i-from)*m.net.in:]
			if err := pictures[i].FillView(at[:m.net.in], []int{0}, m.info.Normalisation, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachOf calls do with 0 … n−1, on as many goroutines as there are processors.
func eachOf(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			do(i)
		}
	}
	for range min(n, runtime.GOMAXPROCS(0)) - 1 {
		wg.Go(work)
	}
	work()
	wg.Wait()
}

// EmbedVectors is the embeddings (N, E) of vectors (N, D), row-major, as a model takes them that
// learned from vectors: as they are, not normalised yet.
func (m *Model) EmbedVectors(ctx context.Context, vectors []float32) ([]float32, error) {
	if err := needs.Context("model", ctx); err != nil {
		return nil, err
	}
	size := m.net.in
	switch {
	case m.info.Resize != "" || m.info.Net.Height*m.info.Net.Width != 1:
		return nil, inputError("the model learned from pictures, not from vectors: give it such, as files, readers or images")
	case len(vectors)%size != 0:
		return nil, errors.Errorf("model: %d numbers are no whole vectors of %d", len(vectors), size)
	}
	for i, v := range vectors {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, errors.Errorf("model: vector %d holds %v: mend it, or leave the vector out", i/size, v)
		}
	}
	norm := m.info.Normalisation
	return m.net.all(ctx, len(vectors)/size, func(dst []float32, from, to int, _ datasets.View) error {
		copy(dst, vectors[from*size:to*size])
		for i := range dst {
			if c := i % size; c < len(norm.Mean) {
				dst[i] = (dst[i] - norm.Mean[c]) / norm.Std[c]
			}
		}
		return nil
	})
}

// pictureOptions is Options of a model that learned from picture files.
func (m *Model) pictureOptions() (datasets.Options, error) {
	if m.info.Resize == "" {
		return datasets.Options{}, inputError("the model learned from vectors or from a Set of one's own, and not from picture files: give such to Embed, EmbedVectors or EmbedPixels")
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
// A path may also be an archive (.zip, .tar, .tar.gz), a table of pictures or a list of paths, as of
// datasets.OpenStream. While some pictures are embedded, the next ones are decoded; memory does not grow
// with their number. LeftOut, Progress and each are called by the goroutine of
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
	defer stream.Close()
	files := 0 // as far as that is known before they are read
	if o.Progress != nil {
		o.Progress(0, 0)
		if n, known := stream.Files(ctx, func(n int) { o.Progress(n, 0) }); known {
			files = n
		}
		o.Progress(0, files)
	}
	embedded, size := 0, m.EmbeddingSize()
	err = m.EmbedStream(ctx, stream, func(c Chunk) error {
		if o.LeftOut != nil {
			for _, s := range c.Pictures.Skipped() {
				o.LeftOut(s)
			}
		}
		for i := range c.Pictures.Len() {
			if err := each(c.Pictures.Path(i), c.Embeddings[i*size:(i+1)*size:(i+1)*size]); err != nil {
				return err
			}
		}
		embedded += c.Pictures.Len()
		if o.Progress != nil {
			o.Progress(c.Read, files)
		}
		return nil
	})
	if err == nil && embedded == 0 {
		err = errors.Errorf("model: none of %d files is a picture that can be read", stream.Read())
	}
	return err
}

// Chunk is some files of a Stream, embedded.
type Chunk struct {
	// Pictures are those that could be read, possibly none; their Skipped says what was left out, and why.
	Pictures   *datasets.Dataset
	Embeddings []float32 // (N, E) of the pictures, row-major
	// Read is how many files of the Stream were taken so far, and Names is made of their names: as Stream.Read
	// and Stream.Names.
	Read  int
	Names uint64
}

// EmbedStream embeds the pictures of a Stream, which is opened with Options, and calls each with some files
// after the others, on the caller's goroutine. While some are embedded, the next ones are decoded.
// Nobody else uses the Stream until it returns.
func (m *Model) EmbedStream(ctx context.Context, s *datasets.Stream, each func(Chunk) error) error {
	if err := needs.Context("model", ctx); err != nil {
		return err
	}
	o, err := m.pictureOptions()
	switch {
	case err != nil:
		return err
	case s == nil:
		return errors.New("model: EmbedStream: the Stream is nil, want one of datasets.OpenStream")
	case each == nil:
		return errors.New("model: EmbedStream: each is nil: it is what gets the embeddings")
	}
	read := s.Read()
	ahead, stop := readAhead(s, chunkOf(o))
	defer stop()
	for {
		var b readChunk
		select {
		case b = <-ahead:
		case <-ctx.Done():
			return errors.Wrapf(ctx.Err(), "model: embedding stopped behind %d files", read)
		}
		if b.err == io.EOF {
			return nil
		}
		if b.err != nil {
			return b.err
		}
		if b.Embeddings, err = m.Embed(ctx, b.Pictures); err != nil {
			return err
		}
		if err := each(b.Chunk); err != nil {
			return err
		}
		read = b.Read
	}
}

// chunkOf is how many files are decoded at a time: some batches, so that no processor waits long for the
// last one, unless pictures are so large that memory counts.
func chunkOf(o datasets.Options) int {
	const chunk, bytes = 4 * Batch, 256 << 20
	one := max(1, o.Channels*o.Height*o.Width) * int(math.Ceil(1+o.Detail*o.Detail))
	return min(chunk, max(Batch, bytes/one))
}

// readChunk is what a Stream gave.
type readChunk struct {
	Chunk // without embeddings
	err   error
}

// readAhead reads a Stream in a goroutine, a chunk of files ahead, up to its end or an error, or
// until stop is called, which waits for it.
func readAhead(s *datasets.Stream, files int) (ahead <-chan readChunk, stop func()) {
	out, enough, done := make(chan readChunk), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			var c readChunk
			c.Pictures, c.err = s.Next(files)
			c.Read, c.Names = s.Read(), s.Names()
			select {
			case out <- c:
			case <-enough:
				return
			}
			if c.err != nil {
				return
			}
		}
	}()
	return out, func() {
		close(enough)
		<-done
	}
}
