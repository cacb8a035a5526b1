package tensorboard

import (
	"bufio"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/pkg/errors"
	"golang.org/x/image/draw"
)

// Projector is what TensorBoard's embedding projector shows: points, what is said of each, and pictures
// of them. The files of a folder are written by WriteVectors, WriteMetadata, Sprite and WriteConfig, under
// the names below.
type Projector struct {
	Dim     int
	Vectors []float32 // (N, Dim), row by row
	Columns []string  // what is said of each point
	Cells   func(row int) []string
}

// The files of a folder that the projector reads. It looks for ProjectorConfig.
const (
	ProjectorVectors  = "vectors.tsv"
	ProjectorMetadata = "metadata.tsv"
	ProjectorSprite   = "sprite.png"
	ProjectorConfig   = "projector_config.pbtxt"
)

// Len is N.
func (p Projector) Len() int { return len(p.Vectors) / p.Dim }

// WriteVectors writes a point a line.
func (p Projector) WriteVectors(w io.Writer) error {
	b := bufio.NewWriter(w)
	var number []byte
	for i, v := range p.Vectors {
		number = strconv.AppendFloat(number[:0], float64(v), 'g', -1, 32)
		b.Write(number)
		end := byte('\t')
		if (i+1)%p.Dim == 0 {
			end = '\n'
		}
		b.WriteByte(end)
	}
	return errors.Wrap(b.Flush(), "tensorboard")
}

// WriteMetadata writes what is said of each point, a line each; a line of titles stands before them where
// there are several columns, as the projector wants it.
func (p Projector) WriteMetadata(w io.Writer) error {
	b := bufio.NewWriter(w)
	line := func(cells []string) {
		for i, c := range cells {
			if i > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(cell(c))
		}
		b.WriteByte('\n')
	}
	if len(p.Columns) > 1 {
		line(p.Columns)
	}
	for row := range p.Len() {
		line(p.Cells(row))
	}
	return errors.Wrap(b.Flush(), "tensorboard")
}

// cell is a text without what ends cells and lines, and not empty, as the projector drops empty lines.
func cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return ' '
		}
		return r
	}, text)
	if text == "" {
		return " "
	}
	return text
}

// WriteConfig writes what the projector looks for; tile is the size of a picture in the sprite, zero if there
// is none.
func (p Projector) WriteConfig(w io.Writer, tile image.Point) error {
	sprite := ""
	if tile != (image.Point{}) {
		sprite = fmt.Sprintf("  sprite {\n    image_path: %q\n    single_image_dim: %d\n    single_image_dim: %d\n  }\n", ProjectorSprite, tile.X, tile.Y)
	}
	_, err := fmt.Fprintf(w, "embeddings {\n  tensor_name: \"embeddings\"\n  tensor_shape: %d\n  tensor_shape: %d\n  tensor_path: %q\n  metadata_path: %q\n%s}\n",
		p.Len(), p.Dim, ProjectorVectors, ProjectorMetadata, sprite)
	return errors.Wrap(err, "tensorboard")
}

// The largest side of a sprite that browsers show, and of a picture in it that is of use.
const (
	spriteSide = 8192
	tileSide   = 96
)

// Sprite is all pictures in one, in rows of a square, from pictures that have one size: each is made smaller where
// that must be. tile is the size of each.
func (p Projector) Sprite(size image.Point, picture func(row int) (image.Image, error)) (sprite image.Image, tile image.Point, err error) {
	columns := int(math.Ceil(math.Sqrt(float64(p.Len()))))
	long := min(max(size.X, size.Y), tileSide, spriteSide/columns)
	if long < 2 {
		return nil, tile, errors.Errorf("tensorboard: %d pictures are too many for one sprite of %d pixels a side", p.Len(), spriteSide)
	}
	scaled := func(side int) int { return max(1, int(math.Round(float64(side*long)/float64(max(size.X, size.Y))))) }
	tile = image.Pt(scaled(size.X), scaled(size.Y))
	whole := image.Rect(0, 0, columns*tile.X, columns*tile.Y)
	var canvas draw.Image
	for row := range p.Len() {
		m, err := picture(row)
		if err != nil {
			return nil, tile, err
		}
		if canvas == nil {
			canvas = image.NewNRGBA(whole)
			if _, grey := m.(*image.Gray); grey {
				canvas = image.NewGray(whole)
			}
		}
		to := image.Rectangle{Max: tile}.Add(image.Pt(row%columns*tile.X, row/columns*tile.Y))
		draw.CatmullRom.Scale(canvas, to, m, m.Bounds(), draw.Src, nil)
	}
	return canvas, tile, nil
}

// WriteSprite writes a sprite.
func WriteSprite(w io.Writer, sprite image.Image) error {
	return errors.Wrap(png.Encode(w, sprite), "tensorboard")
}
