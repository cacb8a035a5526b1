package cli

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"medusa/internal/field"
	"medusa/internal/settings"
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
	if strings.TrimSpace(o.Out) == "" {
		return wrong("%s names no file to write: give one such as %s", field.Name("-out"), field.Setting{Field: "Out", Value: "photos.index"})
	}
	return f.validateForm(given)
}

// validateForm refuses forms of an index that contradict each other, or that which is there.
func (f *indexFlags) validateForm(given map[string]bool) error {
	o := f.options
	switch {
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
	if err := f.namesIndex(args); err != nil {
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
