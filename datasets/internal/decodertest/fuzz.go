// Package decodertest holds what the tests of the decoders of pictures share.
package decodertest

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Announced is a picture whose header was read.
type Announced struct {
	Width, Height int
	Decode        func() (image.Image, error)
}

// Fuzz looks for bytes that make a decoder panic, or give a picture of another size than its
// header says. It begins with the files of datasets/testdata/formats that match a pattern.
func Fuzz(f *testing.F, parse func(data []byte) (Announced, error), patterns ...string) {
	for _, pattern := range patterns {
		files, err := filepath.Glob("../../testdata/formats/" + pattern)
		require.NoError(f, err)
		require.NotEmpty(f, files, pattern)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 16 // pixels
		p, err := parse(data)
		if err != nil || int64(p.Width)*int64(p.Height) > limit {
			return
		}
		img, err := p.Decode()
		if err != nil {
			return
		}
		require.Equal(t, p.Width, img.Bounds().Dx())
		require.Equal(t, p.Height, img.Bounds().Dy())
		for y := range p.Height {
			img.At(0, y)
			img.At(p.Width-1, y)
		}
	})
}
