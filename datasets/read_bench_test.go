package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
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

// BenchmarkRead times what becomes of a file once: decoding, and resizing to the size of
// the network's input.
func BenchmarkRead(b *testing.B) {
	var asJPEG, asPNG bytes.Buffer
	img := photo(640, 480)
	require.NoError(b, jpeg.Encode(&asJPEG, img, &jpeg.Options{Quality: 90}))
	require.NoError(b, png.Encode(&asPNG, img))
	for _, file := range []struct {
		name string
		data []byte
	}{{"photo.jpg", asJPEG.Bytes()}, {"photo.png", asPNG.Bytes()}} {
		b.Run("decode/"+file.name, func(b *testing.B) {
			for b.Loop() {
				_, err := decode(file.name, file.data, 1<<24)
				require.NoError(b, err)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
		})
		p, err := decode(file.name, file.data, 1<<24)
		require.NoError(b, err)
		for _, side := range []int{28, 64, 224} {
			b.Run(fmt.Sprintf("resize/%s/%d", file.name, side), func(b *testing.B) {
				r := &renderer{channels: 3, height: side, width: side, mode: Squeeze}
				planes := make([]byte, 3*side*side)
				for b.Loop() {
					_, err := r.render(planes, p, nil)
					require.NoError(b, err)
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
