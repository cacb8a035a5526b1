package datasets

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An image that is decoded by somebody else is read as its file is: every format that the
// standard library decodes, of 8 and 16 bits, with alpha and palette, and parts of images.
func TestImageIsReadAsItsFile(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/*.png")
	require.NoError(t, err)
	compared := 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		if bytes.Contains(data[:200], []byte("iCCP")) || bytes.Contains(data[:200], []byte("gAMA")) || bytes.Contains(data[:200], []byte("cICP")) || bytes.Contains(data, []byte("eXIf")) || bytes.Contains(data[:200], []byte("sBIT")) {
			continue // what the file says besides its pixels
		}
		img, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err, name)
		for _, o := range []Options{{}, {Channels: 3, Height: 9, Width: 7, Resize: Crop}, {Channels: 1, Height: 11, Resize: Pad, Invert: true}} {
			want, err := ReadUnlabelled(bytes.NewReader(data), name, o)
			require.NoError(t, err, name)
			got, err := FromImage(img, name, o)
			require.NoError(t, err, name)
			require.Equal(t, onlyItem(t, want), onlyItem(t, got), name)
			require.Equal(t, want.Range(), got.Range())
			again, err := FromImage(img, name, o)
			require.NoError(t, err)
			require.Equal(t, onlyItem(t, want), onlyItem(t, again), "%s: the image was changed", name)
			compared++
		}
	}
	require.Greater(t, compared, 30)
}

func onlyItem(t *testing.T, d *Dataset) []float32 {
	t.Helper()
	x := make([]float32, ItemSize(d))
	require.NoError(t, d.Fill(x, []int{0}, Normalisation{}))
	return x
}

// A part of an image of 16 bits is read by the values in it, not by those around it.
func TestPartOfAnImage(t *testing.T) {
	whole := image.NewGray16(image.Rect(0, 0, 20, 20))
	for i := range 20 * 20 {
		whole.SetGray16(i%20, i/20, color.Gray16{Y: 60000})
	}
	part := image.Rect(4, 5, 12, 13)
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			whole.SetGray16(x, y, color.Gray16{Y: uint16(500 * (x - 4))})
		}
	}
	d, err := FromImage(whole.SubImage(part), "part", Options{Channels: 1})
	require.NoError(t, err)
	require.Equal(t, "0/4095,auto", d.Range())
	x := onlyItem(t, d)
	require.Zero(t, x[0])
	require.InDelta(t, 3500./4095, x[7], .003)
}

// panics is an image of somebody's own type.
type panics struct {
	image.Image
	bounds bool
}

func (p panics) Bounds() image.Rectangle {
	if p.bounds {
		panic("no bounds")
	}
	return image.Rect(0, 0, 5, 5)
}
func (p panics) At(x, y int) color.Color { panic("no pixel") }
func (p panics) ColorModel() color.Model { return color.NRGBAModel }

func TestImagesThatCannotBe(t *testing.T) {
	for want, c := range map[string]struct {
		img image.Image
		o   Options
	}{
		"upload: there is no image: it is nil": {},
		"there is no image: it is nil":         {img: (*image.Gray)(nil)},
		"no pixels":                            {img: image.NewGray(image.Rect(3, 3, 3, 9))},
		"above the limit of 20 pixels":         {img: image.NewGray(image.Rect(0, 0, 5, 5)), o: Options{MaxPixels: 20}},
		"panicked: no bounds":                  {img: panics{bounds: true}},
		"panicked: no pixel":                   {img: panics{}, o: Options{Channels: 1, Height: 4}},
		"panicked: runtime error":              {img: &image.Gray{Stride: 5, Rect: image.Rect(0, 0, 5, 5)}},
		"KeepCache keeps what files hold":      {img: image.NewGray(image.Rect(0, 0, 5, 5)), o: Options{KeepCache: true, CacheDir: "x"}},
	} {
		_, err := FromImage(c.img, "upload", c.o)
		require.ErrorContains(t, err, want)
		require.True(t, strings.HasPrefix(err.Error(), "datasets: "), err)
	}
}
