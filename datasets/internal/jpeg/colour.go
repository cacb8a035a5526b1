package jpeg

import (
	"image"
	"image/color"
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
	img := image.NewRGBA(d.colour.Rect)
	m := d.colour
	shift := bits.TrailingZeros(uint(d.components[0].h))
	for y := range d.height {
		red := m.Y[y*m.YStride:][:d.width]
		at := m.COffset(0, y)
		green, blue := m.Cb[at:][:(d.width-1)>>shift+1], m.Cr[at:][:(d.width-1)>>shift+1]
		pix := img.Pix[y*img.Stride:][:4*d.width]
		for x, v := range red {
			p := pix[4*x : 4*x+4 : 4*x+4]
			p[0], p[1], p[2], p[3] = v, green[x>>shift], blue[x>>shift], 0xff
		}
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
		first := m.Y[y*m.YStride:][:d.width]
		at := y >> shift * m.CStride
		second, third := m.Cb[at:][:(d.width-1)>>shift+1], m.Cr[at:][:(d.width-1)>>shift+1]
		fourth := black.pix[y*black.stride:][:d.width]
		pix := img.Pix[y*img.Stride:][:4*d.width]
		for x, v := range first {
			p := pix[4*x : 4*x+4 : 4*x+4]
			if d.transform == 0 {
				p[0], p[1], p[2] = 255-v, 255-second[x>>shift], 255-third[x>>shift]
			} else {
				p[0], p[1], p[2] = color.YCbCrToRGB(v, second[x>>shift], third[x>>shift])
			}
			p[3] = 255 - fourth[x]
		}
	}
	return img
}
