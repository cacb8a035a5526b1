package trainer

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// deepFolder is a folder of two classes with pictures of 16 bits, of one value each.
func deepFolder(t *testing.T, prefix string, value uint16) string {
	t.Helper()
	dir := t.TempDir()
	for class := range 2 {
		for i := range 2 {
			img := image.NewGray16(image.Rect(0, 0, 8, 8))
			for p := 0; p < len(img.Pix); p += 2 {
				img.Pix[p], img.Pix[p+1] = byte(value>>8), byte(value)
			}
			img.Pix[0], img.Pix[1] = 0, byte(16*class+i) // no two alike
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, img))
			name := filepath.Join(dir, fmt.Sprintf("%s%d", prefix, class), fmt.Sprintf("%d.png", i))
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o777))
			require.NoError(t, os.WriteFile(name, b.Bytes(), 0o666))
		}
	}
	return dir
}

// Pictures of another place are read by the range of the training pictures: dark ones stay
// dark.
func TestRangeOfTrainingHoldsForOthers(t *testing.T) {
	bright, dark := deepFolder(t, "bright", 4000), deepFolder(t, "dark", 400)
	d, err := Load(DataConfig{Path: bright, Test: dark, Val: "none"}, 1, LoadOptions{})
	require.NoError(t, err)
	defer d.Close()
	require.Equal(t, "0/4095,auto", opened(d.Train).Range())
	require.Equal(t, "0/4095,auto", opened(d.Test).Range())
	middle := func(path, rule string) float32 {
		d, err := Load(DataConfig{Path: bright, Test: path, Val: "none", Range: rule, Normalise: "none"}, 1, LoadOptions{})
		require.NoError(t, err)
		defer d.Close()
		px := make([]float32, 64)
		require.NoError(t, d.Test.Fill(px, []int{0}, d.Norm))
		return px[36] * 255
	}
	require.InDelta(t, 400*255./4095, middle(dark, ""), 1)
	require.InDelta(t, 400*255./65535, middle(dark, "full"), 1)
	require.InDelta(t, 400*255./800, middle(dark, "0/800"), 1)

	_, err = Load(DataConfig{Path: bright, Range: "12bit"}, 1, LoadOptions{})
	require.ErrorContains(t, err, `Data.Range is "12bit", want auto, full, or LOW/HIGH such as 0/4095`)
}
