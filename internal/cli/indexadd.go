package cli

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/diskroom"
	"medusa/internal/field"
	"medusa/internal/terminal"
	"medusa/model"
)

// indexRun is the work of the command.
type indexRun struct {
	*indexFlags
	screen *terminal.Screen
	began  time.Time
	lock   *index.FileLock // of an index that is changed; nil for a new one
}

// stopped says of a command that was stopped what became of the index.
func (r *indexRun) stopped(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	r.screen.Say("stopped; nothing was written")
	return errStopped
}

// add embeds pictures into an index, a new one or that which is there.
func (r *indexRun) add(ctx context.Context, args []string) error {
	if err := canWrite(r.options.Out, "-out"); err != nil {
		return err
	}
	there, err := r.existing()
	defer func() { r.lock.Unlock() }()
	if err != nil {
		return err
	}
	if index.IsIndex(args[0]) {
		return errors.Errorf("%s is an index, want the model before the pictures: a run folder, or its model file", args[0])
	}
	m, err := loadForPictures(args[0], "index", r.options.Device, r.options.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	c, err := r.collector(there, m, args[0])
	if err != nil {
		return err
	}
	leftOut, err := r.collect(ctx, c, m, args[1:])
	if err != nil {
		return err
	}
	if err := r.finish(ctx, c.pictureIndex); err != nil {
		return err
	}
	if err := r.summary(ctx, c, args[1:], there != nil, leftOut); err != nil {
		return err
	}
	if leftOut.any() {
		return errLeftOut
	}
	return nil
}

// collector puts pictures into the index that is there, if there is one, or a new one.
func (r *indexRun) collector(there *pictureIndex, m *model.Model, path string) (*collector, error) {
	if there != nil {
		if err := there.checkModel(m, path); err != nil {
			return nil, err
		}
		there.SetModelPath(path)
		return newCollector(there)
	}
	g, err := r.create(m, path)
	if err != nil {
		return nil, err
	}
	return newCollector(g)
}

// finish builds the graph and writes the index.
func (r *indexRun) finish(ctx context.Context, g *pictureIndex) error {
	if err := r.build(ctx, g); err != nil {
		return err
	}
	return r.save(ctx, g)
}

// existing is the index that pictures are added to; nil if a new one is made. One that is there is locked.
func (r *indexRun) existing() (_ *pictureIndex, err error) {
	o := r.options
	switch info, err := os.Stat(o.Out); {
	case errors.Is(err, os.ErrNotExist) && o.Add:
		return nil, wrong("%s %s: there is no such index: leave out %s to make it", field.Name("-out"), o.Out, field.Name("-add"))
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, errors.WithMessage(err, "-out")
	case info.IsDir():
		return nil, wrong("%s %s is a folder: name a file in it, such as %s", field.Name("-out"), o.Out, filepath.Join(o.Out, "photos.index"))
	case !o.Add && !o.Overwrite:
		return nil, wrong("%s %s is there already: put pictures into it with %s, make it anew with %s, or name another file", field.Name("-out"), o.Out, field.Name("-add"), field.Name("-overwrite"))
	}
	if r.lock, err = index.Lock(o.Out); err != nil || !o.Add {
		return nil, err
	}
	return openIndex(o.Out)
}

// create is an index without pictures.
func (r *indexRun) create(m *model.Model, path string) (*pictureIndex, error) {
	o := index.Options{Dim: m.EmbeddingSize(), Model: m.Fingerprint(), ModelPath: path, KeepFloats: r.options.Floats}
	if err := o.Distance.UnmarshalText([]byte(cmp.Or(r.options.Distance, "euclidean"))); err != nil {
		return nil, err
	}
	if err := o.Storage.UnmarshalText([]byte(cmp.Or(r.options.Storage, "float32"))); err != nil {
		return nil, err
	}
	x, err := index.New(o)
	return &pictureIndex{x, r.options.Out}, err
}

// collect embeds what paths name, and returns how many pictures could not be read.
func (r *indexRun) collect(ctx context.Context, c *collector, m *model.Model, paths []string) (leftOut leavings, err error) {
	for rest := paths; len(rest) > 0; {
		if isEmbeddings(rest[0]) {
			if err := c.putFile(ctx, rest[0]); err != nil {
				return leftOut, err
			}
			rest = rest[1:]
			continue
		}
		n := slices.IndexFunc(rest, isEmbeddings)
		if n < 0 {
			n = len(rest)
		}
		bad, err := embedEach(ctx, r.call, r.screen, m, rest[:n], r.options.Data,
			func(files int) error { return r.checkRoom(c.pictureIndex, files) },
			func(chunk model.Chunk) error { return c.putChunk(ctx, chunk) })
		leftOut.add(bad)
		if err != nil {
			return leftOut, err
		}
		rest = rest[n:]
	}
	if c.added+c.replaced+c.same == 0 {
		return leftOut, noPictures(paths)
	}
	return leftOut, nil
}

// checkRoom refuses to begin where the index would not fit on the disk.
func (r *indexRun) checkRoom(g *pictureIndex, files int) error {
	const about = 64 // bytes of a path and what else is kept of a picture
	row := int64(about)
	switch o := g.Options(); {
	case o.Storage == index.Float32 || o.KeepFloats:
		row += int64(o.Dim) * 4
	case o.Storage == index.Int8:
		row += int64(o.Dim)
	default:
		row += int64(o.Dim) / 8
	}
	err := diskroom.Check(filepath.Dir(g.path), row*int64(g.Len()+max(files, 1)))
	return errors.WithMessagef(err, "-out %s", g.path)
}

// graphFrom is how many pictures a graph pays from, by docs/search.md.
const graphFrom = 10_000

// build makes the graph, if there is to be one that is not there.
func (r *indexRun) build(ctx context.Context, g *pictureIndex) error {
	o, given := r.options, r.given()
	_, there := g.Graph()
	wanted := o.Graph == "on" || given["links"] || given["effort"] || o.Graph != "off" && g.Len() >= graphFrom && g.Options().Storage != index.Binary
	if !wanted || there && !given["links"] && !given["effort"] {
		return nil
	}
	task := r.screen.Begin("building the graph")
	defer task.End()
	return g.Build(ctx, index.GraphOptions{Links: o.Links, Effort: o.Effort, Progress: task.Progress})
}

func (r *indexRun) save(ctx context.Context, g *pictureIndex) error {
	task := r.screen.Begin("writing " + g.path)
	defer task.End()
	return g.Save(ctx, g.path)
}
