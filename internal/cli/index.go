package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/diskroom"
	"medusa/internal/field"
	"medusa/internal/filewrite"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/model"
)

// indexing is the command index.
var indexing = command{
	name:  "index",
	takes: "MODEL PATH…",
	about: "make or change an index of pictures, to be searched",
	intro: "embeds pictures with a trained network and keeps them in an index, a file that search, duplicates, outliers and cluster look things up in. MODEL is a run folder or a model file. PATH is what the command embed takes, or a file that it wrote with this model. In the place of MODEL and PATH an INDEX may stand, for -remove.",
	examples: []example{
		{[]string{"runs/NAME", "photos", "-out", "all.index"}, "labels are the names of the folders"},
		{[]string{"runs/NAME", "others", "-out", "all.index", "-add"}, "more of them, or changed ones anew"},
		{[]string{"all.index", "-remove", "-path", "others/others-00"}, "all of a folder"},
	},
	notes: "A picture is known by its path: one that changed keeps its ID. What cannot be read is told on standard error, left out and counted; the exit code is then 3. A command that is stopped changes nothing; embed goes on where it was, and its file is indexed at once.",
	begin: func(c *invocation) job { return newIndexFlags(c) },
}

// indexOptions are what the flags of index set.
type indexOptions struct {
	Out       string           `yaml:"out" flag:"out" arg:"INDEX" doc:"file to write; usually its name ends with .index" group:"Index"`
	Add       bool             `yaml:"add" flag:"add" doc:"put the pictures into the index that is there: new ones besides, changed ones in the place of those of the same path" group:"Index"`
	Overwrite bool             `yaml:"overwrite" flag:"overwrite" doc:"let an index that is there give way, once the new one is whole" group:"Index"`
	Distance  string           `yaml:"distance" flag:"distance" arg:"NAME" doc:"how near two pictures are: euclidean, as calibrate and verify measure it, cosine or dot" unset:"euclidean" choices:"euclidean,cosine,dot" group:"Index"`
	Storage   string           `yaml:"storage" flag:"storage" arg:"NAME" doc:"what is kept of embeddings: float32, all; int8, a quarter of the memory; binary, 1/32, whose distance is the number of bits that differ" unset:"float32" choices:"float32,int8,binary" group:"Index"`
	Floats    bool             `yaml:"keep_floats" flag:"keep-floats" doc:"keep embeddings whole besides, in the file alone: searches choose the nearest by these among those that int8 or binary finds" group:"Index"`
	Graph     string           `yaml:"graph" flag:"graph" arg:"auto|on|off" doc:"whether to build a graph, by which a search finds nearly all of the nearest in less time; auto does so from 10,000 pictures on, but for -storage binary" unset:"auto" choices:"auto,on,off" group:"Index"`
	Links     int              `yaml:"links" flag:"links" arg:"N" doc:"of a picture in the graph" unset:"16" min:"2" max:"128" group:"Index"`
	Effort    int              `yaml:"effort" flag:"effort" arg:"N" doc:"pictures that are compared for each when the graph is built" unset:"200" min:"1" max:"100000" group:"Index"`
	Remove    bool             `yaml:"remove" flag:"remove" doc:"take pictures out of an INDEX: those that all of these flags describe" group:"What to remove"`
	Selection selectionOptions `yaml:",inline" group:"What to remove"`
	Data      embedData        `yaml:"data" group:"Pictures"`
	Device    string           `yaml:"device" flag:"device" arg:"cpu|cuda|cuda:N|auto" doc:"computes the network: cpu, cuda (the first GPU), cuda:N, or auto, which takes a GPU where there is one" group:"This run" unset:"cpu"`
	Threads   int              `yaml:"threads" flag:"threads" arg:"N" doc:"for the computation of embeddings; none of them depends on it" unset:"all processors" group:"This run" min:"1"`
}

var indexSchema = settings.Of(reflect.TypeFor[indexOptions](), nil)

// indexFlags are the command index, called.
type indexFlags struct {
	*flagSet
	options *indexOptions
}

func newIndexFlags(c *invocation) *indexFlags {
	o := &indexOptions{}
	return &indexFlags{options: o, flagSet: newFlagSet(c, indexSchema, o, &indexOptions{}, nil, "Index", "What to remove", "Pictures", "This run")}
}

func (f *indexFlags) flags() *flagSet { return f.flagSet }

func (f *indexFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(args); err != nil {
		return usageError{err}
	}
	run := &indexRun{indexFlags: f, screen: f.call.screen(f.call.Out, f.call.Live), began: time.Now()}
	err := run.add
	if f.options.Remove {
		err = run.remove
	}
	return run.stopped(ctx, err(ctx, args))
}

// validate refuses what nobody means.
func (f *indexFlags) validate(args []string) error {
	given, o := f.given(), f.options
	if err := f.checkSelection(o.Selection); err != nil {
		return err
	}
	if err := f.checkGiven(o); err != nil {
		return err
	}
	if o.Remove {
		return f.validateRemoval(args, given)
	}
	for _, name := range selectionFlags {
		if given[name] {
			return wrong("%s says what to take out of an index: add %s, or leave it out", field.Name("-"+name), field.Name("-remove"))
		}
	}
	if err := modelAndPaths(args, "the pictures", "a PATH", ": a picture, a folder, an archive, a table or a list, or - for standard input"); err != nil {
		return err
	}
	switch {
	case strings.TrimSpace(o.Out) == "":
		return wrong("%s names no file to write: give one such as %s", field.Name("-out"), field.Setting{Field: "Out", Value: "photos.index"})
	case o.Add && o.Overwrite:
		return wrong("%s changes the index that %s makes anew: leave out one of them", field.Name("-add"), field.Name("-overwrite"))
	case o.Graph == "off" && (given["links"] || given["effort"]):
		return wrong("%s and %s are of a graph, and %s builds none", field.Name("-links"), field.Name("-effort"), field.Name("-graph off"))
	case o.Storage == "binary" && (o.Graph == "on" || given["links"] || given["effort"]):
		return wrong("%s goes without a graph: leave out %s, %s and %s", field.Name("-storage binary"), field.Name("-graph"), field.Name("-links"), field.Name("-effort"))
	case o.Floats && (o.Storage == "" || o.Storage == "float32") && !o.Add:
		return wrong("%s goes with %s or binary: float32 keeps embeddings whole anyway", field.Name("-keep-floats"), field.Name("-storage int8"))
	}
	for _, name := range []string{"distance", "storage", "keep-floats"} {
		if o.Add && given[name] {
			return wrong("%s is that of the index which is there: leave it out with %s", field.Name("-"+name), field.Name("-add"))
		}
	}
	return nil
}

// validateRemoval refuses a removal of nothing or of everything.
func (f *indexFlags) validateRemoval(args []string, given map[string]bool) error {
	if err := f.oneArgument(args, "INDEX", "what is to be changed"); err != nil {
		return err
	}
	described := false
	for _, o := range f.Options {
		switch isSelection := slices.Contains(selectionFlags, o.Flag); {
		case !given[o.Flag] || o.Flag == "remove":
		case isSelection:
			described = true
		default:
			return wrong("%s means nothing to %s: leave it out", field.Name("-"+o.Flag), field.Name("-remove"))
		}
	}
	if !described {
		return wrong("%s wants to know what to remove: say so with %s, %s or %s", field.Name("-remove"), field.Name("-path"), field.Name("-label"), field.Name("-meta"))
	}
	return nil
}

// indexRun is the work of the command.
type indexRun struct {
	*indexFlags
	screen *terminal.Screen
	began  time.Time
}

// stopped says of a command that was stopped what became of the index.
func (r *indexRun) stopped(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		return err
	}
	r.screen.Say("stopped; nothing was written")
	return errStopped
}

// remove takes pictures out of an index.
func (r *indexRun) remove(ctx context.Context, args []string) error {
	g, err := openIndex(args[0])
	if err != nil {
		return err
	}
	if err := canWrite(args[0], "INDEX"); err != nil {
		return err
	}
	filter, err := g.filter(r.options.Selection)
	if err != nil {
		return err
	}
	var ids []uint64
	err = g.All(func(it index.Item) bool {
		if isMeant(filter, it) {
			ids = append(ids, it.ID)
		}
		return true
	})
	switch {
	case err != nil:
		return err
	case len(ids) == 0:
		return errors.Errorf("no picture of %s is all of that: nothing was removed", g.path)
	}
	if err := g.Remove(ids...); err != nil {
		return err
	}
	if err := r.save(ctx, g); err != nil {
		return err
	}
	r.screen.Sayf("%s removed, %s left", wording.Number(len(ids), "pictures"), wording.Thousands(g.Len()))
	r.describe(g)
	return nil
}

// isMeant reports whether a filter holds for an item.
func isMeant(f index.Filter, it index.Item) bool {
	if f.Labels != nil && !slices.Contains(f.Labels, it.Label) {
		return false
	}
	for key, value := range f.Meta {
		if got, ok := it.Meta[key]; !ok || got != value {
			return false
		}
	}
	return f.Where == nil || f.Where(it)
}

// add embeds pictures into an index, a new one or that which is there.
func (r *indexRun) add(ctx context.Context, args []string) error {
	o := r.options
	there, err := r.existing()
	if err != nil {
		return err
	}
	if err := canWrite(o.Out, "-out"); err != nil {
		return err
	}
	m, err := loadForPictures(args[0], "index", o.Device, o.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	g := there
	if g == nil {
		if g, err = r.create(m, args[0]); err != nil {
			return err
		}
	} else if err := g.checkModel(m, args[0]); err != nil {
		return err
	}
	c, err := newCollector(g)
	if err != nil {
		return err
	}
	leftOut, err := r.collect(ctx, c, m, args[1:])
	if err != nil {
		return err
	}
	if c.added+c.replaced+c.same == 0 {
		return noPictures(args[1:])
	}
	if err := r.build(ctx, g); err != nil {
		return err
	}
	if err := r.save(ctx, g); err != nil {
		return err
	}
	if err := r.summary(ctx, c, there != nil, leftOut); err != nil {
		return err
	}
	if leftOut > 0 {
		return errLeftOut
	}
	return nil
}

// existing is the index that pictures are added to; nil if a new one is made.
func (r *indexRun) existing() (*pictureIndex, error) {
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
	case o.Add:
		return openIndex(o.Out)
	case !o.Overwrite:
		return nil, wrong("%s %s is there already: put pictures into it with %s, make it anew with %s, or name another file", field.Name("-out"), o.Out, field.Name("-add"), field.Name("-overwrite"))
	}
	return nil, nil
}

// canWrite says before the work what would keep its result from being written.
func canWrite(path, called string) error {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return wrong("%s %s: there is no folder %s", field.Name(called), path, dir)
	}
	f, err := os.CreateTemp(dir, filewrite.TempPrefix+"*")
	if err != nil {
		return wrong("%s %s: nothing can be written there: %v", field.Name(called), path, errors.Cause(err))
	}
	f.Close()
	return os.Remove(f.Name())
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
func (r *indexRun) collect(ctx context.Context, c *collector, m *model.Model, paths []string) (leftOut int, err error) {
	for len(paths) > 0 {
		if isEmbeddings(paths[0]) {
			if err := c.putFile(ctx, paths[0]); err != nil {
				return leftOut, err
			}
			paths = paths[1:]
			continue
		}
		n := slices.IndexFunc(paths, isEmbeddings)
		if n < 0 {
			n = len(paths)
		}
		bad, err := embedEach(ctx, r.call, r.screen, m, paths[:n], r.options.Data,
			func(files int) error { return r.checkRoom(c.pictureIndex, files) },
			func(chunk model.Chunk) error { return c.putChunk(ctx, chunk) })
		leftOut += bad
		if err != nil {
			return leftOut, err
		}
		paths = paths[n:]
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

// summary says what was made.
func (r *indexRun) summary(ctx context.Context, c *collector, there bool, leftOut int) error {
	seconds, n := time.Since(r.began).Seconds(), c.added+c.replaced+c.same
	line := fmt.Sprintf("%s in %.1f s, %s pictures/s", wording.Number(n, "pictures"), seconds, wording.Thousands(int(float64(n)/max(seconds, 1e-3))))
	if there {
		line += fmt.Sprintf(": %s new, %s changed, %s as they were", wording.Thousands(c.added), wording.Thousands(c.replaced), wording.Thousands(c.same))
	}
	r.screen.Say(line)
	if c.repeated > 0 {
		r.screen.Sayf("%s named more than once, kept once", wording.Number(c.repeated, "pictures"))
	}
	if leftOut > 0 {
		r.screen.Sayf("%s left out", wording.Number(leftOut, "pictures"))
	}
	r.describe(c.pictureIndex)
	return r.measure(ctx, c.pictureIndex)
}

// describe says what the index holds.
func (r *indexRun) describe(g *pictureIndex) {
	for _, f := range g.facts() {
		r.screen.Sayf("%-12s%s", f.name, f.text)
	}
}

// Of the recall of a graph.
const (
	recallQueries = 200
	recallK       = 10
)

// measure says how many of the nearest pictures a search over the graph finds.
func (r *indexRun) measure(ctx context.Context, g *pictureIndex) error {
	graph, there := g.Graph()
	if !there {
		return nil
	}
	task := r.screen.Begin("measuring the graph")
	queries, err := g.Sample(recallQueries, 1)
	if err != nil {
		return err
	}
	recall, err := g.Recall(ctx, queries, g.search(recallK, false, 0))
	task.End()
	if err != nil {
		return err
	}
	r.screen.Sayf("graph       %d links a picture; it finds %s of the %d nearest", graph.Links, strconv.FormatFloat(recall, 'f', 3, 64), min(recallK, g.Len()))
	return nil
}
