package cli

import (
	"context"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"medusa/index"
	"medusa/internal/report/gallery"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/metrics"
)

// suspecting is the command outliers.
var suspecting = command{
	name:  "outliers",
	takes: "INDEX",
	about: "find the pictures of an index whose label is likely wrong",
	intro: "finds the pictures whose label is likely wrong: of which more of the nearest pictures have one other label than have theirs. The surest come first. INDEX is what the command index made.",
	examples: []example{
		{[]string{"gallery.index"}, "with the label that each seems to have"},
		{[]string{"gallery.index", "-html", "wrong.html"}, "a page with each and its neighbours"},
		{[]string{"gallery.index", "-k", "5", "-json"}, "by fewer votes, for programs"},
	},
	notes: "Each picture asks its -k nearest, or fewer where its label has fewer pictures (Wilson 1972; Zhu, Dong and Liu, ICML 2022), and the order is by the margin of their votes (Northcutt, Jiang and Chuang, JAIR 2021). It is a list to look at, not one to act on blindly: a network that learned from these very pictures may have learned wrong labels by heart.",
	begin: func(c *invocation) job { return newOutliersFlags(c) },
}

// outliersOptions are what the flags of outliers set.
type outliersOptions struct {
	K      int           `yaml:"k" flag:"k" arg:"N" doc:"nearest pictures that have a vote" min:"1" max:"1000" group:"How"`
	Lookup lookupOptions `yaml:",inline"`
}

var outliersSchema = settings.Of(reflect.TypeFor[outliersOptions](), nil)

// outliersFlags are the command outliers, called.
type outliersFlags struct {
	*flagSet
	options *outliersOptions
}

func newOutliersFlags(c *invocation) *outliersFlags {
	prototype := outliersOptions{K: 10, Lookup: lookupOptions{Limit: 50}}
	o, unset := prototype, prototype
	return &outliersFlags{options: &o, flagSet: newFlagSet(c, outliersSchema, &o, &unset, nil, lookupGroups...)}
}

func (f *outliersFlags) flags() *flagSet { return f.flagSet }

func (f *outliersFlags) do(ctx context.Context, args []string) error {
	if err := f.checkLookup(&f.options.Lookup); err != nil {
		return usageError{err}
	}
	if err := f.checkGiven(f.options); err != nil {
		return usageError{err}
	}
	l, err := f.open(args, &f.options.Lookup)
	if err != nil {
		return err
	}
	s := &suspects{lookup: l}
	if err := s.find(ctx, f.options.K); err != nil {
		return err
	}
	return s.tell()
}

// suspects are pictures whose label is likely wrong.
type suspects struct {
	*lookup
	ids     []uint64 // of the rows of near and labels
	labels  []int    // numbers of names, below zero for none
	names   []string
	near    metrics.Neighbours
	list    []metrics.Suspect
	alone   int // pictures that are the only one of their label
	without int // pictures without a label
}

// find looks for the neighbours of every picture, and takes their votes.
func (s *suspects) find(ctx context.Context, k int) error {
	count, err := s.Labels()
	if err != nil {
		return err
	}
	s.without = count[""]
	delete(count, "")
	if len(count) == 0 {
		return wrong("the pictures of %s have no labels that could be wrong: index a folder with a folder for each label, or a table", s.path)
	}
	s.names = slices.Sorted(maps.Keys(count))
	if err := s.neighbours(ctx, min(k, s.Len()-1)); err != nil {
		return err
	}
	all, alone, err := metrics.SuspectLabels(s.near, s.labels)
	if err != nil {
		return err
	}
	s.alone = alone
	for _, suspect := range all {
		it, err := s.Get(s.ids[suspect.Row])
		if err != nil {
			return err
		}
		if isMeant(s.filter, it) {
			s.list = append(s.list, suspect)
		}
	}
	return nil
}

// neighbours finds the neighbours of every picture.
func (s *suspects) neighbours(ctx context.Context, k int) error {
	if k < 1 { // there is one picture
		s.ids, s.labels, s.near = []uint64{0}, []int{0}, metrics.Neighbours{K: 1, Indices: []int32{-1}, Distances: []float64{0}}
		return nil
	}
	s.near.K = k
	task := s.screen.Begin("comparing pictures")
	defer task.End()
	const none = math.MaxUint64 // a search over the graph may find fewer
	row, of := map[uint64]int32{none: -1}, []uint64{}
	err := s.Neighbours(ctx, s.search(k, s.options.Exact, s.options.Effort), func(it index.Item, near []index.Hit) error {
		label, known := slices.BinarySearch(s.names, it.Label)
		if !known {
			label = -1
		}
		row[it.ID] = int32(len(s.ids))
		s.ids, s.labels = append(s.ids, it.ID), append(s.labels, label)
		for place := range k {
			next := index.Hit{ID: none}
			if place < len(near) {
				next = near[place]
			}
			of, s.near.Distances = append(of, next.ID), append(s.near.Distances, next.Distance)
		}
		task.Progress(len(s.ids), s.Len())
		return nil
	})
	for _, id := range of {
		s.near.Indices = append(s.near.Indices, row[id])
	}
	return err
}

// suspectAnswer is a picture whose label is in doubt, in JSON.
type suspectAnswer struct {
	Rank       int            `json:"rank"`
	ID         uint64         `json:"id"`
	Path       string         `json:"path,omitempty"`
	Label      string         `json:"label"`
	Suggested  string         `json:"suggested"`
	Share      float64        `json:"share"`
	Others     float64        `json:"suggested_share"`
	Neighbours []shownPicture `json:"neighbours"`

	near []match // the same
}

// tell shows the suspects.
func (s *suspects) tell() error {
	t := terminal.Table{Header: []string{"", "label", "seems", "votes", "path"}, Right: []int{0, 3}, Names: []int{1, 2, 4}}
	for i, suspect := range s.list {
		if i >= s.options.Limit && !s.options.JSON {
			break
		}
		a, it, err := s.answer(i, suspect)
		if err != nil {
			return err
		}
		if i < s.options.Limit {
			s.show(it, a.Suggested, votesOf(suspect), a.near)
			t.Rows = append(t.Rows, []string{fmt.Sprint(i + 1), a.Label, a.Suggested, votesOf(suspect), s.nameOf(it)})
		}
		if s.options.JSON {
			if err := s.writeJSON(a); err != nil {
				return err
			}
		}
	}
	notes := s.summary()
	if !s.options.JSON {
		s.sayTable(t, notes)
	}
	if s.options.HTML == "" {
		return nil
	}
	return s.page.write(s.screen, s.options.HTML, gallery.Page{Kind: "outliers", Title: "Labels that are likely wrong", Facts: s.pageFacts(), Notes: sentences(notes)})
}

// answer is what is to be told of a suspect.
func (s *suspects) answer(i int, suspect metrics.Suspect) (a suspectAnswer, it index.Item, err error) {
	if it, err = s.Get(s.ids[suspect.Row]); err != nil {
		return a, it, err
	}
	a = suspectAnswer{Rank: i + 1, ID: it.ID, Path: s.inJSON(it, 0).Path, Label: it.Label, Suggested: s.names[suspect.Suggested], Share: suspect.Share, Others: suspect.Others}
	if a.near, err = s.neighboursOf(suspect.Row); err != nil {
		return a, it, err
	}
	for _, n := range a.near {
		a.Neighbours = append(a.Neighbours, s.inJSON(n.Item, n.distance))
	}
	return a, it, nil
}

// percent is a share as people read it.
func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

// votesOf is how many votes the label has, and the one that is suggested.
func votesOf(s metrics.Suspect) string {
	count := func(share float64) int { return int(math.Round(share * float64(s.Asked))) }
	return fmt.Sprintf("%d:%d", count(s.Share), count(s.Others))
}

// neighboursOf are the pictures nearest to that of a row.
func (s *suspects) neighboursOf(row int) (out []match, err error) {
	rows, distances := s.near.Of(row)
	for i, r := range rows {
		if r < 0 {
			continue
		}
		it, err := s.Get(s.ids[r])
		if err != nil {
			return nil, err
		}
		out = append(out, match{it, distances[i]})
	}
	return out, nil
}

// show puts a suspect and its neighbours on the page.
func (s *suspects) show(it index.Item, suggested, votes string, neighbours []match) {
	asked := s.picture(it, "")
	asked.Mark = gallery.Wrong
	section := gallery.Section{Title: it.Label + " seems to be " + suggested, Asked: &asked, Note: votes + " votes of the nearest pictures"}
	for _, n := range neighbours {
		p := s.picture(n.Item, distanceText(n.distance))
		section.Pictures = append(section.Pictures, p)
	}
	s.page.sections = append(s.page.sections, section)
}

// summary is all suspects in words.
func (s *suspects) summary() []string {
	notes := []string{fmt.Sprintf("%s of %s whose neighbours mostly have another label", wording.Number(len(s.list), "pictures"), wording.Thousands(s.Len()))}
	if more := len(s.list) - s.options.Limit; more > 0 {
		notes[0] += fmt.Sprintf("; the surest %d are shown, -limit shows more", s.options.Limit)
	}
	if s.without > 0 {
		notes = append(notes, fmt.Sprintf("%s without a label left out", wording.Number(s.without, "pictures")))
	}
	if s.alone > 0 {
		notes = append(notes, fmt.Sprintf("%s not judged, each the only one of its label", wording.Number(s.alone, "pictures")))
	}
	return notes
}
