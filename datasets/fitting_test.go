package datasets

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// cropPillow is testdata/crop_pillow.json, made by crop_pillow.py.
type cropPillow struct {
	Resized, Cropped []struct {
		Filter   Filter
		Resize   ResizeMode
		From, To [2]int
		Short    int
		RGB      []int
	}
}

// edged is what crop_pillow.py draws.
func edged(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{byte(x*x*7 + y*13 + x*y*3), byte(255 * ((x/5 + y/4) % 2)), byte(x*3 + y*2), 255})
		}
	}
	return img
}

// asPillow compares values. Bicubic is Pillow's own arithmetic; the triangle differs by the rounding between its two passes.
func asPillow(t *testing.T, filter Filter, got []byte, want []int) {
	t.Helper()
	tolerance := 1
	if filter == Bicubic {
		tolerance = 0
	}
	require.LessOrEqual(t, furthest(got, want), tolerance)
}

// Both filters make of a picture what Pillow's make, also of the middle that torchvision takes, however it is stored.
func TestResizeAndCropAsPillow(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("testdata", "crop_pillow.json"))
	require.NoError(t, err)
	var truth cropPillow
	require.NoError(t, json.Unmarshal(raw, &truth))
	for _, w := range append(truth.Resized, truth.Cropped...) {
		o := Options{Resize: w.Resize, Filter: w.Filter}
		if w.Short > 0 {
			o.CropPct = float64(w.To[0]) / float64(w.Short)
		}
		for orientation := 1; orientation <= 8; orientation++ {
			t.Run(fmt.Sprintf("%s, %s %v to %v of %d, stored by %d", w.Filter, w.Resize, w.From, w.To, w.Short, orientation), func(t *testing.T) {
				r := newRenderer(3, w.To[1], w.To[0], o)
				planes := make([]byte, 3*w.To[0]*w.To[1])
				_, err := r.render(planes, storedBy(edged(w.From[0], w.From[1]), orientation), cutout{})
				require.NoError(t, err)
				asPillow(t, w.Filter, interleaved(planes), w.RGB)
			})
		}
	}
}

// storedBy is an upright picture as it is stored under an EXIF orientation.
func storedBy(upright *image.RGBA, orientation int) picture {
	w, h := upright.Rect.Dx(), upright.Rect.Dy()
	bounds := upright.Rect
	if orientation >= 5 {
		bounds = image.Rect(0, 0, h, w)
	}
	img := image.NewRGBA(bounds.Add(image.Pt(3, 2)))
	for y := range h {
		for x := range w {
			sx, sy := storedPoint(x, y, orientation, w, h)
			img.SetRGBA(sx+3, sy+2, upright.RGBAAt(x, y))
		}
	}
	return picture{Image: img, orientation: orientation}
}

func TestResizingOptionsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"filter":        {Options{Filter: "lanczos"}, `Filter is "lanczos", want "bilinear" or "bicubic"`},
		"above 1":       {Options{CropPct: 1.1}, "CropPct is 1.1, want 0.1 … 1"},
		"a percentage":  {Options{CropPct: 87.5}, "CropPct is 87.5, want 0.1 … 1"},
		"nearly naught": {Options{CropPct: 1e-9}, "CropPct is 1e-09, want 0.1 … 1"},
		"padded":        {Options{CropPct: 0.9, Resize: Pad}, "CropPct is 0.9, but Options.Resize pad keeps the whole picture"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := FromImage(image.NewGray(image.Rect(0, 0, 3, 3)), "x", c.o)
			require.ErrorContains(t, err, c.want)
		})
	}
}

// The middle of a strip is taken without the memory of the strip, and what is larger by a factor is told apart from the whole.
func TestCropOfStrips(t *testing.T) {
	strip := image.NewGray(image.Rect(0, 0, 1<<20, 1))
	for i := range strip.Pix {
		strip.Pix[i] = byte(i >> 12)
	}
	for _, how := range []ResizeMode{Crop, Squeeze} {
		d, err := FromImage(strip, "x", Options{Height: 32, Width: 32, Channels: 1, Resize: how, CropPct: 0.25, Filter: Bicubic})
		require.NoError(t, err)
		pixels, err := d.StoredPicture(0, false, nil)
		require.NoError(t, err)
		require.InDelta(t, 128, int(pixels[16]), 2)
		require.NoError(t, d.Close())
	}
}

// Sides are those that timm and torchvision come to.
func TestBeforeCrop(t *testing.T) {
	for _, c := range []struct {
		side, want int
		pct        float64
	}{{224, 256, 0.875}, {224, 235, 0.95}, {224, 248, 0.9}, {224, 224, 1}, {224, 232, 224. / 232}, {518, 518, 1}, {28, 33, 28. / 33}, {224, 236, 224. / 236}} {
		require.Equal(t, c.want, beforeCrop(c.side, c.pct), "%v", c)
	}
}
