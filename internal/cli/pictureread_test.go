package cli

import (
	"archive/zip"
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// drawn is a picture, dark but for a white edge below.
func drawn(width, height int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetRGBA(x, y, color.RGBA{20, 60, 90, 255})
			if y > height-height/8 {
				m.SetRGBA(x, y, color.RGBA{255, 255, 255, 255})
			}
		}
	}
	return m
}

// A thumbnail has the shape of the picture, upright, and its own white.
func TestThumbnailsHaveTheShapeOfThePicture(t *testing.T) {
	t.Chdir(t.TempDir())
	var encoded bytes.Buffer
	require.NoError(t, png.Encode(&encoded, drawn(300, 100)))
	require.NoError(t, os.WriteFile("wide.png", encoded.Bytes(), 0o666))
	encoded.Reset()
	require.NoError(t, png.Encode(&encoded, drawn(64, 64)))
	require.NoError(t, os.WriteFile("square.png", encoded.Bytes(), 0o666))
	encoded.Reset()
	require.NoError(t, jpeg.Encode(&encoded, drawn(200, 100), nil))
	// EXIF says that it lies on its side: orientation 6.
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00")
	turned := append(append(append([]byte{}, encoded.Bytes()[:2]...), exif...), encoded.Bytes()[2:]...)
	require.NoError(t, os.WriteFile("turned.jpg", turned, 0o666))
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	w, err := z.Create("a/wide.png")
	require.NoError(t, err)
	wide, err := os.ReadFile("wide.png")
	require.NoError(t, err)
	_, err = w.Write(wide)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile("b.zip", archive.Bytes(), 0o666))
	for path, want := range map[string]image.Point{
		"wide.png": {144, 48}, "square.png": {144, 144}, "turned.jpg": {72, 144}, "b.zip/a/wide.png": {144, 48},
	} {
		m, err := readThumbnail(path, 0)
		require.NoError(t, err, path)
		require.Equal(t, want, m.Bounds().Size(), path)
	}
	require.NoError(t, os.WriteFile("b.tar", []byte("x"), 0o666))
	for path, want := range map[string]string{
		"gone.png": "is not there any more", "b.zip/gone.png": "is not in the archive any more", "b.tar/a.png": "in an archive, which is not unpacked for this",
		".": "is a folder now", "standard input": "came on standard input", "b.tar": "not a picture",
	} {
		_, err := readThumbnail(path, 0)
		require.ErrorContains(t, err, want, path)
	}
	_, err = readThumbnail("wide.png", 100)
	require.ErrorContains(t, err, "too many pixels")
}
