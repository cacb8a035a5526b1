package tiff

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"medusa/datasets/internal/deep"
)

// Decode returns the picture, as stored: the caller turns it by Orientation. Grey becomes
// *image.Gray or Gray16, colour *image.RGBA, RGBA64, NRGBA, NRGBA64, CMYK or Paletted,
// numbers without a largest one *deep.Image.
func (f *File) Decode() (image.Image, error) {
	l, err := f.layout()
	if err != nil {
		return nil, err
	}
	if l.compression == oldJPEG || l.compression == jpegInside {
		return f.decodeJPEG(&l)
	}
	c, err := f.newCanvas(&l)
	if err != nil {
		return nil, err
	}
	planes, inPlane := 1, l.samples
	if l.planar {
		planes, inPlane = l.samples, 1
	}
	for plane := range planes {
		if l.planar && c.place[plane] < 0 {
			continue
		}
		for i := range l.across * l.down {
			at := image.Pt(i%l.across*l.chunk.X, i/l.across*l.chunk.Y)
			if err := f.decodeChunk(&l, c, plane*l.across*l.down+i, at, plane, inPlane); err != nil {
				return nil, err
			}
		}
	}
	return c.finish(f, &l)
}

// decodeChunk reads a strip or tile whose upper left pixel is at: samples from first on.
func (f *File) decodeChunk(l *layout, c *canvas, i int, at image.Point, first, samples int) error {
	rows := l.chunk.Y
	if !l.tiled {
		rows = min(rows, f.Height-at.Y)
	}
	if l.subsampleX*l.subsampleY > 1 {
		return f.decodeSubsampled(l, c, i, at, rows)
	}
	rowBytes := (l.chunk.X*samples*l.bits + 7) / 8
	raw, err := f.unpacked(l, i, uint64(rowBytes)*uint64(rows), l.chunk.X, rows)
	if err != nil {
		return err
	}
	unpredict(raw, rowBytes, samples, l.bits, l.predictor, f.order)
	place := c.place[first : first+samples]
	width := min(l.chunk.X, f.Width-at.X)
	for y := range min(rows, f.Height-at.Y) {
		c.put(f, l, raw[y*rowBytes:(y+1)*rowBytes], at.X, at.Y+y, width, place)
	}
	return nil
}

// decodeSubsampled reads YCbCr of which Cb and Cr stand once for several pixels: blocks
// of Y, then Cb, then Cr.
func (f *File) decodeSubsampled(l *layout, c *canvas, i int, at image.Point, rows int) error {
	sx, sy := l.subsampleX, l.subsampleY
	across, down := (l.chunk.X+sx-1)/sx, (rows+sy-1)/sy
	size := sx*sy + 2
	raw, err := f.unpacked(l, i, uint64(across)*uint64(down)*uint64(size), l.chunk.X, rows)
	if err != nil {
		return err
	}
	for y := range min(rows, f.Height-at.Y) {
		for x := range min(l.chunk.X, f.Width-at.X) {
			block := raw[(y/sy*across+x/sx)*size:][:size]
			p := c.pix[((at.Y+y)*f.Width+at.X+x)*4:]
			p[0], p[1], p[2] = block[y%sy*sx+x%sx], block[sx*sy], block[sx*sy+1]
		}
	}
	return nil
}

// canvas is the picture that is being filled: bytes of 1 or 2 a sample, or floats.
type canvas struct {
	img    image.Image
	pix    []byte
	wide   bool // two bytes a sample, high one first
	floats []float32
	stride int   // samples a pixel
	place  []int // where each sample stands in its pixel; −1: nowhere
	opaque bool  // each pixel was written with an alpha of 255
}

// newCanvas makes the picture that suits l.
func (f *File) newCanvas(l *layout) (*canvas, error) {
	bounds := image.Rect(0, 0, f.Width, f.Height)
	c := &canvas{stride: 4, wide: l.bits > 8, place: make([]int, l.samples)}
	for i := range c.place {
		c.place[i] = i
		if i >= l.colours {
			c.place[i] = -1
		}
	}
	if l.alpha != 0 {
		c.place[l.colours] = 3
	}
	if err := f.plausible(l); err != nil {
		return nil, err
	}
	switch {
	case l.isFloat():
		m := &deep.Image{Channels: l.colours, Size: bounds.Max, Full: fullRange(l), Pix: make([]float32, f.Width*f.Height*l.colours)}
		c.img, c.floats, c.stride = m, m.Pix, l.colours
		if l.alpha != 0 {
			c.place[l.colours] = -1
		}
	case l.photometric == palette:
		colours, err := f.palette(l.bits)
		if err != nil {
			return nil, err
		}
		m := image.NewPaletted(bounds, colours)
		c.img, c.pix, c.stride = m, m.Pix, 1
		if l.alpha != 0 {
			c.place[1] = -1
		}
	case l.photometric == cmyk:
		m := image.NewCMYK(bounds)
		c.img, c.pix, c.wide = m, m.Pix, false
		if l.alpha != 0 {
			return nil, UnsupportedError("CMYK with alpha")
		}
	case l.colours == 1 && l.alpha == 0 && c.wide:
		m := image.NewGray16(bounds)
		c.img, c.pix, c.stride = m, m.Pix, 1
	case l.colours == 1 && l.alpha == 0:
		m := image.NewGray(bounds)
		c.img, c.pix, c.stride = m, m.Pix, 1
	case l.alpha == unassociated && c.wide:
		m := image.NewNRGBA64(bounds)
		c.img, c.pix = m, m.Pix
	case l.alpha == unassociated:
		m := image.NewNRGBA(bounds)
		c.img, c.pix = m, m.Pix
	case c.wide:
		m := image.NewRGBA64(bounds)
		c.img, c.pix = m, m.Pix
	default:
		m := image.NewRGBA(bounds)
		c.img, c.pix = m, m.Pix
	}
	return c, nil
}

// plausible refuses a file too short for its pixels before memory is taken for them.
func (f *File) plausible(l *layout) error {
	most, known := densest[l.compression]
	if !known {
		return nil
	}
	want := uint64(f.Width) * uint64(f.Height) * uint64(l.bits) / 8
	if l.subsampleX*l.subsampleY == 1 {
		want *= uint64(l.colours)
	}
	if most*uint64(len(f.data)) < want {
		return FormatError(fmt.Sprintf("%d bytes of file for %d of pixels", len(f.data), want))
	}
	return nil
}

// fullRange is what the type of the samples spans.
func fullRange(l *layout) [2]float64 {
	switch l.format {
	case unsigned:
		return [2]float64{0, math.Ldexp(1, l.bits) - 1}
	case signed:
		return [2]float64{-math.Ldexp(1, l.bits-1), math.Ldexp(1, l.bits-1) - 1}
	}
	return [2]float64{0, 1}
}

// palette returns the colours of the map. Some writers leave its upper bytes empty.
func (f *File) palette(bits int) (color.Palette, error) {
	values := f.numbers(tagColourMap)
	n := len(values) / 3
	if n == 0 || len(values)%3 != 0 || n > 256 {
		return nil, FormatError(fmt.Sprintf("a palette of %d values for %d bits", len(values), bits))
	}
	scale := uint64(257)
	for _, v := range values {
		if v > 255 {
			scale = 1
		}
	}
	p := make(color.Palette, n)
	for i := range p {
		p[i] = color.RGBA64{uint16(values[i] * scale), uint16(values[n+i] * scale), uint16(values[2*n+i] * scale), 0xffff}
	}
	return p, nil
}

// put writes a row of width pixels from (x, y) on; place says where each of its samples
// stands in the pixel.
func (c *canvas) put(f *File, l *layout, row []byte, x, y, width int, place []int) {
	at := (y*f.Width + x) * c.stride
	switch {
	case c.floats != nil:
		c.putFloats(f, l, row, at, width, place)
	case l.bits == 16:
		c.put16(f, row, at, width, place)
	case l.bits == 8:
		if c.stride == len(place) && c.stride == 1 {
			copy(c.pix[at:at+width], row)
			return
		}
		if c.stride == 4 && len(place) == 3 && place[2] == 2 {
			c.opaque = true
			for to := c.pix[at : at+4*width]; len(to) >= 4; to, row = to[4:], row[3:] {
				to[0], to[1], to[2], to[3] = row[0], row[1], row[2], 0xff
			}
			return
		}
		if c.stride == 4 && len(place) == 4 && place[3] == 3 {
			copy(c.pix[at:at+4*width], row)
			return
		}
		for s, to := range place {
			if to < 0 {
				continue
			}
			pix := c.pix[at+to:]
			for i, j := s, 0; j < width; i, j = i+len(place), j+1 {
				pix[j*c.stride] = row[i]
			}
		}
	default:
		c.putBits(l, row, at, width, place)
	}
}

func (c *canvas) put16(f *File, row []byte, at, width int, place []int) {
	for s, to := range place {
		if to < 0 {
			continue
		}
		for i := range width {
			v := f.order.Uint16(row[2*(i*len(place)+s):])
			p := at + i*c.stride + to
			if !c.wide {
				c.pix[p] = byte(v >> 8)
				continue
			}
			c.pix[2*p], c.pix[2*p+1] = byte(v>>8), byte(v)
		}
	}
}

// putBits writes samples of a number of bits that is no whole byte, scaled to 8 or 16
// bits unless they are places in a palette.
func (c *canvas) putBits(l *layout, row []byte, at, width int, place []int) {
	most := uint32(1)<<l.bits - 1
	var have uint32
	got := 0
	for i := range width * len(place) {
		for got < l.bits {
			have, row, got = have<<8|uint32(row[0]), row[1:], got+8
		}
		got -= l.bits
		v := have >> got & most
		to := place[i%len(place)]
		if to < 0 {
			continue
		}
		p := at + i/len(place)*c.stride + to
		switch {
		case l.photometric == palette:
			c.pix[p] = byte(v)
		case c.wide:
			v = v * 0xffff / most
			c.pix[2*p], c.pix[2*p+1] = byte(v>>8), byte(v)
		case l.bits > 8:
			c.pix[p] = byte(v >> (l.bits - 8))
		default:
			c.pix[p] = byte(v * 0xff / most)
		}
	}
}

func (c *canvas) putFloats(f *File, l *layout, row []byte, at, width int, place []int) {
	size := l.bits / 8
	for s, to := range place {
		if to < 0 {
			continue
		}
		for i := range width {
			b := row[size*(i*len(place)+s):]
			var v float32
			switch {
			case l.format == floating && size == 2:
				v = half(f.order.Uint16(b))
			case l.format == floating && size == 4:
				v = math.Float32frombits(f.order.Uint32(b))
			case l.format == floating:
				v = float32(math.Float64frombits(f.order.Uint64(b)))
			case l.format == signed && size == 1:
				v = float32(int8(b[0]))
			case l.format == signed && size == 2:
				v = float32(int16(f.order.Uint16(b)))
			case l.format == signed:
				v = float32(int32(f.order.Uint32(b)))
			default:
				v = float32(f.order.Uint32(b))
			}
			c.floats[at+i*c.stride+to] = v
		}
	}
}

// finish completes what the samples alone do not say.
func (c *canvas) finish(f *File, l *layout) (image.Image, error) {
	switch {
	case l.photometric == palette:
		return c.img, checkPalette(c.img.(*image.Paletted))
	case l.photometric == whiteIsZero && c.floats != nil:
		m := c.img.(*deep.Image)
		for i, v := range m.Pix {
			m.Pix[i] = float32(m.Full[1]+m.Full[0]) - v
		}
	case l.photometric == whiteIsZero:
		c.invert(l)
	}
	if c.floats != nil || c.stride == 1 || l.photometric == cmyk {
		return c.img, nil
	}
	if l.photometric == yCbCr {
		f.convertYCbCr(c.pix)
	}
	if l.colours == 1 || l.alpha != unassociated && !c.opaque {
		c.complete(l)
	}
	return c.img, nil
}

// invert turns grey, but not alpha.
func (c *canvas) invert(l *layout) {
	width := 1
	if c.wide {
		width = 2
	}
	for i := 0; i < len(c.pix); i += c.stride * width {
		for b := range width {
			c.pix[i+b] ^= 0xff
		}
	}
}

// complete spreads grey over the three colours and makes opaque what has no alpha.
func (c *canvas) complete(l *layout) {
	width := 1
	if c.wide {
		width = 2
	}
	for i := 0; i < len(c.pix); i += 4 * width {
		p := c.pix[i : i+4*width]
		if l.colours == 1 {
			copy(p[width:2*width], p[:width])
			copy(p[2*width:3*width], p[:width])
		}
		switch l.alpha {
		case 0:
			for b := range width {
				p[3*width+b] = 0xff
			}
		case associated:
			limitToAlpha(p, width)
		}
	}
}

// limitToAlpha keeps colours that claim to be multiplied by alpha within it, which is
// what all that draws them relies on.
func limitToAlpha(p []byte, width int) {
	if width == 1 {
		for c := range 3 {
			p[c] = min(p[c], p[3])
		}
		return
	}
	alpha := uint16(p[6])<<8 | uint16(p[7])
	for c := range 3 {
		if v := uint16(p[2*c])<<8 | uint16(p[2*c+1]); v > alpha {
			p[2*c], p[2*c+1] = p[6], p[7]
		}
	}
}

func checkPalette(m *image.Paletted) error {
	for _, v := range m.Pix {
		if int(v) >= len(m.Palette) {
			return FormatError(fmt.Sprintf("a pixel of colour %d of a palette of %d", v, len(m.Palette)))
		}
	}
	return nil
}

// convertYCbCr turns pixels of Y, Cb, Cr into RGB, in place: TIFF 6.0, section 21.
func (f *File) convertYCbCr(pix []byte) {
	luma := f.fractions(tagYCbCrMatrix, 3)
	levels := f.fractions(tagReferenceLevels, 6)
	if luma == nil && levels == nil {
		for i := 0; i < len(pix); i += 4 {
			pix[i], pix[i+1], pix[i+2] = color.YCbCrToRGB(pix[i], pix[i+1], pix[i+2])
		}
		return
	}
	if luma == nil || luma[1] == 0 {
		luma = []float64{0.299, 0.587, 0.114}
	}
	if levels == nil || levels[1] == levels[0] || levels[3] == levels[2] || levels[5] == levels[4] {
		levels = []float64{0, 255, 128, 255, 128, 255}
	}
	to := func(v float64) byte { return byte(min(max(math.Round(v), 0), 255)) }
	for i := 0; i < len(pix); i += 4 {
		y := (float64(pix[i]) - levels[0]) * 255 / (levels[1] - levels[0])
		cb := (float64(pix[i+1]) - levels[2]) * 127 / (levels[3] - levels[2])
		cr := (float64(pix[i+2]) - levels[4]) * 127 / (levels[5] - levels[4])
		r, b := y+cr*(2-2*luma[0]), y+cb*(2-2*luma[2])
		pix[i], pix[i+1], pix[i+2] = to(r), to((y-luma[0]*r-luma[2]*b)/luma[1]), to(b)
	}
}
