package datasets

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// exifBlock returns a TIFF structure with one orientation entry behind another entry.
func exifBlock(order binary.AppendByteOrder, kind, value uint16) []byte {
	b := []byte("II*\x00")
	if order == binary.BigEndian {
		b = []byte("MM\x00*")
	}
	b = order.AppendUint32(b, 8)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint32(order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x0110), 2), 1), 0)
	b = order.AppendUint32(order.AppendUint16(order.AppendUint16(b, 0x0112), kind), 1)
	return order.AppendUint16(order.AppendUint16(b, value), 0)
}

func TestTiffOrientation(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	for v := uint16(1); v <= 8; v++ {
		require.Equal(t, int(v), tiffOrientation(exifBlock(little, 3, v)))
		require.Equal(t, int(v), tiffOrientation(exifBlock(big, 3, v)))
	}
	whole := exifBlock(big, 3, 6)
	far := bytes.Clone(whole)
	big.PutUint32(far[4:], 1<<32-1)
	for name, block := range map[string][]byte{
		"nothing":                nil,
		"other magic":            []byte("II+\x00\x08\x00\x00\x00\x00\x00\x00\x00"),
		"value 0":                exifBlock(little, 3, 0),
		"value 9":                exifBlock(little, 3, 9),
		"long instead of short":  exifBlock(big, 4, 6),
		"cut within the entry":   whole[:len(whole)-1],
		"cut before the entries": whole[:10],
		"directory outside":      far,
	} {
		require.Equal(t, 1, tiffOrientation(block), name)
	}
}

func TestOrientationOfFiles(t *testing.T) {
	for name, format := range map[string]string{
		"orientation_6.jpg": formatJPEG, "oriented.png": formatPNG, "oriented.webp": formatWebP,
	} {
		data, err := os.ReadFile("testdata/pictures/" + name)
		require.NoError(t, err)
		require.Equal(t, 6, orientation(format, data), name)
		require.Equal(t, 1, orientation(format, data[:20]), name)
	}
	p, err := decode("oriented.tif", readFile(t, "testdata/pictures/oriented.tif"), DefaultMaxPixels)
	require.NoError(t, err)
	require.Equal(t, 6, p.orientation)
}

// The corners of an upright picture, and boxes in it, are found where they are stored.
func TestStoredPoint(t *testing.T) {
	const w, h = 5, 3
	corners := map[int]image.Point{ // where the upper left corner is stored, by EXIF 2.32's table
		1: {0, 0}, 2: {w - 1, 0}, 3: {w - 1, h - 1}, 4: {0, h - 1},
		5: {0, 0}, 6: {0, w - 1}, 7: {h - 1, w - 1}, 8: {h - 1, 0},
	}
	for o, want := range corners {
		x, y := storedPoint(0, 0, o, w, h)
		require.Equal(t, want, image.Pt(x, y), "orientation %d", o)
		whole := image.Rect(0, 0, w, h)
		if o >= 5 {
			whole = image.Rect(0, 0, h, w)
		}
		require.Equal(t, whole, storedRect(image.Rect(0, 0, w, h), o, w, h))
		r := storedRect(image.Rect(1, 0, 4, 2), o, w, h)
		require.Equal(t, 6, r.Dx()*r.Dy())
		for y := range h {
			for x := range w {
				sx, sy := storedPoint(x, y, o, w, h)
				require.Equal(t, image.Pt(x, y).In(image.Rect(1, 0, 4, 2)), image.Pt(sx, sy).In(r))
			}
		}
	}
}

func FuzzOrientation(f *testing.F) {
	for _, name := range []string{"orientation_6.jpg", "oriented.png", "oriented.webp"} {
		data, err := os.ReadFile("testdata/pictures/" + name)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Add(exifBlock(binary.BigEndian, 3, 5))
	f.Fuzz(func(t *testing.T, data []byte) {
		for format := range codecs {
			o := orientation(format, data)
			require.True(t, o >= 1 && o <= 8)
		}
	})
}
