package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// pngOf returns a grey picture as a PNG file.
func pngOf(t testing.TB, w, h int, at func(x, y int) byte) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = at(i%w, i/w)
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

// plainPNG returns a picture of one colour.
func plainPNG(t testing.TB, w, h int, c color.Color) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		img.Set(i%w, i/w, c)
	}
	var b bytes.Buffer
	require.NoError(t, png.Encode(&b, img))
	return b.Bytes()
}

// toyFS holds classes c0, c1 … of different grey pictures, 5×4 pixels each.
func toyFS(t testing.TB, classes, pictures int) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	for c := range classes {
		for i := range pictures {
			fsys[fmt.Sprintf("c%d/%d.png", c, i)] = &fstest.MapFile{
				Data: pngOf(t, 5, 4, func(x, y int) byte { return byte(c*50 + i*7 + x*11 + y*3) }),
			}
		}
	}
	return fsys
}

// toy is toyFS opened.
func toy(t testing.TB, classes, pictures int, o Options) *Dataset {
	t.Helper()
	s, err := OpenFS(toyFS(t, classes, pictures), o)
	require.NoError(t, err)
	return s.Train
}

// noisy returns a Dataset of n pictures of c×h×w whose values are those of a fixed
// generator, in two classes by turns.
func noisy(n, c, h, w int) *Dataset {
	s, err := newStore(n, c, h, w, Options{CacheBytes: DefaultCacheBytes})
	if err != nil {
		panic(err)
	}
	state := uint64(1)
	for i := range s.memory {
		state = mix(state)
		s.memory[i] = byte(state)
	}
	d := &Dataset{store: s, classes: []string{"even", "odd"}}
	for i := range n {
		d.rows, d.labels = append(d.rows, int32(i)), append(d.labels, i%2)
		s.paths[i] = fmt.Sprint(i)
	}
	return d
}
