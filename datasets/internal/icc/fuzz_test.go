package icc

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzICC: whatever the bytes, there is a transform that works on every kind of picture,
// or an error; nothing panics.
func FuzzICC(f *testing.F) {
	files, err := filepath.Glob("testdata/*.icc")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		transform, err := Parse(data)
		if err != nil {
			return
		}
		b := image.Rect(0, 0, 2, 2)
		grey, rgb := image.NewGray(b), image.NewNRGBA(b)
		copy(grey.Pix, data)
		copy(rgb.Pix, data)
		require.Equal(t, b, transform.Apply(grey).Bounds())
		require.Equal(t, b, transform.Apply(rgb).Bounds())
	})
}
