package report

import (
	"html/template"
	"image"

	"github.com/pkg/errors"
)

// Style is the style sheet of the report, for other pages that are to look like it.
func Style() string { return style }

// Thumbnail is a small copy of a picture as a data URI, its longer edge at most so many pixels.
func Thumbnail(m image.Image, edge int) (template.URL, error) {
	if m == nil || m.Bounds().Empty() {
		return "", errors.New("report: a thumbnail of an empty picture")
	}
	return encodeSheet(shrink(m, edge))
}
