// Package deep holds pictures whose values have no largest one that means white:
// floating point, signed numbers, 32 bits. What is shown of them is a choice.
package deep

import (
	"image"
	"image/color"
	"math"
)

// Image is a picture of 1 (grey) or 3 (RGB) values a pixel, row by row.
type Image struct {
	Pix      []float32
	Channels int
	Size     image.Point
	// Full is the range that the type of the file's numbers spans: 0 … 1 for floating
	// point, where nothing else is agreed upon.
	Full [2]float64
}

// ColorModel is of the picture that At shows.
func (m *Image) ColorModel() color.Model { return color.RGBA64Model }

// Bounds is the picture's rectangle, from (0, 0).
func (m *Image) Bounds() image.Rectangle { return image.Rectangle{Max: m.Size} }

// At shows the pixel with 0 as black and 1 as white.
func (m *Image) At(x, y int) color.Color {
	if !(image.Point{x, y}).In(m.Bounds()) {
		return color.RGBA64{}
	}
	p := m.Pix[(y*m.Size.X+x)*m.Channels:]
	c := color.RGBA64{A: 0xffff}
	c.R = level(p[0], 0, 1)
	c.G, c.B = c.R, c.R
	if m.Channels == 3 {
		c.G, c.B = level(p[1], 0, 1), level(p[2], 0, 1)
	}
	return c
}

// Extent returns the smallest and largest finite value, and whether there are any; odd
// counts the values that are no finite numbers.
func (m *Image) Extent() (low, high float64, odd int, ok bool) {
	lo, hi := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range m.Pix {
		if v-v != 0 { // Inf or NaN
			odd++
			continue
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	return float64(lo), float64(hi), odd, lo <= hi
}

// Levels returns the picture with low as black and high as white; what lies outside is
// cut, and what is not a number is black.
func (m *Image) Levels(low, high float64) image.Image {
	if m.Channels == 1 {
		img := image.NewGray16(m.Bounds())
		for i, v := range m.Pix {
			put16(img.Pix[2*i:], level(v, low, high))
		}
		return img
	}
	img := image.NewRGBA64(m.Bounds())
	for i := range m.Size.X * m.Size.Y {
		to := img.Pix[8*i : 8*i+8]
		for c := range 3 {
			put16(to[2*c:], level(m.Pix[3*i+c], low, high))
		}
		put16(to[6:], 0xffff)
	}
	return img
}

func put16(to []byte, v uint16) { to[0], to[1] = byte(v>>8), byte(v) }

// level is where v stands between low and high, in 65535ths.
func level(v float32, low, high float64) uint16 {
	share := (float64(v) - low) / (high - low)
	switch {
	case share >= 1:
		return 0xffff
	case share > 0:
		return uint16(share*0xffff + 0.5)
	}
	return 0 // and NaN
}
