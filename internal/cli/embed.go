package cli

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/embeddings"
	"medusa/internal/field"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/model"
)

// embedding is the command embed.
var embedding = command{
	name:  "embed",
	takes: "MODEL PATH…",
	about: "embed pictures with a trained network, into a file",
	intro: "embeds pictures with a trained network, and writes a file of vectors. MODEL is a run folder or a model file. PATH is a picture, a folder of pictures at any depth, an archive (.zip, .tar, .tar.gz), a table of pictures (CSV or JSON lines), a list of paths, one a line, or - for such a list, table, .tar or picture on standard input.",
	examples: []example{
		{[]string{"runs/NAME", "photos", "-out", "photos.npy"}, "an array for NumPy; paths and labels beside it"},
		{[]string{"runs/NAME", "a.tar.gz", "b.csv", "-out", "all.parquet"}, "of two places"},
		{[]string{"runs/NAME", "-", "-out", "found.jsonl"}, "of what find prints into it, say"},
	},
	notes: "What cannot be read is told on standard error, left out and counted; the exit code is then 3. A command that was stopped goes on where it was when it is typed again: until the file is whole it grows in FILE.part.",
	begin: func(c *invocation) job { return newEmbedFlags(c) },
}

// embedOptions are what the flags of embed set.
type embedOptions struct {
	Out       string    `yaml:"out" flag:"out" arg:"FILE" doc:"file of embeddings, whose ending says the format: .npy (with a file of paths and labels beside it), .safetensors, .csv, .jsonl or .parquet" group:"Output"`
	Format    string    `yaml:"format" flag:"format" arg:"NAME" doc:"format, where the ending does not say it: npy, safetensors, csv, jsonl or parquet" choices:"npy,safetensors,csv,jsonl,parquet" group:"Output"`
	Overwrite bool      `yaml:"overwrite" flag:"overwrite" doc:"let a file that is there give way, once the new one is whole" group:"Output"`
	Data      embedData `yaml:"data" group:"Pictures"`
	Device    string    `yaml:"device" flag:"device" arg:"cpu|cuda|cuda:N|auto" doc:"computes the network: cpu, cuda (the first GPU), cuda:N, or auto, which takes a GPU where there is one. A GPU rounds otherwise than the CPU" group:"This run" unset:"cpu"`
	Threads   int       `yaml:"threads" flag:"threads" arg:"N" doc:"for the computation; no result depends on it" unset:"all processors" group:"This run" min:"1"`
}

// embedData are those of datasets.Options, by their names.
type embedData struct {
	Columns   string `yaml:"columns" flag:"columns" arg:"LIST" doc:"columns of a table without a header, all in order, such as path,label,-; or what is called otherwise, such as path=Foto"`
	Strict    bool   `yaml:"strict" flag:"strict" doc:"stop at the first picture that cannot be read"`
	MaxPixels int64  `yaml:"max_pixels" flag:"max-pixels" arg:"N" doc:"largest width × height that is read" unset:"67108864" min:"1"`
	Workers   int    `yaml:"workers" flag:"workers" arg:"N" doc:"that decode pictures at the same time" unset:"one a processor" min:"1"`
}

var embedSchema = settings.Of(reflect.TypeFor[embedOptions](), nil)

// embedFlags are the command embed, called.
type embedFlags struct {
	*flagSet
	options *embedOptions
}

func newEmbedFlags(c *invocation) *embedFlags {
	o := &embedOptions{}
	return &embedFlags{options: o, flagSet: newFlagSet(c, embedSchema, o, &embedOptions{}, nil, "Output", "Pictures", "This run")}
}

func (f *embedFlags) flags() *flagSet { return f.flagSet }

func (f *embedFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(args); err != nil {
		return usageError{err}
	}
	m, err := loadForPictures(args[0], "embed", f.options.Device, f.options.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	w := f.call.screen(f.call.Out, f.call.Live)
	run := &embedRun{embedFlags: f, model: m, paths: args[1:], screen: w, began: time.Now(), reasons: map[string]int{}}
	return run.do(ctx)
}

// validate refuses what nobody means.
func (f *embedFlags) validate(args []string) error {
	if err := modelAndPaths(args, "the pictures", "a PATH", ": a picture, a folder, an archive, a table or a list, or - for standard input"); err != nil {
		return err
	}
	switch o := f.options; {
	case strings.TrimSpace(o.Out) == "":
		return wrong("%s names no file to write: give one such as %s", field.Name("-out"), field.Setting{Field: "Out", Value: "photos.npy"})
	case o.Format == "" && embeddings.FormatOf(o.Out) == "":
		return wrong("%s %s: the ending says no format, want one of .%s, or a %s", field.Name("-out"), o.Out, strings.Join(embeddings.Formats(), ", ."), field.Name("-format"))
	}
	return f.checkGiven(f.options)
}

// embedRun is the work of a command.
type embedRun struct {
	*embedFlags
	model   *model.Model
	paths   []string
	screen  *terminal.Screen
	began   time.Time
	before  int            // pictures that an earlier command embedded
	bad     int            // pictures that could not be read, by an earlier command, too
	folders int            // among them, by this one
	reasons map[string]int // how many of them and why, by this one

	labelled bool // whether any picture came with a label, in this one
}

func (r *embedRun) do(ctx context.Context) error {
	stream, err := r.open(ctx)
	if err != nil {
		return r.inFlags(err)
	}
	defer stream.Close()
	out, err := r.create()
	if err != nil {
		return err
	}
	defer out.Suspend()
	err = r.goOn(stream, out)
	if err != nil && ctx.Err() == nil {
		return err
	}
	if err == nil {
		err = r.embed(ctx, stream, out)
	}
	switch {
	case err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		if err := out.Suspend(); err != nil {
			return err
		}
		r.screen.Sayf("stopped after %s; this goes on:\n  %s", wording.Number(out.Len(), "pictures"), r.again())
		return errStopped
	case err != nil && out.Len() > 0:
		return r.kept(out, r.inFlags(err))
	case err != nil:
		out.Discard()
		return r.inFlags(err)
	case out.Len() == 0:
		out.Discard()
		return errors.Errorf("none of %s is a picture that can be read", wording.Number(stream.Read(), "files"))
	}
	if err := r.finish(out); err != nil {
		return r.kept(out, err)
	}
	r.summary(out)
	if r.bad > 0 {
		return errLeftOut
	}
	return nil
}

// open opens the pictures.
func (r *embedRun) open(ctx context.Context) (*datasets.Stream, error) {
	return openPictures(ctx, r.call, r.model, r.paths, r.options.Data)
}

// create begins the file, or goes on with what is there of it.
func (r *embedRun) create() (*embeddings.Writer, error) {
	o := r.options
	of, err := r.description()
	if err != nil {
		return nil, err
	}
	out, err := embeddings.Create(o.Out, embeddings.Info{Dim: r.model.EmbeddingSize(), Model: r.model.Fingerprint()},
		embeddings.Options{Format: o.Format, Overwrite: o.Overwrite, Of: of})
	var there *embeddings.ExistsError
	var other *embeddings.OtherPartError
	switch {
	case errors.As(err, &there):
		return nil, wrong("%s %s: %s is there already: name another file, or add %s", field.Name("-out"), o.Out, there.Path, field.Name("-overwrite"))
	case errors.As(err, &other):
		return nil, wrong("%s %s: %s is there, which another command began with %s: remove it, or name another file", field.Name("-out"), o.Out, other.Path, other.Why)
	case err != nil:
		return nil, errors.WithMessage(err, "-out")
	}
	return out, nil
}

// description tells the pictures of commands apart, in as many characters for any number of paths.
func (r *embedRun) description() (string, error) {
	var places []string
	for _, path := range r.paths {
		if path != "-" {
			absolute, err := filepath.Abs(path)
			if err != nil {
				return "", err
			}
			path = absolute
		}
		places = append(places, path)
	}
	text, err := json.Marshal(map[string]any{"paths": places, "columns": r.options.Data.Columns})
	return fmt.Sprintf("%x", sha256.Sum256(text)), err
}

// goOn passes over the pictures that an earlier command embedded.
func (r *embedRun) goOn(stream *datasets.Stream, out *embeddings.Writer) error {
	mark := out.Mark()
	if r.bad = mark.LeftOut; mark.Read == 0 {
		return nil
	}
	taken, err := stream.Discard(mark.Read)
	if err != nil {
		return r.inFlags(err)
	}
	if taken < mark.Read || stream.Names() != mark.Names {
		return errors.Errorf("the pictures are other ones than those that %s was begun with: remove it to begin anew, or write to another file", out.PartPath())
	}
	r.before = out.Len()
	r.screen.Sayf("going on after %s in %s", wording.Number(r.before, "pictures"), out.PartPath())
	return nil
}

// embed embeds all that is left.
func (r *embedRun) embed(ctx context.Context, stream *datasets.Stream, out *embeddings.Writer) error {
	task := r.screen.Begin("embedding pictures")
	defer task.End()
	counting, stop := context.WithCancel(ctx)
	counted := make(chan int, 1)
	go func() {
		n, known := stream.Files(counting, nil)
		if !known {
			n = 0
		}
		counted <- n
	}()
	files, told := 0, false
	defer func() {
		if stop(); !told {
			<-counted
		}
	}()
	return r.model.EmbedStream(ctx, stream, func(c model.Chunk) error {
		select {
		case files = <-counted:
			told = true
		default:
		}
		r.tell(c.Pictures.Skipped())
		items := itemsOf(c.Pictures)
		r.labelled = r.labelled || slices.ContainsFunc(items, func(it embeddings.Item) bool { return it.Label != "" })
		if err := out.Add(items, c.Embeddings); err != nil {
			return err
		}
		if err := out.SetMark(embeddings.Mark{Read: c.Read, LeftOut: r.bad, Names: c.Names}); err != nil {
			return err
		}
		task.Progress(c.Read, files)
		return nil
	})
}

// itemsOf are the names of pictures. All formats want UTF-8: of a name that is none they have what is shown of it.
func itemsOf(d *datasets.Dataset) []embeddings.Item {
	items := make([]embeddings.Item, d.Len())
	for i, c := range d.Labels() {
		if items[i].Path = d.Origin(i); !utf8.ValidString(items[i].Path) {
			items[i].Path = d.Path(i)
		}
		if c != datasets.NoClass {
			items[i].Label = d.Classes()[c]
		}
	}
	return items
}

// tell says on standard error what was left out and ought not to be.
func (r *embedRun) tell(skipped []datasets.Skip) {
	for _, s := range skipped {
		if s.Expected() {
			continue
		}
		r.bad++
		if s.IsFolder() {
			r.folders++
		}
		r.reasons[s.Reason]++
		r.screen.Aside(func() { fmt.Fprintln(r.call.Err, leftOutLine(s)) })
	}
}

// finish puts the file in place.
func (r *embedRun) finish(out *embeddings.Writer) error {
	task := r.screen.Begin("writing " + r.options.Out)
	defer task.End()
	return out.Close()
}

// summary says what was made.
func (r *embedRun) summary(out *embeddings.Writer) {
	done, seconds := out.Len()-r.before, time.Since(r.began).Seconds()
	line := fmt.Sprintf("%s embedded in %.1f s", wording.Number(done, "pictures"), seconds)
	if seconds > 0 {
		line += fmt.Sprintf(", %s pictures/s", wording.Thousands(int(float64(done)/seconds)))
	}
	r.screen.Say(line)
	if r.bad > 0 {
		var why []string
		for _, c := range sortedCounts(r.reasons) {
			why = append(why, fmt.Sprintf("%s: %d", c.reason, c.n))
		}
		r.screen.Sayf("%s%s", leavings{r.bad - r.folders, r.folders}, inBrackets(why))
	}
	r.screen.Sayf("embeddings  %s (%s of %s)", r.options.Out, wording.Thousands(out.Len()), wording.Number(r.model.EmbeddingSize(), "numbers"))
	for _, path := range out.Beside() {
		r.screen.Say("            " + path)
	}
	if !r.labelled && r.before == 0 {
		sayHowLabelled(r.screen, r.paths)
	}
}

// inBrackets is a list in brackets, and nothing of none.
func inBrackets(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return " (" + strings.Join(list, ", ") + ")"
}

// reasonCount is how many were left out for a reason.
type reasonCount struct {
	reason string
	n      int
}

// sortedCounts has the most frequent first.
func sortedCounts(counts map[string]int) (out []reasonCount) {
	for reason, n := range counts {
		out = append(out, reasonCount{reason, n})
	}
	slices.SortFunc(out, func(a, b reasonCount) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.reason, b.reason)) })
	return out
}

// again is the command as it was typed.
func (r *embedRun) again() string { return r.call.root().toType(r.call.root().args...) }

// kept adds to an error what became of what was embedded already.
func (r *embedRun) kept(out *embeddings.Writer, err error) error {
	if e := out.Suspend(); e != nil {
		return err
	}
	return wrong("%v\n%s are kept in %s; once that is mended this goes on:\n  %s", err, wording.Number(out.Len(), "pictures"), out.PartPath(), r.again())
}

// inFlags is an error about datasets.Options in the words of the flags.
func (r *embedRun) inFlags(err error) error { return field.Under(err, "", "Data") }

// errLeftOut says that pictures were left out, which was told.
var errLeftOut = errors.New("pictures were left out")

// stoppable reads until ctx ends, also where nothing comes to be read.
type stoppable struct {
	ctx  context.Context
	from io.Reader
	came chan read // nil until it is first read from
	want chan []byte
	err  error // that ended it
}

// read is what a reader gave.
type read struct {
	n   int
	err error
}

func (s *stoppable) Read(p []byte) (int, error) {
	if s.came == nil {
		s.came, s.want = make(chan read, 1), make(chan []byte)
		go func() {
			for b := range s.want {
				n, err := s.from.Read(b)
				s.came <- read{n, err}
			}
		}()
	}
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	b := make([]byte, len(p)) // its own: it may be filled when nobody waits any more
	select {
	case s.want <- b:
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
	select {
	case r := <-s.came:
		if s.err = r.err; s.err != nil {
			close(s.want)
		}
		return copy(p, b[:r.n]), r.err
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}
