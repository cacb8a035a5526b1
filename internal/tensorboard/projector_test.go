package tensorboard

import (
	"bytes"
	"image"
	"image/color"
	"strconv"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
)

func points(n int) Projector {
	p := Projector{Dim: 2, Columns: []string{"class", "path"}, Cells: func(row int) []string { return []string{"a\tb", "c\nd" + strconv.Itoa(row)} }}
	for i := range 2 * n {
		p.Vectors = append(p.Vectors, float32(i)/3)
	}
	return p
}

func TestProjectorTables(t *testing.T) {
	p := points(3)
	var vectors, metadata bytes.Buffer
	require.NoError(t, p.WriteVectors(&vectors))
	var got []float32
	for _, line := range strings.Split(strings.TrimSuffix(vectors.String(), "\n"), "\n") {
		cells := strings.Split(line, "\t")
		require.Len(t, cells, 2)
		for _, c := range cells {
			v, err := strconv.ParseFloat(c, 32)
			require.NoError(t, err)
			got = append(got, float32(v))
		}
	}
	require.Equal(t, p.Vectors, got, "not a bit is lost")
	require.NoError(t, p.WriteMetadata(&metadata))
	require.Equal(t, "class\tpath\na b\tc d0\na b\tc d1\na b\tc d2\n", metadata.String())

	p.Columns, p.Cells = []string{"class"}, func(row int) []string { return []string{strings.Repeat("x", row)} }
	metadata.Reset()
	require.NoError(t, p.WriteMetadata(&metadata))
	require.Equal(t, " \nx\nxx\n", metadata.String(), "one column has no title, and no line is empty")
}

// TensorBoard 2.21 reads this file as it is meant.
func TestProjectorConfig(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, points(3).WriteConfig(&b, image.Pt(7, 5)))
	require.Equal(t, `embeddings {
  tensor_name: "embeddings"
  tensor_shape: 3
  tensor_shape: 2
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
  sprite {
    image_path: "sprite.png"
    single_image_dim: 7
    single_image_dim: 5
  }
}
`, b.String())
	b.Reset()
	require.NoError(t, points(3).WriteConfig(&b, image.Point{}))
	require.NotContains(t, b.String(), "sprite")
}

// Pictures stand in rows of a square, none larger than a tile may be.
func TestSprite(t *testing.T) {
	picture := func(row int) (image.Image, error) {
		m := image.NewGray(image.Rect(0, 0, 6, 3))
		for i := range m.Pix {
			m.Pix[i] = uint8(40 * row)
		}
		return m, nil
	}
	sprite, tile, err := points(5).Sprite(image.Pt(6, 3), picture)
	require.NoError(t, err)
	require.Equal(t, image.Pt(6, 3), tile)
	require.Equal(t, image.Rect(0, 0, 18, 9), sprite.Bounds())
	for row := range 5 {
		require.Equal(t, color.Gray{uint8(40 * row)}, sprite.At(row%3*6+3, row/3*3+1))
	}
	wide := func(int) (image.Image, error) { return image.NewNRGBA(image.Rect(0, 0, 400, 200)), nil }
	sprite, tile, err = points(2).Sprite(image.Pt(400, 200), wide)
	require.NoError(t, err)
	require.Equal(t, image.Pt(96, 48), tile)
	require.Equal(t, image.Rect(0, 0, 192, 96), sprite.Bounds())
	_, _, err = points(5).Sprite(image.Pt(6, 3), func(int) (image.Image, error) { return nil, errors.New("gone") })
	require.ErrorContains(t, err, "gone")
	_, _, err = Projector{Dim: 1, Vectors: make([]float32, 5000*5000)}.Sprite(image.Pt(6, 3), picture)
	require.ErrorContains(t, err, "too many for one sprite")
}
