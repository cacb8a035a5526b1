package datasets

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"image"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// independent is testdata/formats.json, made by testdata/make_formats.py: what other
// decoders read of the pictures in testdata/formats.
type independent struct {
	Pictures map[string]struct {
		Width, Height int
		Pixels        string // place in Pixels below
		By            string
		// Tolerance is how far a value may be off, in 255ths: 0 where nothing is lost, 1
		// where two round differently, more where JPEG is decoded or colours are computed.
		Tolerance int
		Mean      float64 // how far on average; 0 where only Tolerance counts
		Converted bool    // colours are told to be converted to sRGB
	}
	Pixels map[string][]byte // RGB, packed by zlib
}

func readIndependent(t testing.TB) independent {
	t.Helper()
	var in independent
	require.NoError(t, json.Unmarshal(readFile(t, "testdata/formats.json"), &in))
	return in
}

// rendered is a picture at its own size, upright, on white, in RGB, its range as of a set
// that holds no other.
func rendered(t testing.TB, p picture) (pixels []byte, size image.Point) {
	t.Helper()
	if e := extentOf(p); e.deep {
		p.settle(rangeRule{auto: true}.spanOf(e))
	}
	size = p.Bounds().Size()
	if p.orientation >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	planes := make([]byte, 3*size.X*size.Y)
	_, err := (&renderer{channels: 3, height: size.Y, width: size.X, mode: Squeeze}).render(planes, p, nil)
	require.NoError(t, err)
	return interleaved(planes), size
}

// Every variant of every format comes out as an independent decoder reads it.
func TestDecodeAsOthers(t *testing.T) {
	in := readIndependent(t)
	files, err := os.ReadDir("testdata/formats")
	require.NoError(t, err)
	require.Len(t, files, len(in.Pictures))
	for _, file := range files {
		name := file.Name()
		t.Run(name, func(t *testing.T) {
			want, ok := in.Pictures[name]
			require.True(t, ok)
			p, err := decode(name, readFile(t, filepath.Join("testdata/formats", name)), DefaultMaxPixels)
			require.NoError(t, err)
			require.Equal(t, want.Converted, p.remark == remarkConverted, p.remark)
			got, size := rendered(t, p)
			require.Equal(t, image.Pt(want.Width, want.Height), size)
			r, err := zlib.NewReader(bytes.NewReader(in.Pixels[want.Pixels]))
			require.NoError(t, err)
			pixels, err := io.ReadAll(r)
			require.NoError(t, err)
			require.Len(t, pixels, len(got))
			worst, sum := 0, 0.
			for i, w := range pixels {
				d := max(int(got[i])-int(w), int(w)-int(got[i]))
				worst, sum = max(worst, d), sum+float64(d)
			}
			require.LessOrEqual(t, worst, want.Tolerance, "by %s", want.By)
			if want.Mean > 0 {
				require.LessOrEqual(t, sum/float64(len(pixels)), want.Mean, "by %s", want.By)
			}
		})
	}
}
