package cli

import (
	"fmt"
	"slices"

	"medusa/index"
	"medusa/internal/report/gallery"
	"medusa/internal/terminal"
	"medusa/internal/wording"
)

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
	return d.page.write(d.screen, d.options.HTML, gallery.Page{Kind: "duplicates", Title: "Pictures that show the same",
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
