package datasets

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"medusa/datasets/internal/deep"
)

// png16 is a picture of 16 bits, 8×1.
func png16(t *testing.T, values ...uint16) []byte {
	t.Helper()
	img := image.NewGray16(image.Rect(0, 0, len(values), 1))
	for i, v := range values {
		img.Pix[2*i], img.Pix[2*i+1] = byte(v>>8), byte(v)
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

// pfm is a picture of floating point.
func pfm(values ...float32) []byte {
	b := []byte("Pf\n" + itoa(len(values)) + " 1\n-1\n")
	for _, v := range values {
		u := math.Float32bits(v)
		b = append(b, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return b
}

func itoa(n int) string { return string(rune('0' + n)) }

// pixelsOf opens a set of two classes and returns its pictures' bytes, by path, and
// what is told of them.
func pixelsOf(t *testing.T, o Options, files map[string][]byte) (map[string][]byte, *Dataset) {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: data}
	}
	o.Channels, o.Height, o.Width = 1, 1, 4
	s, err := OpenFS(fsys, o)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	pixels := make(map[string][]byte)
	for i := range s.Train.Len() {
		p, err := s.Train.store.get(int(s.Train.rows[i]), s.Train.store.scratch())
		require.NoError(t, err)
		pixels[s.Train.Path(i)] = bytes.Clone(p)
	}
	return pixels, s.Train
}

func noted(d *Dataset) map[string]int {
	n := make(map[string]int)
	for _, c := range d.Summary().Notes {
		n[c.What] = c.Count
	}
	return n
}

// The range is the set's, not the picture's: a dark picture stays dark beside a bright one.
func TestRangeOfASet(t *testing.T) {
	twelve := map[string][]byte{
		"a/dark.png":   png16(t, 0, 16, 100, 400),
		"b/bright.png": png16(t, 0, 1024, 2048, 4095),
		"b/eight.png":  pngOf(t, 4, 1, func(x, _ int) byte { return byte(10 * x) }),
	}
	px, d := pixelsOf(t, Options{}, twelve)
	// v · 255/4095, cut as all 16-bit values are to their upper 8 bits of 16.
	require.Equal(t, []byte{0, 1, 6, 25}, px["a/dark.png"])
	require.Equal(t, []byte{0, 64, 128, 255}, px["b/bright.png"])
	require.Equal(t, []byte{0, 10, 20, 30}, px["b/eight.png"])
	require.Equal(t, "0/4095,auto", d.Range())
	require.Equal(t, 2, noted(d)["picture of 16 bits, read from 0 (black) to 4095 (white), which these pictures use"])

	// Read alone, but as the set was, the dark one is the same.
	px, _ = pixelsOf(t, Options{Range: d.Range()}, map[string][]byte{"a/dark.png": twelve["a/dark.png"], "b/x.png": twelve["b/eight.png"]})
	require.Equal(t, []byte{0, 1, 6, 25}, px["a/dark.png"])

	// As asked for: in full, or by numbers, with what is cut told.
	px, d = pixelsOf(t, Options{Range: "full"}, twelve)
	require.Equal(t, []byte{0, 4, 8, 15}, px["b/bright.png"])
	require.Empty(t, noted(d))
	px, d = pixelsOf(t, Options{Range: "16/2048"}, twelve)
	require.Equal(t, []byte{0, 126, 255, 255}, px["b/bright.png"])
	require.Equal(t, 2, noted(d)["picture with values outside of its range, made black or white"])

	// One value above 14 bits, and the set is of 16: not a bit changes.
	twelve["a/white.png"] = png16(t, 0, 1, 2, 16384)
	px, d = pixelsOf(t, Options{}, twelve)
	require.Equal(t, []byte{0, 4, 8, 15}, px["b/bright.png"])
	require.Equal(t, map[string]int{"picture of 16 bits that is nearly black: it uses a sixteenth or less of the range of these pictures": 2}, noted(d))
	require.Equal(t, "0/65535,auto", d.Range())
}

func TestRangeOfFloats(t *testing.T) {
	grey := pngOf(t, 4, 1, func(x, _ int) byte { return byte(10 * x) })
	set := func(values ...float32) map[string][]byte {
		return map[string][]byte{"a/1.pfm": pfm(values...), "b/1.pfm": pfm(0, 0, 0, 0), "b/2.png": grey}
	}
	for name, tt := range map[string]struct {
		values []float32
		range_ string
		want   []byte
		told   string
	}{
		"0 to 1":      {[]float32{0, 0.25, 0.5, 1}, "", []byte{0, 64, 128, 255}, "auto,0/1"},
		"0 to 255":    {[]float32{0, 10, 128, 200}, "", []byte{0, 10, 128, 200}, "auto,0/255"},
		"beyond":      {[]float32{-100, 0, 100, 300}, "", []byte{0, 64, 128, 255}, "auto,-100/300"},
		"given":       {[]float32{-100, 0, 100, 300}, "0/200", []byte{0, 0, 128, 255}, "0/200"},
		"two given":   {[]float32{-100, 0, 100, 300}, "0/9,0/200", []byte{0, 0, 128, 255}, "0/9,0/200"},
		"no numbers":  {[]float32{float32(math.NaN()), float32(math.Inf(1)), 0.5, 1}, "", []byte{0, 255, 128, 255}, "auto,0/1"},
		"all of them": {[]float32{float32(math.NaN()), float32(math.NaN()), float32(math.NaN()), float32(math.NaN())}, "", []byte{0, 0, 0, 0}, "auto,0/1"},
	} {
		t.Run(name, func(t *testing.T) {
			px, d := pixelsOf(t, Options{Range: tt.range_}, set(tt.values...))
			require.Equal(t, tt.want, px["a/1.pfm"])
			require.Equal(t, tt.told, d.Range())
			odd := 0
			if math.IsNaN(float64(tt.values[0])) {
				odd = 1
			}
			require.Equal(t, odd, noted(d)["picture with values that are no finite numbers, made black (white if +infinite)"])
		})
	}
}

func TestRangeText(t *testing.T) {
	for _, good := range []string{"", "auto", "full", "0/4095", "-1000/3000", "0.5/1e3", "auto,0/1", "full,auto", "0/4095,0/1"} {
		require.True(t, ValidRange(good), good)
	}
	for _, bad := range []string{"12bit", "0", "0/", "/1", "1/0", "1/1", "NaN/1", "0/NaN", "0/Inf", "-Inf/0", "-1e308/1e308", "0/1,0/1,0/1", "auto/full", "0-4095"} {
		require.False(t, ValidRange(bad), bad)
		_, err := OpenFS(fstest.MapFS{}, Options{Range: bad})
		require.ErrorContains(t, err, "Options.Range is")
	}
}

// Colours of 12 bits are seen as such where the number of channels is decided.
func TestRangeAndChannels(t *testing.T) {
	img := image.NewRGBA64(image.Rect(0, 0, 4, 4))
	for i := 0; i < len(img.Pix); i += 8 {
		copy(img.Pix[i:], []byte{15, 255, 0, 40, 0, 3, 255, 255})
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	s, err := OpenFS(fstest.MapFS{"a/1.png": {Data: b.Bytes()}, "b/1.png": {Data: b.Bytes()}}, Options{})
	require.NoError(t, err)
	defer s.Close()
	channels, _, _ := s.Train.Shape()
	require.Equal(t, 3, channels)
}

// Alpha is no colour: it is not stretched.
func TestRangeLeavesAlpha(t *testing.T) {
	img := image.NewNRGBA64(image.Rect(0, 0, 1, 1))
	copy(img.Pix, []byte{15, 255, 15, 255, 15, 255, 128, 0})
	p := picture{Image: img, deep: true}
	require.Equal(t, 4095., extentOf(p).high)
	p.settle(span{0, 4095})
	require.Equal(t, []byte{255, 255, 255, 255, 255, 255, 128, 0}, img.Pix)
	flat := image.NewRGBA64(image.Rect(0, 0, 1, 1)) // multiplied: half of 4095
	copy(flat.Pix, []byte{8, 0, 8, 0, 8, 0, 128, 0})
	p = picture{Image: flat, deep: true}
	p.settle(span{0, 4095})
	r, _, _, a := p.At(0, 0).RGBA()
	require.Equal(t, uint32(0x8000), a)
	require.InDelta(t, 0x8000, r, 20)
}

func TestDeepImageShowsZeroToOne(t *testing.T) {
	m := &deep.Image{Pix: []float32{-1, 0.5, 2}, Channels: 3, Size: image.Pt(1, 1)}
	r, g, b, a := m.At(0, 0).RGBA()
	require.Equal(t, []uint32{0, 32768, 65535, 65535}, []uint32{r, g, b, a})
	_, _, _, a = m.At(1, 0).RGBA()
	require.Zero(t, a)
}
