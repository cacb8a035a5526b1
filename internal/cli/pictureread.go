package cli

import (
	"archive/zip"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
)

// thumbnailSide is the edge of the pictures on a page, in pixels.
const thumbnailSide = 144

// readThumbnail reads a picture small, upright and whole. In an archive it can be read if that is a .zip.
func readThumbnail(path string, maxPixels int64) (image.Image, error) {
	o := datasets.Options{Height: thumbnailSide, Width: thumbnailSide, Channels: 3, Resize: datasets.Pad, MaxPixels: maxPixels, Workers: 1}
	d, err := openThumbnail(path, o)
	if err != nil {
		if bad := new(datasets.PictureError); errors.As(err, &bad) {
			return nil, errors.New(bad.Reason)
		}
		return nil, err
	}
	defer d.Close()
	m, err := d.Image(0)
	if err != nil {
		return nil, err
	}
	return withoutPadding(m, d.Summary().Originals), nil
}

func openThumbnail(path string, o datasets.Options) (*datasets.Dataset, error) {
	switch info, err := os.Stat(path); {
	case isNoFile(path):
		return nil, errors.New("came on standard input")
	case err == nil && !info.IsDir():
		return datasets.OpenUnlabelled(path, o)
	case err == nil:
		return nil, errors.New("is a folder now")
	}
	archive, inside := archiveOf(path)
	switch {
	case archive == "":
		return nil, errors.New("is not there any more")
	case !strings.EqualFold(filepath.Ext(archive), ".zip"):
		return nil, errors.New("in an archive, which is not unpacked for this")
	}
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, errors.WithStack(err)
	}
	defer z.Close()
	f, err := z.Open(inside)
	if err != nil {
		return nil, errors.New("is not in the archive any more")
	}
	defer f.Close()
	return datasets.ReadUnlabelled(f, path, o)
}

// archiveOf parts a path into that of a file and what is behind it, with slashes; empty if there is no such file.
func archiveOf(path string) (archive, inside string) {
	for at := filepath.Dir(path); at != filepath.Dir(at); at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil {
			if info.IsDir() {
				return "", ""
			}
			relative, err := filepath.Rel(at, path)
			if err != nil {
				return "", ""
			}
			return at, filepath.ToSlash(relative)
		}
	}
	return "", ""
}

// withoutPadding is a square picture without the white that was put beside it; original is its size before, such as
// 640×480, which may be that of a picture on its side.
func withoutPadding(m image.Image, original string) image.Image {
	var width, height int
	part, ok := m.(interface {
		SubImage(image.Rectangle) image.Image
	})
	if _, err := fmt.Sscanf(original, "%d×%d", &width, &height); err != nil || !ok || width == height || width < 1 || height < 1 {
		return m
	}
	for _, size := range []image.Point{{width, height}, {height, width}} {
		if inner := inside(m.Bounds(), size); isWhiteAround(m, inner) {
			return part.SubImage(inner)
		}
	}
	return m
}

// inside is where a picture of a size lies in the middle of a square.
func inside(square image.Rectangle, size image.Point) image.Rectangle {
	side, long := square.Dx(), max(size.X, size.Y)
	across := func(edge int) int { return max(1, (edge*side+long-1)/long) }
	w, h := across(size.X), across(size.Y)
	at := square.Min.Add(image.Pt((side-w)/2, (side-h)/2))
	return image.Rectangle{at, at.Add(image.Pt(w, h))}
}

// isWhiteAround reports whether what lies around a part of a picture is white.
func isWhiteAround(m image.Image, r image.Rectangle) bool {
	b := m.Bounds()
	return isWhite(m, image.Rect(b.Min.X, b.Min.Y, b.Max.X, r.Min.Y)) && isWhite(m, image.Rect(b.Min.X, r.Max.Y, b.Max.X, b.Max.Y)) &&
		isWhite(m, image.Rect(b.Min.X, b.Min.Y, r.Min.X, b.Max.Y)) && isWhite(m, image.Rect(r.Max.X, b.Min.Y, b.Max.X, b.Max.Y))
}

func isWhite(m image.Image, r image.Rectangle) bool {
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if c, ok := color.RGBAModel.Convert(m.At(x, y)).(color.RGBA); !ok || c != (color.RGBA{255, 255, 255, 255}) {
				return false
			}
		}
	}
	return true
}
