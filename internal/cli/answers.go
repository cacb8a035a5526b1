package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/internal/plain"
	"medusa/internal/report/gallery"
	"medusa/internal/terminal"
	"medusa/internal/wording"
)

// checkPage refuses what is no name of a page.
func checkPage(path string) error {
	switch strings.ToLower(filepath.Ext(path)) {
	case "", ".html", ".htm":
		if path == "" || filepath.Ext(path) != "" {
			return nil
		}
	}
	return wrong("%s %s: want a name that ends with .html", field.Name("-html"), path)
}

// canWritePage says before the work what would keep a page from being written.
func canWritePage(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return notAFolder(path, "-html", "found.html")
	}
	return canWrite(path, "-html")
}

// distanceText is a distance as people read it.
func distanceText(d float64) string {
	if d == 0 {
		return "0"
	}
	return strconv.FormatFloat(d, 'f', 3, 64)
}

// answers tells what was found for each query, as it is found.
type answers struct {
	*searchFlags
	*pictureIndex
	screen *terminal.Screen
	notes  []string
	n      int // queries
	page   picturePage
}

// note is told before the first answer.
func (a *answers) note(text string) { a.notes = append(a.notes, text) }

// foundPicture is a picture that was found, in JSON.
type foundPicture struct {
	Rank     int               `json:"rank"`
	ID       uint64            `json:"id"`
	Distance float64           `json:"distance"`
	Label    string            `json:"label,omitempty"`
	Path     string            `json:"path,omitempty"`
	Meta     map[string]string `json:"meta,omitempty"`
}

// searchAnswer is what was found for a query, in JSON.
type searchAnswer struct {
	Query       string          `json:"query"`
	Label       string          `json:"query_label,omitempty"`
	Decision    *decisionAnswer `json:"decision,omitempty"`
	Found       []foundPicture  `json:"found"`
	SelfLeftOut bool            `json:"self_left_out,omitempty"`
}

// decisionAnswer is a decision, in JSON.
type decisionAnswer struct {
	Label     string  `json:"label"` // empty if nothing near has one
	Rejected  bool    `json:"rejected"`
	Distance  float64 `json:"distance"`
	Votes     int     `json:"votes"`
	Of        int     `json:"of"`
	Threshold float64 `json:"threshold,omitempty"`
}

// add tells what was found for picture i of d.
func (a *answers) add(q *query, d *datasets.Dataset, i int, threshold float64) error {
	if a.n++; a.n == 1 {
		for _, note := range a.notes {
			a.screen.Say(note)
		}
	}
	if a.options.HTML != "" {
		if err := a.show(q, d, i, threshold); err != nil {
			return err
		}
	}
	switch {
	case a.options.JSON:
		return a.writeJSON(q, threshold)
	case q.decision != nil:
		a.screen.Say(plain.Text(q.path) + ": " + q.decision.text(threshold))
	default:
		a.table(q)
	}
	return nil
}

func (a *answers) writeJSON(q *query, threshold float64) error {
	out := searchAnswer{Query: q.path, Label: q.label, SelfLeftOut: q.selfLeftOut, Found: []foundPicture{}}
	for i, m := range q.found {
		f := foundPicture{Rank: i + 1, ID: m.ID, Distance: m.distance, Label: m.Label, Meta: m.Meta}
		if m.Path != "" {
			f.Path = a.pathOf(m.Path)
		}
		out.Found = append(out.Found, f)
	}
	if d := q.decision; d != nil {
		out.Decision = &decisionAnswer{d.label, d.rejected, d.distance, d.votes, d.of, threshold}
	}
	return errors.WithStack(json.NewEncoder(a.call.Out).Encode(out))
}

// text is a decision in words.
func (d *decision) text(threshold float64) string {
	if d.of == 0 {
		return "no label: nothing was found that has one"
	}
	votes := fmt.Sprintf("%d of %s, a distance of %s", d.votes, wording.Number(d.of, "votes"), distanceText(d.distance))
	if d.rejected {
		return fmt.Sprintf("none of the labels; nearest is %s (%s, want less than %s)", d.label, votes, thresholdText(threshold))
	}
	return d.label + " (" + votes + ")"
}

// table shows what was found.
func (a *answers) table(q *query) {
	if a.n > 1 {
		a.screen.Say("")
	}
	line := plain.Text(q.path)
	if q.selfLeftOut {
		line += ", itself left out"
	}
	if len(q.found) == 0 {
		a.screen.Say(line + ": nothing is found")
		return
	}
	a.screen.Say(line)
	t := terminal.Table{Header: []string{"", "distance", "label", "path"}, Right: []int{0, 1}, Names: []int{2, 3}}
	labelled := false
	for i, m := range q.found {
		labelled = labelled || m.Label != ""
		t.Rows = append(t.Rows, []string{strconv.Itoa(i + 1), distanceText(m.distance), m.Label, a.nameOf(m.Item)})
	}
	a.screen.Table(withoutLabels(t, 2, labelled))
}

// withoutLabels leaves out the column of labels if nothing has one.
func withoutLabels(t terminal.Table, column int, labelled bool) terminal.Table {
	if labelled {
		return t
	}
	t.Header = slices.Delete(t.Header, column, column+1)
	for i := range t.Rows {
		t.Rows[i] = slices.Delete(t.Rows[i], column, column+1)
	}
	t.Names = []int{column}
	return t
}

// mostQueries are on a page: more would be one that no browser opens gladly.
const mostQueries = 200

// show puts a query and what was found on the page.
func (a *answers) show(q *query, d *datasets.Dataset, i int, threshold float64) error {
	if len(a.page.sections) == mostQueries {
		return nil
	}
	s := gallery.Section{Title: q.path, Asked: &gallery.Picture{Key: q.path, Path: q.path, Label: q.label, Note: "looked for"}}
	if q.selfLeftOut {
		s.Note = "It is in the index itself, and left out here."
	}
	if q.decision != nil {
		s.Title += ": " + q.decision.text(threshold)
	}
	if len(q.found) == 0 {
		s.Note = strings.TrimSpace(s.Note + " Nothing is found.")
	}
	for _, m := range q.found {
		p := a.picture(m.Item, distanceText(m.distance))
		switch {
		case q.label == "" || m.Label == "":
		case q.label == m.Label:
			p.Mark = gallery.Right
		default:
			p.Mark = gallery.Wrong
		}
		s.Pictures = append(s.Pictures, p)
	}
	a.page.sections = append(a.page.sections, s)
	return a.page.keep(q.path, d, i)
}

// close writes the page, if one is wanted.
func (a *answers) close() error {
	o := a.options
	if o.HTML == "" {
		return nil
	}
	if more := a.n - len(a.page.sections); more > 0 {
		a.note(fmt.Sprintf("this page holds what was found for the first %d pictures, of %d", mostQueries, a.n))
	}
	facts := append([]gallery.Fact{{Name: "looked for", Value: wording.Number(a.n, "pictures")}}, a.pageFacts()...)
	return a.page.write(a.screen, o.HTML, gallery.Page{Kind: "search", Title: "What is like " + a.titleOf(), Facts: facts, Notes: sentences(a.notes)})
}

// titleOf names the queries.
func (a *answers) titleOf() string {
	if a.n == 1 {
		return a.page.sections[0].Asked.Path
	}
	return wording.Number(a.n, "pictures")
}

// thresholdText is a threshold with as many digits as tell it.
func thresholdText(d float64) string { return strconv.FormatFloat(d, 'g', 4, 64) }
