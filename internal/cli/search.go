package cli

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/settings"
	"medusa/model"
)

// searching is the command search.
var searching = command{
	name:  "search",
	takes: "INDEX PICTURE…",
	about: "find the pictures of an index that are most like others",
	intro: "finds the pictures of an index that are nearest to each PICTURE. INDEX is what the command index made; it knows its model. PICTURE is a picture, or whatever else the command embed takes, also - for standard input.",
	examples: []example{
		{[]string{"gallery.index", "a.jpg"}, "the ten nearest"},
		{[]string{"gallery.index", "others", "-k", "5", "-html", "found.html"}, "a page with thumbnails"},
		{[]string{"gallery.index", "a.jpg", "b.jpg", "-classify", "-json"}, "of which label each is, for programs"},
	},
	notes: "A picture that is in the index itself is left out of what is found for it, which is told. What cannot be read is told on standard error and counted; the exit code is then 3.",
	begin: func(c *invocation) job { return newSearchFlags(c) },
}

// searchOptions are what the flags of search set.
type searchOptions struct {
	K         int              `yaml:"k" flag:"k" arg:"N" doc:"pictures to find for each" min:"1" max:"100000" group:"Search"`
	Exact     bool             `yaml:"exact" flag:"exact" doc:"compare with all pictures, and by whole embeddings if the index keeps them, though there is a graph" group:"Search"`
	Effort    int              `yaml:"effort" flag:"effort" arg:"N" doc:"pictures that a search over the graph keeps in view: of more it finds more of the nearest, and takes longer" unset:"64, or -k if that is more" min:"1" max:"1000000" group:"Search"`
	KeepSelf  bool             `yaml:"keep_self" flag:"keep-self" doc:"find a picture that is in the index for itself, too" group:"Search"`
	Selection selectionOptions `yaml:",inline" group:"Among which pictures"`

	Classify    bool    `yaml:"classify" flag:"classify" doc:"tell of which label each picture is: that of most of the -k nearest, or none if the nearest of these is not near enough" group:"Labels"`
	Threshold   float64 `yaml:"threshold" flag:"threshold" arg:"DISTANCE" doc:"distance below which two pictures count as the same: with -classify, else pictures farther away are not shown" unset:"with -classify the threshold beside the model, as verify takes it; else none" group:"Labels"`
	FAR         float64 `yaml:"far" flag:"far" arg:"RATE" doc:"false accept rate whose threshold -classify takes, one of those that calibrate found" unset:"0.001, or the least above it that there is" above:"0" max:"1" group:"Labels"`
	Calibration string  `yaml:"calibration" flag:"calibration" arg:"FILE" doc:"thresholds that calibrate saved" unset:"those beside the model" group:"Labels"`

	JSON    bool      `yaml:"json" flag:"json" doc:"answer in JSON, a line for each picture; docs/search.md says what is in it" group:"Output"`
	HTML    string    `yaml:"html" flag:"html" arg:"FILE" doc:"write a page with thumbnails besides" group:"Output"`
	Model   string    `yaml:"model" flag:"model" arg:"MODEL" doc:"run folder or model file" unset:"where the index says that it is" group:"This run"`
	Data    embedData `yaml:"data" group:"Pictures"`
	Device  string    `yaml:"device" flag:"device" arg:"cpu|cuda|cuda:N|auto" doc:"computes the network: cpu, cuda (the first GPU), cuda:N, or auto, which takes a GPU where there is one" unset:"cpu" group:"This run"`
	Threads int       `yaml:"threads" flag:"threads" arg:"N" doc:"for the computation; no result depends on it" unset:"all processors" group:"This run" min:"1"`
}

var searchSchema = settings.Of(reflect.TypeFor[searchOptions](), nil)

// searchFlags are the command search, called.
type searchFlags struct {
	*flagSet
	options *searchOptions
}

func newSearchFlags(c *invocation) *searchFlags {
	o, unset := &searchOptions{K: 10}, &searchOptions{K: 10}
	return &searchFlags{options: o, flagSet: newFlagSet(c, searchSchema, o, unset, nil, "Search", "Among which pictures", "Labels", "Output", "Pictures", "This run")}
}

func (f *searchFlags) flags() *flagSet { return f.flagSet }

func (f *searchFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(args); err != nil {
		return usageError{err}
	}
	if err := canWritePage(f.options.HTML); err != nil {
		return err
	}
	run, err := f.open(args[0])
	if err != nil {
		return err
	}
	o := f.options
	m, err := run.loadModel(f.call, "search", o.Model, o.Device, o.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := run.chooseThreshold(m); err != nil {
		return err
	}
	leftOut, err := embedEach(ctx, f.call, run.answers.screen, m, args[1:], o.Data, nil, func(c model.Chunk) error { return run.searchFor(ctx, c) })
	switch {
	case err != nil:
		return err
	case run.answers.n == 0:
		return noPictures(args[1:])
	}
	if err := run.answers.close(); err != nil {
		return err
	}
	if leftOut.any() {
		return errLeftOut
	}
	return nil
}

// open opens the index at path for a search.
func (f *searchFlags) open(path string) (*searchRun, error) {
	g, err := openIndex(path)
	if err != nil {
		return nil, err
	}
	if g.Len() == 0 {
		return nil, errors.Errorf("%s is empty", path)
	}
	filter, err := g.filter(f.options.Selection)
	o := f.options
	a := &answers{searchFlags: f, pictureIndex: g, screen: f.call.screenBeside(o.JSON), page: picturePage{maxPixels: o.Data.MaxPixels}}
	return &searchRun{searchFlags: f, pictureIndex: g, filter: filter, answers: a}, err
}

// validate refuses what nobody means.
func (f *searchFlags) validate(args []string) error {
	if err := indexAndPictures(args); err != nil {
		return err
	}
	given, o := f.given(), f.options
	if err := f.checkSelection(o.Selection); err != nil {
		return err
	}
	for _, name := range []string{"html", "model", "calibration"} {
		if given[name] && strings.TrimSpace(f.TextOf(name)) == "" {
			return wrong("%s is empty: name a file, or leave it out", field.Name("-"+name))
		}
	}
	if err := checkPage(o.HTML); err != nil {
		return err
	}
	switch {
	case given["threshold"] && (math.IsNaN(o.Threshold) || math.IsInf(o.Threshold, 0)):
		return noDistance(o.Threshold)
	case given["threshold"] && !(o.Threshold > 0):
		return wrong("%s is %v, want a distance above 0", field.Name("-threshold"), o.Threshold)
	case given["threshold"] && (given["far"] || given["calibration"]):
		return wrong("%s says what %s and %s would: leave it out, or them", field.Name("-threshold"), field.Name("-far"), field.Name("-calibration"))
	case !o.Classify && (given["far"] || given["calibration"]):
		return wrong("%s and %s say below which distance %s takes pictures for the same: add that, or leave them out", field.Name("-far"), field.Name("-calibration"), field.Name("-classify"))
	case o.Exact && given["effort"]:
		return wrong("%s is of a search over the graph, which %s does without: leave out one of them", field.Name("-effort"), field.Name("-exact"))
	}
	return f.checkGiven(o)
}

// indexAndPictures refuses command lines that do not name an index and pictures.
func indexAndPictures(args []string) error {
	empty := slices.Index(args, "")
	switch {
	case len(args) == 0:
		return errors.New("want an INDEX, which the command index makes, and pictures to look for; -h says more")
	case empty == 0:
		return errors.New("INDEX is empty: give the file that the command index made")
	case empty > 0:
		return errors.New("a PICTURE is empty: give a picture or a folder of pictures")
	case len(args) == 1:
		return errors.Errorf("want a picture behind the index %s, or a folder, an archive, a table or a list of them, or - for standard input", args[0])
	}
	return standardInputOnce(args[1:])
}
