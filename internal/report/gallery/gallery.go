package gallery

import (
	"bytes"
	_ "embed"
	"html/template"
	"image"
	"io"

	"github.com/pkg/errors"

	"medusa/internal/filewrite"
	"medusa/internal/plain"
	"medusa/internal/report"
)

// Page is what the page shows.
type Page struct {
	Kind     string // what made it, above the title: search
	Title    string
	Facts    []Fact
	Notes    []string // sentences
	Sections []Section
	// Thumbnail reads the picture of a Key, from several goroutines; what cannot be read is told in its place.
	Thumbnail func(key string) (image.Image, error)
	// MaxThumbnails is how many pictures the page holds, 600 if zero; of more it shows the names, and says so.
	MaxThumbnails int
}

// Fact is a figure with its name.
type Fact struct{ Name, Value string }

// Section is pictures that belong together.
type Section struct {
	Title    string
	Note     string
	Asked    *Picture // stands before the others, such as a query; nil for none
	Pictures []Picture
}

// Picture is a picture and what is said of it.
type Picture struct {
	Key   string // for Page.Thumbnail
	Path  string // as it is shown
	Label string
	Note  string // such as a distance
	Mark  Mark
}

// Mark says whether a picture is what it should be.
type Mark int

// The marks.
const (
	Plain Mark = iota
	Right
	Wrong
)

const (
	usualThumbnails = 600
	thumbnailEdge   = 144
	openPictures    = 24 // of a section; the others unfold
	smallPictures   = 2  // of a section that takes a part of the width
	maxText         = 160
)

var (
	//go:embed gallery.css
	style string
	//go:embed gallery.gohtml
	pageText string

	pageTemplate = template.Must(template.New("gallery").Parse(pageText))
)

// Write writes the page.
func Write(w io.Writer, p Page) error {
	v := &view{Kind: text(p.Kind), Title: text(p.Title), Style: template.CSS(report.Style() + style)}
	for _, f := range p.Facts {
		v.Facts = append(v.Facts, Fact{text(f.Name), text(f.Value)})
	}
	for _, n := range p.Notes {
		v.Notes = append(v.Notes, plain.Text(n))
	}
	t := newThumbnails(&p)
	if err := v.draw(t); err != nil {
		return err
	}
	for _, s := range p.Sections {
		v.Sections = append(v.Sections, t.section(s))
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, v); err != nil {
		return errors.Wrap(err, "gallery")
	}
	_, err := w.Write(b.Bytes())
	return errors.Wrap(err, "gallery")
}

// WriteFile writes the page to path, which never holds half a page.
func WriteFile(path string, p Page) error {
	var writing error // says already what it is about
	err := filewrite.Whole(path, func(w io.Writer) error {
		writing = Write(w, p)
		return writing
	})
	if writing != nil {
		return writing
	}
	return errors.Wrap(err, "gallery")
}

// view is what the template shows.
type view struct {
	Kind, Title string
	Style       template.CSS
	Pictures    template.CSS // a rule for each thumbnail
	Facts       []Fact
	Notes       []string
	Sections    []sectionView
}

type sectionView struct {
	Title, Note string
	Small       bool // takes a part of the width only
	Asked       *pictureView
	Open, Rest  []pictureView
}

type pictureView struct {
	Number            int // of its thumbnail; −1 for none
	Path              string
	Name              []string // the end of the path, in parts between which a line may break
	Label, Note, Sign string
	Class             string // of CSS
	Missing           string // why there is no thumbnail; empty if there are enough
}

// text is a line of unknown length and content, fit for the page.
func text(s string) string { return cut(plain.Text(s), maxText) }

// cut leaves the beginning and the end of a text that is too long.
func cut(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	head := (most - 1) / 3
	return string(r[:head]) + "…" + string(r[len(r)-(most-1-head):])
}
