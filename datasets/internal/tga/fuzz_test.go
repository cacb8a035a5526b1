package tga

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzTGA: whatever the bytes, there is a picture of the size that the header says, or an
// error; nothing panics.
func FuzzTGA(f *testing.F) {
	for _, pattern := range []string{"*.tga"} {
		files, err := filepath.Glob("../../testdata/formats/" + pattern)
		require.NoError(f, err)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(f, err)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const limit = 1 << 16 // pixels
		p, err := Parse(data)
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
