package cli

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/index"
	"medusa/internal/field"
	"medusa/internal/settings"
	"medusa/metrics"
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
	o := f.options
	if err := canWritePage(o.HTML); err != nil {
		return err
	}
	g, err := openIndex(args[0])
	if err != nil {
		return err
	}
	if g.Len() == 0 {
		return errors.Errorf("%s is empty", args[0])
	}
	filter, err := g.filter(o.Selection)
	if err != nil {
		return err
	}
	m, err := g.loadModel(f.call, "search", o.Model, o.Device, o.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	run := &searchRun{searchFlags: f, pictureIndex: g, filter: filter, answers: &answers{searchFlags: f, pictureIndex: g, page: picturePage{maxPixels: o.Data.MaxPixels}}}
	if err := run.chooseThreshold(m); err != nil {
		return err
	}
	w := f.call.screenBeside(o.JSON)
	run.answers.screen = w
	leftOut, err := embedEach(ctx, f.call, w, m, args[1:], o.Data, nil, func(c model.Chunk) error { return run.searchFor(ctx, c) })
	switch {
	case err != nil:
		return err
	case run.answers.n == 0:
		return noPictures(args[1:])
	}
	if err := run.answers.close(); err != nil {
		return err
	}
	if leftOut > 0 {
		return errLeftOut
	}
	return nil
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

// searchRun is the work of the command.
type searchRun struct {
	*searchFlags
	*pictureIndex
	filter    index.Filter
	threshold float64 // below which pictures count as the same; 0 for any
	answers   *answers
}

// chooseThreshold finds the threshold that was asked for, or with -classify that of the calibration, if there is one.
func (r *searchRun) chooseThreshold(m *model.Model) error {
	o, given := r.options, r.given()
	r.threshold = o.Threshold
	if !o.Classify || given["threshold"] {
		return nil
	}
	if labels, err := r.Labels(); err != nil {
		return err
	} else if delete(labels, ""); len(labels) == 0 {
		return wrong("%s: the pictures of %s have no labels to choose from", field.Name("-classify"), r.path)
	}
	asked := given["far"] || given["calibration"]
	if reason := r.otherDistances(); reason != "" {
		if asked {
			return wrong("%s: %s: give a %s", field.Name("-classify"), reason, field.Name("-threshold"))
		}
		r.answers.note("no picture is rejected: " + reason + "; -threshold sets one")
		return nil
	}
	path := o.Model
	if path == "" {
		path = asTypedPath(r.pictureIndex.Options().ModelPath)
	}
	c := calibrated{call: r.call, far: o.FAR, farGiven: given["far"], file: o.Calibration}
	point, from, err := c.threshold(path, m.Fingerprint())
	switch none := new(noThreshold); {
	case errors.As(err, none) && !asked:
		r.answers.note("no picture is rejected: there is no threshold for " + path + "; calibrate finds one, -threshold sets one")
		return nil
	case err != nil:
		return err
	}
	r.threshold, r.answers.thresholdFrom = point.Threshold, from
	return nil
}

// otherDistances says why the thresholds of calibrate are none for this index.
func (g *pictureIndex) otherDistances() string {
	switch o := g.Index.Options(); {
	case o.Distance != metrics.Euclidean:
		return "calibrate measures euclidean distances, and the index " + o.Distance.String() + " ones"
	case o.Storage == index.Binary && !o.KeepFloats:
		return "calibrate measures euclidean distances, and the index counts bits"
	}
	return ""
}

// searchFor looks for the pictures of a chunk.
func (r *searchRun) searchFor(ctx context.Context, c model.Chunk) error {
	if c.Pictures.Len() == 0 {
		return nil
	}
	o := r.search(r.options.K+1, r.options.Exact, r.options.Effort)
	o.Filter = r.filter
	found, err := r.Search(ctx, c.Embeddings, o)
	if err != nil {
		return err
	}
	dim := r.pictureIndex.Index.Options().Dim
	for i := range c.Pictures.Len() {
		q := &query{path: c.Pictures.Path(i)}
		if l := c.Pictures.Labels()[i]; l != datasets.NoClass {
			q.label = c.Pictures.Classes()[l]
		}
		if err := r.answer(ctx, q, found, i, c.Embeddings[i*dim:(i+1)*dim], o); err != nil {
			return err
		}
		if err := r.answers.add(q, c.Pictures, i, r.threshold); err != nil {
			return err
		}
	}
	return nil
}

// query is a picture that is looked for, and what was found.
type query struct {
	path, label string
	found       []match
	selfLeftOut bool
	decision    *decision
}

// match is a picture that was found.
type match struct {
	index.Item
	distance float64
}

// answer puts into q what was found for query i, and searches again where leaving out the picture itself leaves too few.
func (r *searchRun) answer(ctx context.Context, q *query, found index.Results, i int, embedding []float32, o index.SearchOptions) error {
	self, err := r.keptPath(q.path)
	if err != nil {
		return err
	}
	for {
		q.found, q.selfLeftOut = nil, false
		for place, h := range found.Of(i) {
			it := found.Item(i, place)
			if it.Path == self && !isNoFile(filepath.FromSlash(self)) && !r.options.KeepSelf {
				q.selfLeftOut = true
			} else {
				q.found = append(q.found, match{it, h.Distance})
			}
		}
		if len(q.found) >= r.options.K || len(found.Of(i)) < o.K {
			break
		}
		more := r.search(8*o.K, r.options.Exact, r.options.Effort)
		more.Filter = r.filter
		if found, err = r.Search(ctx, embedding, more); err != nil {
			return err
		}
		i, o = 0, more
	}
	q.found = q.found[:min(len(q.found), r.options.K)]
	if r.options.Classify {
		return r.decide(q)
	}
	if r.threshold > 0 {
		q.found = slices.DeleteFunc(q.found, func(m match) bool { return !(m.distance < r.threshold) })
	}
	return nil
}

// decision is which label a picture has.
type decision struct {
	label     string
	distance  float64 // of the nearest picture of it
	votes, of int
	rejected  bool
}

// decide takes the vote of what was found with a label.
func (r *searchRun) decide(q *query) error {
	var names []string
	var labels []int
	var distances []float64
	for _, m := range q.found {
		if m.Label == "" {
			continue
		}
		at := slices.Index(names, m.Label)
		if at < 0 {
			at = len(names)
			names = append(names, m.Label)
		}
		labels, distances = append(labels, at), append(distances, m.distance)
	}
	if len(labels) == 0 {
		q.decision = &decision{rejected: true}
		return nil
	}
	d, err := metrics.Vote(labels, distances)
	if err != nil {
		return err
	}
	q.decision = &decision{names[d.Label], d.Distance, d.Votes, len(labels), r.threshold > 0 && !(d.Distance < r.threshold)}
	return nil
}
