package cli

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"

	"medusa/index"
	"medusa/internal/field"
	"medusa/internal/settings"
	"medusa/metrics"
)

// deduplicating is the command duplicates.
var deduplicating = command{
	name:  "duplicates",
	takes: "INDEX",
	about: "find the pictures of an index that show the same",
	intro: "finds groups of pictures that are equal or nearly so: of which each is no farther from another of its group than a threshold. INDEX is what the command index made.",
	examples: []example{
		{[]string{"gallery.index"}, "much nearer than pictures are usually"},
		{[]string{"gallery.index", "-threshold", "0", "-json"}, "equal ones, for programs"},
		{[]string{"gallery.index", "-far", "0.1", "-html", "same.html"}, "what calibrate takes for one class, as a page"},
	},
	begin: func(c *invocation) job { return newDuplicatesFlags(c) },
}

// duplicatesOptions are what the flags of duplicates set.
type duplicatesOptions struct {
	Threshold   float64       `yaml:"threshold" flag:"threshold" arg:"DISTANCE" doc:"farthest that a picture is from its nearest in the group; 0 finds equal ones" unset:"0.36 of the median distance between a picture and the one nearest to it, by cosine 0.13" group:"How"`
	FAR         float64       `yaml:"far" flag:"far" arg:"RATE" doc:"nearer than the threshold that calibrate found for this false accept rate: what counts as one class, and not copies alone" unset:"as -threshold says" above:"0" max:"1" group:"How"`
	Calibration string        `yaml:"calibration" flag:"calibration" arg:"FILE" doc:"thresholds that calibrate saved, for -far" unset:"those beside the model" group:"How"`
	Lookup      lookupOptions `yaml:",inline"`
}

var duplicatesSchema = settings.Of(reflect.TypeFor[duplicatesOptions](), nil)

// duplicatesFlags are the command duplicates, called.
type duplicatesFlags struct {
	*flagSet
	options *duplicatesOptions
}

func newDuplicatesFlags(c *invocation) *duplicatesFlags {
	const limit = 50
	o, unset := &duplicatesOptions{Lookup: lookupOptions{Limit: limit}}, &duplicatesOptions{Lookup: lookupOptions{Limit: limit}}
	return &duplicatesFlags{options: o, flagSet: newFlagSet(c, duplicatesSchema, o, unset, nil, lookupGroups...)}
}

func (f *duplicatesFlags) flags() *flagSet { return f.flagSet }

func (f *duplicatesFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(); err != nil {
		return usageError{err}
	}
	l, err := f.open(args, &f.options.Lookup)
	if err != nil {
		return err
	}
	most, from, err := f.threshold(ctx, l)
	if err != nil {
		return err
	}
	groups, err := l.groups(ctx, "comparing pictures", index.GroupOptions{MaxDistance: most})
	if err != nil {
		return err
	}
	return (&duplicates{lookup: l, groups: groups, most: most, from: from}).tell()
}

// validate refuses what nobody means.
func (f *duplicatesFlags) validate() error {
	given, o := f.given(), f.options
	if err := f.checkLookup(&o.Lookup); err != nil {
		return err
	}
	switch {
	case given["threshold"] && (given["far"] || given["calibration"]):
		return wrong("%s says what %s and %s would: leave it out, or them", field.Name("-threshold"), field.Name("-far"), field.Name("-calibration"))
	case given["calibration"] && !given["far"]:
		return wrong("%s has thresholds for rates: say which with %s", field.Name("-calibration"), field.Name("-far"))
	case given["calibration"] && o.Calibration == "":
		return wrong("%s is empty: name a file, or leave it out", field.Name("-calibration"))
	case math.IsNaN(o.Threshold) || math.IsInf(o.Threshold, 0):
		return noDistance(o.Threshold)
	}
	return f.checkGiven(o)
}

// noDistance refuses a threshold that is no finite number.
func noDistance(threshold float64) error {
	return wrong("%s is %v, want a distance, which is a finite number such as 0.3", field.Name("-threshold"), threshold)
}

// checkDistance refuses thresholds that no two pictures can be within.
func (g *pictureIndex) checkDistance(threshold float64) error {
	if threshold < 0 && g.Index.Options().Distance != metrics.Dot {
		return wrong("%s is %v, want 0 or more: no distance of %s is below 0", field.Name("-threshold"), threshold, g.path)
	}
	return nil
}

// nearShare is the default threshold as a share of the median distance between a picture and the one nearest to it:
// 0.13 of cosine distances, as of cleanlab's Datalab 2.7 (near_duplicate). Those of vectors of length 1 are half the square
// of the euclidean distance, and bits that differ grow as that does.
func (g *pictureIndex) nearShare() float64 {
	const ofCosine = 0.13
	if o := g.Index.Options(); o.Distance == metrics.Cosine && (o.Storage != index.Binary || o.KeepFloats) {
		return ofCosine
	}
	return math.Round(100*math.Sqrt(ofCosine)) / 100
}

// threshold is the farthest that two pictures may be apart, and where it comes from.
func (f *duplicatesFlags) threshold(ctx context.Context, l *lookup) (float64, string, error) {
	given, o := f.given(), f.options
	switch {
	case given["threshold"]:
		return o.Threshold, "", l.checkDistance(o.Threshold)
	case given["far"]:
		if reason := l.otherDistances(); reason != "" {
			return 0, "", wrong("%s: %s: give a %s", field.Name("-far"), reason, field.Name("-threshold"))
		}
		if l.Index.Options().ModelPath == "" && o.Calibration == "" {
			return 0, "", wrong("%s does not say where its model is: name the thresholds with %s", l.path, field.Name("-calibration"))
		}
		c := calibrated{call: f.call, far: o.FAR, farGiven: true, file: o.Calibration}
		point, from, err := c.threshold(asTypedPath(l.Index.Options().ModelPath), l.Index.Options().Model)
		return math.Nextafter(point.Threshold, math.Inf(-1)), from, err
	}
	if l.Index.Options().Distance == metrics.Dot {
		return 0, "", wrong("distances of %s are products, which have no scale: give a %s", l.path, field.Name("-threshold"))
	}
	if options := l.Index.Options(); options.Storage == index.Binary && !options.KeepFloats {
		return 0, "", wrong("distances of %s are numbers of bits that differ, too coarse to choose a threshold by: give a %s in bits, or make the index with %s", l.path, field.Name("-threshold"), field.Name("-keep-floats"))
	}
	median, err := l.medianNearest(ctx)
	return l.nearShare() * median, fmt.Sprintf("%v of the median distance between a picture and the one nearest to it", l.nearShare()), err
}

// medianNearest is the median, over some pictures, of the distance to the one nearest to each.
func (l *lookup) medianNearest(ctx context.Context) (float64, error) {
	const some = 1000
	sample, err := l.Sample(some, 1)
	if err != nil || l.Len() < 2 {
		return 0, err
	}
	found, err := l.Search(ctx, sample, l.search(2, l.options.Exact, l.options.Effort))
	if err != nil {
		return 0, err
	}
	var distances []float64
	for i := range found.Len() {
		if near := found.Of(i); len(near) == 2 { // itself, and another
			distances = append(distances, near[1].Distance)
		}
	}
	if len(distances) == 0 {
		return 0, nil
	}
	slices.Sort(distances)
	return distances[len(distances)/2], nil
}

// groups finds groups of pictures.
func (l *lookup) groups(ctx context.Context, what string, o index.GroupOptions) ([]index.Group, error) {
	o.Filter, o.Exact, o.Effort = l.filter, l.options.Exact, l.options.Effort
	task := l.screen.Begin(what)
	defer task.End()
	o.Progress = task.Progress
	return l.Groups(ctx, o)
}
