package cli

import (
	"fmt"

	"medusa/internal/report/gallery"
	"medusa/internal/terminal"
	"medusa/internal/wording"
)

// clusterAnswer is a group, in JSON.
type clusterAnswer struct {
	Cluster  int            `json:"cluster"`
	Label    string         `json:"label,omitempty"` // that most of those with a label have
	Share    float64        `json:"label_share,omitempty"`
	Pictures []shownPicture `json:"pictures"` // nearest to the middle first
}

// tell shows the groups; out is the table that was written.
func (c *clusters) tell(out string) error {
	t := terminal.Table{Header: []string{"cluster", "pictures", "label", "share", "most central picture"}, Right: []int{0, 1, 3}, Names: []int{2, 4}}
	for i, v := range c.list {
		if c.options.JSON {
			if err := c.writeJSON(c.answer(i, v)); err != nil {
				return err
			}
		}
		if i >= c.options.Limit {
			continue
		}
		share := ""
		if v.label != "" {
			share = percent(v.share)
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(i + 1), fmt.Sprint(len(v.members)), v.label, share, c.nameOf(c.items[v.members[0]])})
		c.show(i, v)
	}
	notes, err := c.summary()
	if err != nil {
		return err
	}
	if !c.options.JSON {
		c.sayTable(t, notes)
		if out != "" {
			c.screen.Say("\ntable       " + out)
		}
	}
	if c.options.HTML == "" {
		return nil
	}
	return c.page.write(c.screen, c.options.HTML, gallery.Page{Kind: "clusters", Title: wording.Number(len(c.list), "groups") + " of pictures", Facts: c.pageFacts(), Notes: append(sentences(notes), "Below each picture stands its distance from the middle of the group; a label other than that of most is marked.")})
}

func (c *clusters) answer(i int, v clusterView) clusterAnswer {
	a := clusterAnswer{Cluster: i + 1, Label: v.label, Share: v.share}
	for k, m := range v.members {
		a.Pictures = append(a.Pictures, c.inJSON(c.items[m], v.distances[k]))
	}
	return a
}

// show puts a group on the page.
func (c *clusters) show(i int, v clusterView) {
	const most = 48 // of a group; more make no page that anybody reads
	s := gallery.Section{Title: fmt.Sprintf("%d: %s", i+1, wording.Number(len(v.members), "pictures"))}
	if v.label != "" {
		s.Title += fmt.Sprintf(", %s of them %s", percent(v.share), v.label)
	}
	for k, m := range v.members[:min(len(v.members), most)] {
		p := c.picture(c.items[m], distanceText(v.distances[k]))
		if v.label != "" && p.Label != "" && p.Label != v.label {
			p.Mark = gallery.Wrong
		}
		s.Pictures = append(s.Pictures, p)
	}
	if more := len(v.members) - most; more > 0 {
		s.Note = fmt.Sprintf("The %d that are nearest to the middle.", most)
	}
	c.page.sections = append(c.page.sections, s)
}

// summary is all groups in words.
func (c *clusters) summary() ([]string, error) {
	first := fmt.Sprintf("%s of %s", wording.Number(len(c.list), "groups"), wording.Number(len(c.items), "pictures"))
	if left := c.left(); left > 0 {
		first += fmt.Sprintf(", %s of them in none", wording.Thousands(left))
	}
	if len(c.list) > c.options.Limit {
		first += fmt.Sprintf("; the largest %d are shown, -limit shows more", c.options.Limit)
	}
	notes := []string{first}
	purity, t, n, err := c.agreement()
	if err != nil || n == 0 {
		return notes, err
	}
	return append(notes, fmt.Sprintf("with the labels of %s: purity %.3f, NMI %.3f, AMI %.3f, ARI %.3f", wording.Number(n, "pictures"), purity, t.NMI(), t.AMI(), t.ARI())), nil
}
