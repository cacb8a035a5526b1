package datasets

import (
	"encoding/json"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pillow is testdata/pillow.json, made by testdata/make_pictures.py.
type pillow struct {
	Width, Height int
	Pictures      map[string]struct {
		Width, Height int
		RGB           []int
	}
	Resized []struct {
		From, To [2]int
		Grey     []int
	}
}

func readPillow(t *testing.T) pillow {
	t.Helper()
	text, err := os.ReadFile("testdata/pillow.json")
	require.NoError(t, err)
	var p pillow
	require.NoError(t, json.Unmarshal(text, &p))
	return p
}

// furthest returns the largest difference between values.
func furthest(got []byte, want []int) int {
	worst := 0
	for i, w := range want {
		worst = max(worst, int(got[i])-w, w-int(got[i]))
	}
	return worst
}

// interleaved returns planes of RGB as pixels.
func interleaved(planes []byte) []byte {
	n := len(planes) / 3
	pixels := make([]byte, 0, len(planes))
	for i := range n {
		pixels = append(pixels, planes[i], planes[n+i], planes[2*n+i])
	}
	return pixels
}

// Every format, orientation and kind of transparency comes out as Pillow reads it.
func TestDecodeAsPillow(t *testing.T) {
	want := readPillow(t)
	files, err := filepath.Glob("testdata/pictures/*")
	require.NoError(t, err)
	require.Len(t, files, len(want.Pictures))
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			p, err := decode(name, data, DefaultMaxPixels)
			require.NoError(t, err)
			r := &renderer{channels: 3, height: want.Height, width: want.Width, mode: Squeeze}
			planes := make([]byte, 3*want.Height*want.Width)
			colour, err := r.render(planes, p, cutout{})
			require.NoError(t, err)
			w := want.Pictures[name]
			require.LessOrEqual(t, furthest(interleaved(planes), w.RGB), tolerance(name))
			grey := strings.Contains(name, "grey") || strings.Contains(name, "bilevel")
			require.Equal(t, !grey, colour)
			size := p.Bounds().Size()
			if p.orientation >= 5 {
				size.X, size.Y = size.Y, size.X
			}
			require.Equal(t, image.Pt(w.Width, w.Height), size)
		})
	}
}

// tolerance is how far a value may be from Pillow's, in 255ths. Decoders of lossless
// files agree exactly and only the rounding of resizing and of laying on white differ;
// those of JPEG and lossy WebP round their transforms differently and, where colour is
// stored at half size, enlarge it by pixels here and smoothly there.
func tolerance(name string) int {
	switch {
	case name == "yuv420.jpg", strings.Contains(name, "lossy"), name == "animated_alpha.webp":
		return 8
	case strings.HasSuffix(name, ".jpg"):
		return 3
	case strings.Contains(name, "alpha"), strings.Contains(name, "rgba"):
		return 2
	}
	return 1
}

// Resizing is the triangle filter of Pillow's Image.BILINEAR, which the reference of
// the quality figures uses.
func TestResizeAsPillow(t *testing.T) {
	for _, w := range readPillow(t).Resized {
		t.Run(sizeString(w.From[0], w.From[1])+" to "+sizeString(w.To[0], w.To[1]), func(t *testing.T) {
			img := image.NewGray(image.Rect(0, 0, w.From[0], w.From[1]))
			for i := range img.Pix {
				x, y := i%w.From[0], i/w.From[0]
				img.Pix[i] = byte(x*x*7 + y*13 + x*y*3)
			}
			r := &renderer{channels: 1, height: w.To[1], width: w.To[0], mode: Squeeze}
			planes := make([]byte, w.To[0]*w.To[1])
			_, err := r.render(planes, picture{Image: img, orientation: 1}, cutout{})
			require.NoError(t, err)
			require.LessOrEqual(t, furthest(planes, w.Grey), 1) // Pillow rounds between the two passes
		})
	}
}
