package cli

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/metrics"
	"medusa/model"
	"medusa/trainer"
)

// loadForPictures loads the model at path on a device, for a command that takes pictures.
func loadForPictures(path, command, device string, threads int) (*model.Model, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, errors.Errorf("there is no run folder or model file %s", path)
	}
	if device != "" && device != "cpu" && device != "auto" {
		if err := trainer.CheckDevice(device); err != nil {
			return nil, wrong("%s is %s, which is not to be had: %v", field.Name("-device"), device, err)
		}
	}
	if err := refuseOtherFile(path); err != nil {
		return nil, err
	}
	m, err := model.Load(path, model.Options{Device: device, Threads: threads})
	if err != nil {
		return nil, err
	}
	if m.Info().Resize == "" {
		m.Close()
		return nil, errors.Errorf("the model of %s learned from vectors or from data of a program's own, and not from pictures, which %s takes", path, command)
	}
	return m, nil
}

// openPictures opens what paths name, prepared for the model; - is standard input.
func openPictures(ctx context.Context, c *invocation, m *model.Model, paths []string, d embedData) (*datasets.Stream, error) {
	o := m.Options()
	o.Columns, o.Strict, o.MaxPixels, o.Workers = d.Columns, d.Strict, d.MaxPixels, d.Workers
	inputs := make([]datasets.Input, len(paths))
	for i, path := range paths {
		inputs[i].Path = path
		if path == "-" {
			inputs[i] = datasets.Input{Path: "standard input", Reader: &stoppable{ctx: ctx, from: c.In}}
		}
	}
	return datasets.OpenInputs(inputs, o)
}

// labelled is pictures, embedded.
type labelled struct {
	metrics.Set
	classes []string
	paths   []string
	leftOut leavings
}

// embedLabelled embeds the pictures that paths name. Those of no class are left out, which is told.
func embedLabelled(ctx context.Context, c *invocation, w *terminal.Screen, m *model.Model, paths []string, d embedData) (*labelled, error) {
	out, err := embedAll(ctx, c, w, m, paths, d)
	if err != nil {
		return nil, err
	}
	all, kept := out.Labels, 0
	out.Labels = nil
	for i, label := range all {
		if label != datasets.NoClass {
			copy(out.Embeddings[kept*out.Dim:], out.Row(i))
			out.Labels, out.paths[kept] = append(out.Labels, label), out.paths[i]
			kept++
		}
	}
	out.Embeddings, out.paths = out.Embeddings[:kept*out.Dim], out.paths[:kept]
	switch without := len(all) - kept; {
	case kept == 0:
		if how := howLabelled(paths); how != "" {
			return nil, errors.Errorf("no picture of %s has a class: %s", strings.Join(paths, ", "), how)
		}
		return nil, errors.Errorf("no picture of %s has a class: want a folder for each class, or a table with a label for each picture", strings.Join(paths, ", "))
	case without > 0:
		w.Aside(func() { fmt.Fprintf(c.Err, "left out: %s of no class\n", wording.Number(without, "pictures")) })
	}
	return out, nil
}

// embedAll embeds the pictures that paths name; the labels of those of no class are datasets.NoClass.
func embedAll(ctx context.Context, c *invocation, w *terminal.Screen, m *model.Model, paths []string, d embedData) (*labelled, error) {
	out, number := &labelled{Set: metrics.Set{Dim: m.EmbeddingSize()}}, map[string]int{}
	var err error
	out.leftOut, err = embedEach(ctx, c, w, m, paths, d, nil, func(chunk model.Chunk) error {
		for i, l := range chunk.Pictures.Labels() {
			if l != datasets.NoClass {
				name := chunk.Pictures.Classes()[l]
				if _, known := number[name]; !known {
					number[name] = len(number)
					out.classes = append(out.classes, name)
				}
				l = number[name]
			}
			out.Labels = append(out.Labels, l)
			out.paths = append(out.paths, chunk.Pictures.Path(i))
			out.Embeddings = append(out.Embeddings, chunk.Embeddings[i*out.Dim:(i+1)*out.Dim]...)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case out.Len() == 0:
		return nil, noPictures(paths)
	}
	return out, nil
}

// noPictures says that nothing was embedded.
func noPictures(paths []string) error {
	return errors.Errorf("%s: there is no picture that can be read", strings.Join(paths, ", "))
}

// embedEach embeds the pictures that paths name, some after the others, and returns how many could not be read,
// which is told. begin, if not nil, hears first how many files there are, where that is known, and may refuse.
func embedEach(ctx context.Context, c *invocation, w *terminal.Screen, m *model.Model, paths []string, d embedData,
	begin func(files int) error, each func(model.Chunk) error) (leftOut leavings, err error) {
	stream, err := openPictures(ctx, c, m, paths, d)
	if err != nil {
		return leftOut, field.Under(err, "", "Data")
	}
	defer stream.Close()
	files := 0
	if begin != nil {
		if n, known := stream.Files(ctx, nil); known {
			files = n
		}
		if err := begin(files); err != nil {
			return leftOut, err
		}
	}
	task := w.Begin("embedding pictures")
	defer task.End()
	err = m.EmbedStream(ctx, stream, func(chunk model.Chunk) error {
		for _, s := range chunk.Pictures.Skipped() {
			if !s.Expected() {
				leftOut.count(s)
				w.Aside(func() { fmt.Fprintln(c.Err, leftOutLine(s)) })
			}
		}
		err := each(chunk)
		task.Progress(chunk.Read, files)
		return err
	})
	return leftOut, field.Under(err, "", "Data")
}

// modelAndPaths refuses command lines that do not name a model and what stands behind it: what it is, one
// of it, and the forms that it may have.
func modelAndPaths(args []string, what, one, forms string) error {
	empty := slices.Index(args, "")
	switch {
	case len(args) == 0:
		return errors.Errorf("want a MODEL, which is a run folder or its model file, and %s; -h says more", what)
	case empty == 0:
		return errors.New("MODEL is empty: give the run folder, or its model file")
	case empty > 0:
		return errors.New("a PATH is empty: give a picture or a folder of pictures")
	case len(args) == 1:
		return errors.Errorf("want %s behind the model %s%s", one, args[0], forms)
	}
	return standardInputOnce(args[1:])
}

// standardInputOnce refuses paths among which standard input stands twice.
func standardInputOnce(paths []string) error {
	if n := len(slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p != "-" })); n > 1 {
		return errors.New("- stands twice among the paths, and standard input can be read once")
	}
	return nil
}

// checkGiven refuses values of flags that their schema does not allow in o.
func (f *flagSet) checkGiven(o any) error {
	given := f.given()
	if given["device"] && f.TextOf("device") == "" {
		return wrong("%s is empty, want cpu, cuda, cuda:N or auto", field.Name("-device"))
	}
	for _, opt := range f.Options {
		if !given[opt.Flag] {
			continue
		}
		if err := opt.CheckTyped(o); err != nil {
			way := ""
			if opt.Unset != "" {
				way = "; leave it out for " + opt.Unset
			}
			return wrong("%s %v%s", field.Name("-"+opt.Flag), err, way)
		}
	}
	return nil
}
