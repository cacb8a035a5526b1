package cli

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"

	"medusa/index"
	"medusa/internal/field"
	"medusa/internal/report/gallery"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/internal/wording"
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
	Threshold   float64       `yaml:"threshold" flag:"threshold" arg:"DISTANCE" doc:"farthest that a picture is from its nearest in the group; 0 finds equal ones" unset:"0.13 of the median distance between a picture and the one nearest to it" group:"How"`
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
		return wrong("%s is %v, want a distance", field.Name("-threshold"), o.Threshold)
	}
	return f.checkGiven(o)
}

// checkDistance refuses thresholds that no two pictures can be within.
func (x *pictureIndex) checkDistance(threshold float64) error {
	if threshold < 0 && x.Index.Options().Distance != metrics.Dot {
		return wrong("%s is %v, want 0 or more: distances of %s are not below", field.Name("-threshold"), threshold, x.path)
	}
	return nil
}

// nearShare is the default threshold as a share of the median distance between a picture and its nearest, as of
// cleanlab's Datalab 2.7 (near_duplicate).
const nearShare = 0.13

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
	median, err := l.medianNearest(ctx)
	return nearShare * median, fmt.Sprintf("%v of the median distance between a picture and the one nearest to it", nearShare), err
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

// duplicates is what was found.
type duplicates struct {
	*lookup
	groups []index.Group
	most   float64 // distance
	from   string  // where that comes from
}

// duplicateGroup is a group, in JSON.
type duplicateGroup struct {
	Group     int            `json:"group"`
	Least     float64        `json:"least_distance"`
	Threshold float64        `json:"threshold"`
	Pictures  []shownPicture `json:"pictures"`
}

// tell shows the groups.
func (d *duplicates) tell() error {
	copies := 0
	for i, g := range d.groups {
		copies += len(g.Members) - 1
		if i >= d.options.Limit && !d.options.JSON {
			continue
		}
		shown, items, err := d.members(g)
		if err != nil {
			return err
		}
		if i < d.options.Limit {
			d.show(i, shown, items)
		}
		if d.options.JSON {
			if err := d.writeJSON(duplicateGroup{i + 1, g.Least, d.most, shown}); err != nil {
				return err
			}
			continue
		}
		d.table(i, shown, items)
	}
	summary := d.summary(copies)
	if !d.options.JSON {
		d.screen.Say(summary)
	}
	if d.options.HTML == "" {
		return nil
	}
	return d.page.write(d.screen, d.options.JSON, d.options.HTML, gallery.Page{Kind: "duplicates", Title: "Pictures that show the same",
		Facts: d.pageFacts(), Notes: append(sentences([]string{summary}), "Below each picture stands its distance from the nearest other one of the group.")})
}

// members are the pictures of a group, nearest first.
func (d *duplicates) members(g index.Group) (shown []shownPicture, items []index.Item, err error) {
	members := slices.Clone(g.Members)
	slices.SortStableFunc(members, func(a, b index.Member) int {
		switch {
		case a.Distance < b.Distance:
			return -1
		case a.Distance > b.Distance:
			return 1
		}
		return 0
	})
	for _, m := range members {
		it, err := d.Get(m.ID)
		if err != nil {
			return nil, nil, err
		}
		next, err := d.Get(m.Nearest)
		if err != nil {
			return nil, nil, err
		}
		p := d.inJSON(it, m.Distance)
		p.Nearest = d.nameOf(next)
		shown, items = append(shown, p), append(items, it)
	}
	return shown, items, nil
}

// summary is all groups in words.
func (d *duplicates) summary(copies int) string {
	text := fmt.Sprintf("%s of pictures at most %s apart, %s more than one of each", wording.Number(len(d.groups), "groups"), thresholdText(d.most), wording.Number(copies, "pictures"))
	if len(d.groups) == 0 {
		text = fmt.Sprintf("no two pictures are at most %s apart", thresholdText(d.most))
	}
	if d.from != "" {
		text += " (" + d.from + ")"
	}
	if more := len(d.groups) - d.options.Limit; more > 0 {
		text += fmt.Sprintf("; %s more than are shown, -limit shows more", wording.Number(more, "groups"))
	}
	return text
}

// table shows a group on the terminal.
func (d *duplicates) table(i int, shown []shownPicture, items []index.Item) {
	t := terminal.Table{Header: []string{"distance", "label", "path"}, Right: []int{0}, Names: []int{1, 2}}
	labelled := false
	for k, p := range shown[:min(len(shown), d.options.Limit)] {
		labelled = labelled || p.Label != ""
		t.Rows = append(t.Rows, []string{distanceText(p.Distance), p.Label, d.nameOf(items[k])})
	}
	d.screen.Sayf("group %d, %s%s", i+1, wording.Number(len(shown), "pictures"), ofLabels(shown))
	d.screen.Table(withoutLabels(t, 1, labelled))
	if more := len(shown) - len(t.Rows); more > 0 {
		d.screen.Sayf("and %s more", wording.Thousands(more))
	}
	d.screen.Say("")
}

// ofLabels says that a group is of several labels, which is worth a look.
func ofLabels(shown []shownPicture) string {
	labels := map[string]bool{}
	for _, p := range shown {
		if p.Label != "" {
			labels[p.Label] = true
		}
	}
	if len(labels) < 2 {
		return ""
	}
	return fmt.Sprintf(" of %d labels", len(labels))
}

// show puts a group on the page.
func (d *duplicates) show(i int, shown []shownPicture, items []index.Item) {
	s := gallery.Section{Title: fmt.Sprintf("%d: %s%s", i+1, wording.Number(len(shown), "pictures"), ofLabels(shown))}
	for k, p := range shown[:min(len(shown), d.options.Limit)] {
		s.Pictures = append(s.Pictures, d.picture(items[k], distanceText(p.Distance)))
	}
	if more := len(shown) - len(s.Pictures); more > 0 {
		s.Note = "And " + wording.Thousands(more) + " more."
	}
	d.page.sections = append(d.page.sections, s)
}
