package jpeg

import (
	"image"
	"math/bits"
)

// isRGB reports whether the components are no YCbCr: by Adobe's marker or by their names.
func (d *decoder) isRGB() bool {
	if d.isJFIF {
		return false
	}
	c := d.components
	return d.isAdobe && d.transform == 0 || c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B'
}

// rgb returns the components as they are.
func (d *decoder) rgb() image.Image {
	m := d.colour
	img := image.NewRGBA(m.Rect)
	shift := bits.TrailingZeros(uint(d.components[0].h))
	for y := range d.height {
		red, at := m.Y[y*m.YStride:][:d.width], m.COffset(0, y)
		interleave(img.Pix[y*img.Stride:], [4][]byte{red, m.Cb[at:], m.Cr[at:], red}, shift, 0, 0xff<<24)
	}
	return img
}

// inks returns CMYK. Adobe stores paper in place of ink; of YCbCr and black, the colours that
// come out of YCbCr are ink already.
func (d *decoder) inks() image.Image {
	m, black := d.colour, &d.components[3]
	img := image.NewCMYK(m.Rect)
	shift := d.components[0].h - 1 // 0, or 1 where colours are stored at half size
	for y := range d.height {
		first, at := m.Y[y*m.YStride:][:d.width], m.COffset(0, y)
		second, third, fourth := m.Cb[at:], m.Cr[at:], black.pix[y*black.stride:][:d.width]
		pix := img.Pix[y*img.Stride:][:4*d.width]
		if d.transform == 0 {
			interleave(pix, [4][]byte{first, second, third, fourth}, shift, 0xffffffff, 0)
			continue
		}
		colours(pix, first, second, third, shift)
		for x, v := range fourth {
			pix[4*x+3] = 255 - v
		}
	}
	return img
}
