package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// photo is a picture with the smooth parts, edges and noise of a photograph.
func photo(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		x, y := i/4%w, i/4/w
		v := 128 + 80*math.Sin(float64(x)/37)*math.Cos(float64(y)/23) + float64((x*7919+y*104729)%17)
		if (x/60+y/80)%3 == 0 {
			v /= 2
		}
		img.Pix[i] = byte(v)
		if i%4 == 3 {
			img.Pix[i] = 255
		}
	}
	return img
}

type namedFile struct {
	name string
	data []byte
}

// photoFiles are one picture in every format that can be written here; bench/decode has
// more, and Pillow beside them.
func photoFiles(b *testing.B) []namedFile {
	img := photo(640, 480)
	var files []namedFile
	write := func(name string, encode func(w *bytes.Buffer) error) {
		var data bytes.Buffer
		require.NoError(b, encode(&data))
		files = append(files, namedFile{name, data.Bytes()})
	}
	write("photo.jpg", func(w *bytes.Buffer) error { return jpeg.Encode(w, img, &jpeg.Options{Quality: 90}) })
	write("photo.png", func(w *bytes.Buffer) error { return png.Encode(w, img) })
	write("photo.gif", func(w *bytes.Buffer) error { return gif.Encode(w, img, nil) })
	write("photo.bmp", func(w *bytes.Buffer) error { return bmp.Encode(w, img) })
	write("none.tif", func(w *bytes.Buffer) error { return tiff.Encode(w, img, nil) })
	write("deflate.tif", func(w *bytes.Buffer) error {
		return tiff.Encode(w, img, &tiff.Options{Compression: tiff.Deflate, Predictor: true})
	})
	rgb, bgr := []byte("P6 640 480 255\n"), []byte{0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 2, 224, 1, 24, 32}
	text := []byte("P3 640 480 255\n")
	for p := img.Pix; len(p) >= 4; p = p[4:] {
		rgb = append(rgb, p[0], p[1], p[2])
		bgr = append(bgr, p[2], p[1], p[0])
		text = fmt.Appendf(text, "%d %d %d\n", p[0], p[1], p[2])
	}
	return append(files, namedFile{"photo.ppm", rgb}, namedFile{"text.ppm", text}, namedFile{"photo.tga", bgr})
}

// BenchmarkRead times what becomes of a file once: decoding, and resizing to the size of
// the network's input.
func BenchmarkRead(b *testing.B) {
	for _, file := range photoFiles(b) {
		b.Run("decode/"+file.name, func(b *testing.B) {
			for b.Loop() {
				_, err := decode(file.name, file.data, 1<<24)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
		if file.name != "photo.jpg" && file.name != "photo.png" {
			continue
		}
		p, err := decode(file.name, file.data, 1<<24)
		require.NoError(b, err)
		for _, side := range []int{28, 64, 224} {
			b.Run(fmt.Sprintf("resize/%s/%d", file.name, side), func(b *testing.B) {
				r := &renderer{channels: 3, height: side, width: side, mode: Squeeze}
				planes := make([]byte, 3*side*side)
				for b.Loop() {
					_, err := r.render(planes, p, cutout{})
					require.NoError(b, err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
