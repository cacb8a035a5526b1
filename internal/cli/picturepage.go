package cli

import (
	"image"
	"os"
	"strings"

	"medusa/datasets"
	"medusa/index"
	"medusa/internal/report/gallery"
	"medusa/internal/terminal"
)

// picturePage is a page of thumbnails that grows by sections.
type picturePage struct {
	maxPixels int64
	sections  []gallery.Section
	kept      map[string]image.Image // what cannot be read from its path, by that
}

// keep keeps picture i of d as the network sees it, if it cannot be read from its path later.
func (p *picturePage) keep(path string, d *datasets.Dataset, i int) error {
	const most = 1000 // more are not shown
	if info, err := os.Stat(path); err == nil && !info.IsDir() || len(p.kept) == most {
		return nil
	}
	m, err := d.Image(i)
	if err != nil {
		return err
	}
	if p.kept == nil {
		p.kept = map[string]image.Image{}
	}
	p.kept[path] = m
	return nil
}

func (p *picturePage) thumbnail(path string) (image.Image, error) {
	m, err := readThumbnail(path, p.maxPixels)
	if kept, ok := p.kept[path]; err != nil && ok {
		return kept, nil
	}
	return m, err
}

// write writes the page and says so.
func (p *picturePage) write(w *terminal.Screen, path string, page gallery.Page) error {
	task := w.Begin("writing " + path)
	page.Sections, page.Thumbnail = p.sections, p.thumbnail
	err := gallery.WriteFile(path, page)
	task.End()
	if err == nil {
		w.Say("\npage        " + path)
	}
	return err
}

// picture is a picture of the index on a page.
func (g *pictureIndex) picture(it index.Item, note string) gallery.Picture {
	p := gallery.Picture{Path: g.nameOf(it), Label: it.Label, Note: note}
	if it.Path != "" {
		p.Key = g.pathOf(it.Path)
	}
	return p
}

// pageFacts say on a page what the index is.
func (g *pictureIndex) pageFacts() (out []gallery.Fact) {
	for _, f := range g.facts() {
		switch f.name {
		case "index":
			f.text = g.path
		case "embeddings":
			f = fact{"distance", g.Index.Options().Distance.String()}
		}
		out = append(out, gallery.Fact{Name: f.name, Value: f.text})
	}
	return out
}

// sentences begin with a capital letter and end with a full stop.
func sentences(notes []string) (out []string) {
	for _, n := range notes {
		out = append(out, strings.ToUpper(n[:1])+n[1:]+".")
	}
	return out
}
