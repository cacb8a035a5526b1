package report

import (
	"bytes"
	_ "embed"
	"html/template"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/pkg/errors"

	"medusa/internal/filewrite"
)

// Limits of a report.
const (
	MaxBytes  = 6 << 20 // of the file; thumbnails get what the rest leaves
	MaxPoints = 5000    // on the map

	gallerySheetBytes = 3 << 19
	galleryTile       = 112
	mapTile           = 64
)

var (
	//go:embed style.css
	style string
	//go:embed script.js
	script string
	//go:embed page.gohtml
	pageText string

	pageTemplate = template.Must(template.New("report").Funcs(template.FuncMap{"title": title}).Parse(pageText))
)

// Write writes the report of d as one HTML page. Data whose parts do not fit each other
// is an error, and nothing is written then.
func Write(w io.Writer, d Data) error {
	if err := d.check(); err != nil {
		return err
	}
	html, err := compose(&d)
	if err != nil {
		return err
	}
	_, err = w.Write(html)
	return errors.Wrap(err, "report")
}

// compose writes the page without the map's thumbnails first, to see how much room is
// left for them.
func compose(d *Data) ([]byte, error) {
	d.telling("curves and distances")
	p := newPage(d)
	d.telling("queries")
	g := newGalleries(d)
	d.telling("thumbnails")
	var err error
	if p.Gallery, err = newSheet(g.pictures(), d.Thumbnail, galleryTile, gallerySheetBytes); err != nil {
		return nil, err
	}
	p.addGalleries(d, g)
	missing := p.Gallery.missing
	p.Thumbnails = []template.URL{p.Gallery.Source, ""}
	d.telling("map")
	c := newChart(d)
	d.telling("thumbnails of the map")
	if c != nil {
		p.addMap(d, c, true)
	}
	html, err := p.render()
	if err != nil || c == nil {
		return html, err
	}
	if len(html) > MaxBytes/2 {
		p.addMap(d, c, false)
		if html, err = p.render(); err != nil {
			return nil, err
		}
	}
	s, err := newSheet(c.rows, d.Thumbnail, mapTile, MaxBytes-len(html)-1024)
	if err != nil {
		return nil, err
	}
	p.Thumbnails[1] = s.Source
	p.Payload.Map.Tile, p.Payload.Map.Columns = s.Tile, s.Columns
	if n := max(missing, s.missing); n > 0 {
		p.MissingThumbs = plural(n, "picture", "pictures") + " could not be drawn and " + map[bool]string{true: "shows", false: "show"}[n == 1] + " a cross."
	}
	return p.render()
}

func (p *page) render() ([]byte, error) {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return nil, errors.Wrap(err, "report")
	}
	return b.Bytes(), nil
}

// WriteFile writes the report to path, which never holds half a report.
func WriteFile(path string, d Data) error {
	var writing error // says already what it is about
	err := filewrite.Whole(path, func(w io.Writer) error {
		writing = Write(w, d)
		return writing
	})
	if writing != nil {
		return writing
	}
	return errors.Wrap(err, "report")
}

// title begins with a capital letter.
func title(word string) string {
	_, size := utf8.DecodeRuneInString(word)
	return strings.ToUpper(word[:size]) + word[size:]
}
