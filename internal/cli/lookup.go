package cli

import (
	"encoding/json"
	"strings"

	"github.com/pkg/errors"

	"medusa/index"
	"medusa/internal/field"
	"medusa/internal/terminal"
)

// lookupOptions are flags of every command that looks through an index.
type lookupOptions struct {
	Selection selectionOptions `yaml:",inline" group:"Which pictures"`
	Exact     bool             `yaml:"exact" flag:"exact" doc:"compare all pictures with each other, though there is a graph" group:"How"`
	Effort    int              `yaml:"effort" flag:"effort" arg:"N" doc:"pictures that a search over the graph keeps in view: of more it finds more of the nearest, and takes longer" unset:"64" min:"1" max:"1000000" group:"How"`
	Limit     int              `yaml:"limit" flag:"limit" arg:"N" doc:"the first so many on the terminal and the page; in JSON are all" min:"1" group:"Output"`
	JSON      bool             `yaml:"json" flag:"json" doc:"answer in JSON, a line for each; docs/search.md says what is in it" group:"Output"`
	HTML      string           `yaml:"html" flag:"html" arg:"FILE" doc:"write a page with thumbnails besides" group:"Output"`
}

// lookupGroups are the groups of their help.
var lookupGroups = []string{"How", "Which pictures", "Output"}

// checkLookup refuses what nobody means.
func (f *flagSet) checkLookup(o *lookupOptions) error {
	given := f.given()
	if err := f.checkSelection(o.Selection); err != nil {
		return err
	}
	switch {
	case given["html"] && strings.TrimSpace(o.HTML) == "":
		return wrong("%s is empty: name a file, or leave it out", field.Name("-html"))
	case o.Exact && given["effort"]:
		return wrong("%s is of a search over the graph, which %s does without: leave out one of them", field.Name("-effort"), field.Name("-exact"))
	}
	return checkPage(o.HTML)
}

// screenBeside is where a person reads, beside an answer for programs if there is one.
func (c *invocation) screenBeside(forPrograms bool) *terminal.Screen {
	if forPrograms {
		return c.screen(c.Err, false)
	}
	return c.screen(c.Out, c.Live)
}

// lookup is a command that looks through an index.
type lookup struct {
	*pictureIndex
	call    *invocation
	options *lookupOptions
	screen  *terminal.Screen
	filter  index.Filter
	page    picturePage
}

// open opens the index that the arguments name.
func (f *flagSet) open(args []string, o *lookupOptions) (*lookup, error) {
	x, err := f.oneIndex(args)
	if err != nil {
		return nil, err
	}
	if err := canWritePage(o.HTML); err != nil {
		return nil, err
	}
	filter, err := x.filter(o.Selection)
	return &lookup{pictureIndex: x, call: f.call, options: o, screen: f.call.screenBeside(o.JSON), filter: filter}, err
}

// writeJSON writes a line for programs.
func (l *lookup) writeJSON(v any) error {
	return errors.WithStack(json.NewEncoder(l.call.Out).Encode(v))
}

// sayTable shows what was found, and what is said of it.
func (l *lookup) sayTable(t terminal.Table, notes []string) {
	if len(t.Rows) > 0 {
		l.screen.Table(t)
		l.screen.Say("")
	}
	for _, note := range notes {
		l.screen.Say(note)
	}
}

// shownPicture is a picture of an index, in JSON.
type shownPicture struct {
	ID       uint64  `json:"id"`
	Path     string  `json:"path,omitempty"`
	Label    string  `json:"label,omitempty"`
	Nearest  string  `json:"nearest,omitempty"` // the path of the picture next to it
	Distance float64 `json:"distance"`          // from that, or from what is said beside
}

// inJSON is an item with a distance, for programs.
func (g *pictureIndex) inJSON(it index.Item, distance float64) shownPicture {
	p := shownPicture{ID: it.ID, Label: it.Label, Distance: distance}
	if it.Path != "" {
		p.Path = g.pathOf(it.Path)
	}
	return p
}
