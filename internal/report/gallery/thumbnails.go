package gallery

import (
	"fmt"
	"html/template"
	"path/filepath"
	"strconv"
	"strings"

	"medusa/internal/cpu/loops"
	"medusa/internal/plain"
	"medusa/internal/report"
)

// thumbnails are the pictures of a page, each once.
type thumbnails struct {
	page    *Page
	number  map[string]int // of a key; those without one are too many
	keys    []string       // by their number
	sources []template.URL
	faults  []error
	left    int // that are too many
}

// newThumbnails chooses the pictures, first come first shown.
func newThumbnails(p *Page) *thumbnails {
	t := &thumbnails{page: p, number: map[string]int{}}
	most := p.MaxThumbnails
	if most == 0 {
		most = usualThumbnails
	}
	tooMany := map[string]bool{}
	take := func(q *Picture) {
		if _, known := t.number[q.Key]; known || q.Key == "" || p.Thumbnail == nil {
			return
		}
		if len(t.keys) == most {
			tooMany[q.Key] = true
			return
		}
		t.number[q.Key] = len(t.keys)
		t.keys = append(t.keys, q.Key)
	}
	for i := range p.Sections {
		s := &p.Sections[i]
		if s.Asked != nil {
			take(s.Asked)
		}
		for k := range s.Pictures {
			take(&s.Pictures[k])
		}
	}
	t.left = len(tooMany)
	return t
}

// draw reads the pictures, and says what could not be read or shown.
func (v *view) draw(t *thumbnails) error {
	t.sources, t.faults = make([]template.URL, len(t.keys)), make([]error, len(t.keys))
	loops.Parallel(len(t.keys), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			m, err := t.page.Thumbnail(t.keys[i])
			if err == nil {
				t.sources[i], err = report.Thumbnail(m, thumbnailEdge)
			}
			t.faults[i] = err
		}
	})
	var rules strings.Builder
	missing := 0
	for i, source := range t.sources {
		if t.faults[i] != nil {
			missing++
			continue
		}
		fmt.Fprintf(&rules, ".p%d{background-image:url(%s)}\n", i, source)
	}
	v.Pictures = template.CSS(rules.String())
	if missing > 0 {
		v.Notes = append(v.Notes, few(missing)+" cannot be read now; the reason stands in place.")
	}
	if t.left > 0 {
		v.Notes = append(v.Notes, fmt.Sprintf("This page holds the first %d pictures; %s named only.", len(t.keys), few(t.left)+" "+map[bool]string{true: "is", false: "are"}[t.left == 1]))
	}
	return nil
}

// few is a number of pictures in words.
func few(n int) string {
	if n == 1 {
		return "1 picture"
	}
	return strconv.Itoa(n) + " pictures"
}

func (t *thumbnails) section(s Section) sectionView {
	v := sectionView{Title: text(s.Title), Note: plain.Text(s.Note), Small: s.Asked == nil && len(s.Pictures) <= smallPictures}
	if s.Asked != nil {
		asked := t.picture(*s.Asked)
		v.Asked = &asked
	}
	for i, q := range s.Pictures {
		if i < openPictures {
			v.Open = append(v.Open, t.picture(q))
		} else {
			v.Rest = append(v.Rest, t.picture(q))
		}
	}
	return v
}

func (t *thumbnails) picture(q Picture) pictureView {
	v := pictureView{Number: -1, Path: plain.Text(q.Path), Label: text(q.Label), Note: text(q.Note), Name: endOf(text(q.Path))}
	switch q.Mark {
	case Right:
		v.Class, v.Sign = "right", "✓"
	case Wrong:
		v.Class, v.Sign = "wrong", "✗"
	}
	number, there := t.number[q.Key]
	switch {
	case !there:
	case t.faults[number] != nil:
		v.Missing = text(t.faults[number].Error())
	default:
		v.Number = number
	}
	return v
}

// endOf is the last folder and the name of a path, in parts.
func endOf(path string) []string {
	parts := strings.SplitAfter(filepath.ToSlash(path), "/")
	if len(parts) > 2 {
		parts = append([]string{"…/"}, parts[len(parts)-2:]...)
	}
	return parts
}
