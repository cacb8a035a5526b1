package cli

import (
	"archive/zip"
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
	return withoutPadding(m), nil
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

// withoutPadding is a picture without the white beside it, as much on one side as on the other.
func withoutPadding(m image.Image) image.Image {
	b := m.Bounds()
	x, y := 0, 0
	for x < b.Dx()/2 && isWhite(m, image.Rect(b.Min.X+x, b.Min.Y, b.Min.X+x+1, b.Max.Y)) && isWhite(m, image.Rect(b.Max.X-x-1, b.Min.Y, b.Max.X-x, b.Max.Y)) {
		x++
	}
	for y < b.Dy()/2 && isWhite(m, image.Rect(b.Min.X, b.Min.Y+y, b.Max.X, b.Min.Y+y+1)) && isWhite(m, image.Rect(b.Min.X, b.Max.Y-y-1, b.Max.X, b.Max.Y-y)) {
		y++
	}
	if x > 0 && y > 0 { // padding is on two sides: this is the picture's own
		return m
	}
	part, ok := m.(interface {
		SubImage(image.Rectangle) image.Image
	})
	if !ok || 2*x >= b.Dx() || 2*y >= b.Dy() {
		return m
	}
	return part.SubImage(image.Rect(b.Min.X+x, b.Min.Y+y, b.Max.X-x, b.Max.Y-y))
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
