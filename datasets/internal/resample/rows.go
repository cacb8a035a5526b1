package resample

import (
	"encoding/binary"
	"image"
	"image/color"
)

// planes are the channels of a row: red, green, blue and alpha, or grey alone.
type planes [4][]float64

// rows reads a picture row by row: each channel in 65535ths, multiplied by alpha.
type rows struct {
	channels int // 1: grey, 3: opaque, 4: with alpha
	fill     func(to planes, x, y int)
	from     image.Rectangle
	buffers  [2]planes
}

// widened are the levels of 8 bits in 65535ths.
var widened = func() (table [256]float64) {
	for i := range table {
		table[i] = float64(i * 0x101)
	}
	return table
}()

// open makes r read the part from of src.
func (r *rows) open(src image.Image, from image.Rectangle) {
	r.from = from
	switch m := src.(type) {
	case *image.Gray:
		r.channels, r.fill = 1, func(to planes, x, y int) { fillGrey(to, m.Pix[m.PixOffset(x, y):]) }
	case *image.Gray16:
		r.channels, r.fill = 1, func(to planes, x, y int) { fillGrey16(to, m.Pix[m.PixOffset(x, y):]) }
	case *image.RGBA:
		r.channels = 4
		if isOpaque(m.Pix, m.Stride, m.PixOffset(from.Min.X, from.Min.Y), from) {
			r.channels = 3
		}
		r.fill = func(to planes, x, y int) { fillRGBA(to, m.Pix[m.PixOffset(x, y):]) }
	case *image.NRGBA:
		if isOpaque(m.Pix, m.Stride, m.PixOffset(from.Min.X, from.Min.Y), from) {
			r.channels, r.fill = 3, func(to planes, x, y int) { fillRGBA(to, m.Pix[m.PixOffset(x, y):]) }
			break
		}
		r.channels, r.fill = 4, func(to planes, x, y int) { fillNRGBA(to, m.Pix[m.PixOffset(x, y):]) }
	case *image.YCbCr:
		r.channels, r.fill = 3, func(to planes, x, y int) { fillYCbCr(to, m, x, y) }
	case *image.CMYK:
		r.channels, r.fill = 3, func(to planes, x, y int) { fillCMYK(to, m.Pix[m.PixOffset(x, y):]) }
	case *image.Paletted:
		r.openPaletted(m)
	case image.RGBA64Image:
		r.channels, r.fill = 4, func(to planes, x, y int) { fillRGBA64(to, m, x, y) }
	default:
		r.channels, r.fill = 4, func(to planes, x, y int) { fillAny(to, m, x, y) }
	}
	width := from.Dx()
	for i := range r.buffers {
		for c := range r.channels {
			if cap(r.buffers[i][c]) < width {
				r.buffers[i][c] = make([]float64, width)
			}
			r.buffers[i][c] = r.buffers[i][c][:width]
		}
		for c := r.channels; c < len(planes{}); c++ {
			r.buffers[i][c] = nil
		}
	}
}

// close lets go of the picture, so that a Scaler at rest holds none in memory.
func (r *rows) close() { r.fill = nil }

// read reads row y into one of two buffers.
func (r *rows) read(y, buffer int) planes {
	to := r.buffers[buffer]
	r.fill(to, r.from.Min.X, r.from.Min.Y+y)
	return to
}

// isOpaque reports whether every fourth byte of the part, which begins at byte at, is 255.
func isOpaque(pix []byte, stride, at int, part image.Rectangle) bool {
	const alphas = 0xff000000ff000000
	for y := range part.Dy() {
		row := pix[at+y*stride:][:4*part.Dx()]
		all := uint64(alphas)
		for ; len(row) >= 16; row = row[16:] {
			all &= binary.LittleEndian.Uint64(row) & binary.LittleEndian.Uint64(row[8:])
		}
		for ; len(row) >= 4; row = row[4:] {
			all &= uint64(row[3])<<24 | uint64(row[3])<<56
		}
		if all != alphas {
			return false
		}
	}
	return true
}

func fillGrey(to planes, pix []byte) {
	grey := to[0]
	for i, v := range pix[:len(grey)] {
		grey[i] = widened[v]
	}
}

func fillGrey16(to planes, pix []byte) {
	grey := to[0]
	pix = pix[:2*len(grey)]
	for i := range grey {
		grey[i] = float64(uint32(pix[2*i])<<8 | uint32(pix[2*i+1]))
	}
}

// fillRGBA leaves alpha out where to has no room for it.
func fillRGBA(to planes, pix []byte) {
	n := len(to[0])
	red, green, blue := to[0], to[1][:n], to[2][:n]
	pix = pix[:4*n]
	if alpha := to[3]; alpha != nil {
		for i := range alpha {
			alpha[i] = widened[pix[4*i+3]]
		}
	}
	for i := range red {
		p := pix[4*i : 4*i+4 : 4*i+4]
		red[i], green[i], blue[i] = widened[p[0]], widened[p[1]], widened[p[2]]
	}
}

func fillNRGBA(to planes, pix []byte) {
	n := len(to[0])
	red, green, blue, alpha := to[0], to[1][:n], to[2][:n], to[3][:n]
	pix = pix[:4*n]
	for i := range red {
		p := pix[4*i : 4*i+4 : 4*i+4]
		a := uint32(p[3]) * 0x101
		red[i], green[i], blue[i] = float64(uint32(p[0])*a/0xff), float64(uint32(p[1])*a/0xff), float64(uint32(p[2])*a/0xff)
		alpha[i] = widened[p[3]]
	}
}

func fillCMYK(to planes, pix []byte) {
	n := len(to[0])
	red, green, blue := to[0], to[1][:n], to[2][:n]
	pix = pix[:4*n]
	for i := range red {
		p := pix[4*i : 4*i+4 : 4*i+4]
		r, g, b := color.CMYKToRGB(p[0], p[1], p[2], p[3])
		red[i], green[i], blue[i] = widened[r], widened[g], widened[b]
	}
}

// openPaletted looks the colours up in 8 bits.
func (r *rows) openPaletted(m *image.Paletted) {
	var table [256][4]float64
	r.channels = 3
	for i := range table {
		if i >= len(m.Palette) {
			break
		}
		red, green, blue, alpha := m.Palette[i].RGBA()
		table[i] = [4]float64{widened[red>>8], widened[green>>8], widened[blue>>8], widened[alpha>>8]}
		if alpha>>8 != 0xff {
			r.channels = 4
		}
	}
	r.fill = func(to planes, x, y int) {
		n := len(to[0])
		red, green, blue := to[0], to[1][:n], to[2][:n]
		pix := m.Pix[m.PixOffset(x, y):][:n]
		for i, v := range pix {
			c := &table[v]
			red[i], green[i], blue[i] = c[0], c[1], c[2]
		}
		for i := range to[3] {
			to[3][i] = table[pix[i]][3]
		}
	}
}

// chromaShift says by how many bits the columns of Cb and Cr differ from those of Y.
func chromaShift(ratio image.YCbCrSubsampleRatio) int {
	switch ratio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		return 1
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		return 2
	}
	return 0
}

// fillYCbCr converts as color.YCbCr's RGBA does.
func fillYCbCr(to planes, m *image.YCbCr, x, y int) {
	n := len(to[0])
	red, green, blue := to[0], to[1][:n], to[2][:n]
	luma := m.Y[m.YOffset(x, y):][:n]
	shift := chromaShift(m.SubsampleRatio)
	first := m.COffset(x, y)
	count := (x+n-1)>>shift - x>>shift + 1
	cb, cr := m.Cb[first:][:count], m.Cr[first:][:count]
	if shift == 0 {
		for i, v := range luma {
			l, b, r := int32(v)*0x10101, int32(cb[i])-128, int32(cr[i])-128
			red[i], green[i], blue[i] = clamped(l+91881*r), clamped(l-22554*b-46802*r), clamped(l+116130*b)
		}
		return
	}
	within := 1<<shift - 1
	at, end := 0, within+1-x&within // of the pixels of one Cb: the first may have less
	for j, v := range cb {
		b, r := int32(v)-128, int32(cr[j])-128
		forRed, forGreen, forBlue := 91881*r, -22554*b-46802*r, 116130*b
		for end = min(end, n); at < end; at++ {
			l := int32(luma[at]) * 0x10101
			red[at], green[at], blue[at] = clamped(l+forRed), clamped(l+forGreen), clamped(l+forBlue)
		}
		end += within + 1
	}
}

// clamped returns the upper 16 bits of 24, within their range.
func clamped(v int32) float64 {
	if uint32(v)>>24 == 0 {
		return float64(v >> 8)
	}
	return float64(^(v >> 31) & 0xffff)
}

func fillRGBA64(to planes, m image.RGBA64Image, x, y int) {
	for i := range to[0] {
		c := m.RGBA64At(x+i, y)
		to[0][i], to[1][i], to[2][i], to[3][i] = float64(c.R), float64(c.G), float64(c.B), float64(c.A)
	}
}

func fillAny(to planes, m image.Image, x, y int) {
	for i := range to[0] {
		r, g, b, a := m.At(x+i, y).RGBA()
		to[0][i], to[1][i], to[2][i], to[3][i] = float64(r), float64(g), float64(b), float64(a)
	}
}
