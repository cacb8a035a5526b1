package report

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"

	"github.com/pkg/errors"
	"golang.org/x/image/draw"

	"medusa/internal/cpu/loops"
)

// tileSizes are the edges of a thumbnail that are tried, in pixels, largest first.
var tileSizes = []int{112, 96, 80, 64, 56, 48, 40, 32, 28, 24, 20, 16, 12, 8}

// maxSheetPixels keeps a sheet within what every browser decodes.
const maxSheetPixels = 16 << 20

// sheet is a sprite sheet: many thumbnails in one picture.
type sheet struct {
	Tile, Columns, Rows int
	Source              template.URL // a data URI; empty when there is no thumbnail
	place               map[int]int  // test picture → tile
	missing             int          // pictures that gave an error
}

// newSheet draws the pictures into a sheet of at most limit bytes of HTML, in tiles of
// at most largest pixels and not larger than the pictures themselves. A picture that
// cannot be had gets a crossed tile.
func newSheet(pictures []int, thumbnail func(int) (image.Image, error), largest, limit int) (sheet, error) {
	s := sheet{place: make(map[int]int, len(pictures))}
	if thumbnail == nil || len(pictures) == 0 {
		return s, nil
	}
	for tile, i := range pictures {
		s.place[i] = tile
	}
	s.Columns = int(math.Ceil(math.Sqrt(float64(len(pictures)))))
	s.Rows = (len(pictures) + s.Columns - 1) / s.Columns
	var tiles []image.Image
	most := largest + 1
	for _, size := range tileSizes {
		if size > largest || s.Columns*s.Rows*size*size > maxSheetPixels {
			continue
		}
		if tiles == nil {
			var edge int
			tiles, edge = loadTiles(pictures, thumbnail, size)
			for _, t := range tiles {
				s.missing += b2i(t == nil)
			}
			size = min(size, max(edge, tileSizes[len(tileSizes)-1]))
		} else if size >= most {
			continue
		}
		s.Tile = size
		source, err := encodeSheet(s.draw(tiles))
		if err != nil {
			return s, errors.Wrap(err, "report: sprite sheet")
		}
		if len(source) <= limit {
			s.Source = source
			return s, nil
		}
		// The next size to try follows from bytes growing with the area, or a little slower.
		most = min(size, int(float64(size)*math.Pow(float64(max(limit, 0))/float64(len(source)), 0.4))+1)
	}
	return sheet{place: map[int]int{}, missing: s.missing}, nil
}

// loadTiles fetches the pictures, none kept larger than size, and tells the longest
// edge among them, at most size.
func loadTiles(pictures []int, thumbnail func(int) (image.Image, error), size int) ([]image.Image, int) {
	tiles := make([]image.Image, len(pictures))
	loops.Parallel(len(pictures), 8, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			m, err := thumbnail(pictures[t])
			if err != nil || m == nil || m.Bounds().Empty() {
				continue
			}
			tiles[t] = shrink(m, size)
		}
	})
	edge := 0
	for _, m := range tiles {
		if m != nil {
			edge = max(edge, m.Bounds().Dx(), m.Bounds().Dy())
		}
	}
	return tiles, edge
}

// shrink copies a picture, its longer edge cut to size.
func shrink(m image.Image, size int) *image.RGBA {
	to := image.NewRGBA(fit(m.Bounds(), size, false))
	draw.CatmullRom.Scale(to, to.Bounds(), m, m.Bounds(), draw.Src, nil)
	return to
}

// fit is the rectangle at the origin with the shape of from and the longer edge size,
// or from's own size if that is smaller and enlarge is not set.
func fit(from image.Rectangle, size int, enlarge bool) image.Rectangle {
	w, h := from.Dx(), from.Dy()
	long := max(w, h)
	if long <= size && !enlarge {
		return image.Rect(0, 0, w, h)
	}
	scale := func(edge int) int { return max(1, (edge*size+long/2)/long) }
	return image.Rect(0, 0, scale(w), scale(h))
}

var (
	tileGround = color.RGBA{R: 0xe8, G: 0xe8, B: 0xea, A: 0xff}
	tileCross  = color.RGBA{R: 0x9a, G: 0x9a, B: 0xa0, A: 0xff}
)

func (s *sheet) draw(tiles []image.Image) *image.RGBA {
	canvas := image.NewRGBA(image.Rect(0, 0, s.Columns*s.Tile, s.Rows*s.Tile))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(tileGround), image.Point{}, draw.Src)
	loops.Parallel(len(tiles), 8, func(lo, hi int) {
		for t := lo; t < hi; t++ {
			corner := image.Pt(t%s.Columns*s.Tile, t/s.Columns*s.Tile)
			if tiles[t] == nil {
				cross(canvas, corner, s.Tile)
				continue
			}
			to := fit(tiles[t].Bounds(), s.Tile, true)
			to = to.Add(corner).Add(image.Pt((s.Tile-to.Dx())/2, (s.Tile-to.Dy())/2))
			draw.CatmullRom.Scale(canvas, to, tiles[t], tiles[t].Bounds(), draw.Over, nil)
		}
	})
	return canvas
}

// cross marks a tile whose picture is missing.
func cross(canvas *image.RGBA, corner image.Point, size int) {
	for k := size / 4; k < size-size/4; k++ {
		canvas.SetRGBA(corner.X+k, corner.Y+k, tileCross)
		canvas.SetRGBA(corner.X+size-1-k, corner.Y+k, tileCross)
	}
}

// encodeSheet writes JPEG, or PNG where grey pictures are smaller that way.
func encodeSheet(m *image.RGBA) (template.URL, error) {
	var photo bytes.Buffer
	var picture image.Image = m
	grey := asGrey(m)
	if grey != nil {
		picture = grey
	}
	if err := jpeg.Encode(&photo, picture, &jpeg.Options{Quality: 82}); err != nil {
		return "", err
	}
	if grey != nil {
		var drawing bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&drawing, grey); err != nil {
			return "", err
		}
		if drawing.Len() <= photo.Len() {
			return dataURI("image/png", drawing.Bytes()), nil
		}
	}
	return dataURI("image/jpeg", photo.Bytes()), nil
}

// asGrey is the picture in shades of grey, or nil if it has colours. The slight tint of
// the ground does not count.
func asGrey(m *image.RGBA) *image.Gray {
	grey := image.NewGray(m.Bounds())
	for i := range grey.Pix {
		r, g, b := m.Pix[4*i], m.Pix[4*i+1], m.Pix[4*i+2]
		if max(r, g, b)-min(r, g, b) > 6 {
			return nil
		}
		grey.Pix[i] = g
	}
	return grey
}

func dataURI(kind string, data []byte) template.URL {
	return template.URL("data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data))
}
