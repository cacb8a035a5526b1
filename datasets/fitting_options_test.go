package datasets

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestResizingOptionsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"filter":        {Options{Filter: "lanczos"}, `Filter is "lanczos", want "bilinear" or "bicubic"`},
		"above 1":       {Options{CropPct: 1.1}, "CropPct is 1.1, want 0.1 … 1"},
		"a percentage":  {Options{CropPct: 87.5}, "CropPct is 87.5, want 0.1 … 1"},
		"nearly naught": {Options{CropPct: 1e-9}, "CropPct is 1e-09, want 0.1 … 1"},
		"padded":        {Options{CropPct: 0.9, Resize: Pad}, "CropPct is 0.9, but Resize pad keeps the whole picture"},
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
