// Package bmp reads bitmaps of Windows and OS/2: 1 to 32 bits, palettes, run lengths and
// bit masks, as files of their own and as they stand in icons.
//
// https://learn.microsoft.com/en-us/windows/win32/gdi/bitmap-storage;
// "OS/2 2.0 Presentation Manager Programming Reference", volume 3.
package bmp

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"math/bits"

	"github.com/pkg/errors"
)

// UnsupportedError names what of a valid file cannot be read.
type UnsupportedError string

func (e UnsupportedError) Error() string { return "bmp: unsupported: " + string(e) }

const (
	runLength8  = 1
	runLength4  = 2
	masked      = 3
	maskedAlpha = 6

	fileHeader = 14
)

// Bitmap is a file whose header has been read.
type Bitmap struct {
	// Width and Height are of the picture; of an icon, without its mask.
	Width, Height int

	icon        bool
	topDown     bool
	bits        int
	compression uint32
	masks       [4]uint32 // red, green, blue, alpha
	palette     color.Palette
	pixels      []byte
}

var order = binary.LittleEndian

// Parse reads the headers of a file.
func Parse(data []byte) (*Bitmap, error) {
	if len(data) < fileHeader+4 || string(data[:2]) != "BM" {
		return nil, errors.New("bmp: the header is cut off")
	}
	b := &Bitmap{}
	return b, b.parse(data[fileHeader:], int64(order.Uint32(data[10:]))-fileHeader)
}

// ParseIcon reads the headers of a bitmap in an icon: no file header, and a mask of one
// bit below the picture, which counts in the height.
func ParseIcon(data []byte) (*Bitmap, error) {
	if len(data) < 4 {
		return nil, errors.New("bmp: the header is cut off")
	}
	b := &Bitmap{icon: true}
	if err := b.parse(data, -1); err != nil {
		return nil, err
	}
	b.Height /= 2
	return b, nil
}

// parse reads the header that data starts with; the pixels begin at offset, or behind all
// else if it is negative.
func (b *Bitmap) parse(data []byte, offset int64) error {
	size := int64(order.Uint32(data))
	const core, info, most = 12, 40, 1 << 12
	if size != core && size < 16 || size > most {
		return errors.Errorf("bmp: a header of %d bytes", size)
	}
	if int64(len(data)) < size {
		return errors.New("bmp: the header is cut off")
	}
	var header [124]byte // what a short header lacks is zero
	copy(header[:], data[:min(size, int64(len(header)))])
	colours := uint32(0)
	entry := 4
	if size == core {
		b.Width, b.Height, b.bits, entry = int(order.Uint16(header[4:])), int(order.Uint16(header[6:])), int(order.Uint16(header[10:])), 3
	} else {
		b.Width, b.Height = int(int32(order.Uint32(header[4:]))), int(int32(order.Uint32(header[8:])))
		b.bits, b.compression, colours = int(order.Uint16(header[14:])), order.Uint32(header[16:]), order.Uint32(header[32:])
	}
	if b.Height < 0 {
		b.Height, b.topDown = -b.Height, true
	}
	if b.Width < 1 || b.Height < 1 {
		return errors.Errorf("bmp: size %d×%d", b.Width, b.Height)
	}
	if err := b.checkKind(size); err != nil {
		return err
	}
	rest := data[size:]
	if b.compression == masked || b.compression == maskedAlpha {
		n := 0
		if size == info { // the masks stand behind the header, else in it
			n = 12
			if b.compression == maskedAlpha {
				n = 16
			}
			if len(rest) < n {
				return errors.New("bmp: the header is cut off")
			}
			copy(header[40:], rest[:n])
			rest = rest[n:]
		}
		for i := range b.masks {
			b.masks[i] = order.Uint32(header[40+4*i:])
		}
		if b.compression == masked && size < 56 {
			b.masks[3] = 0
		}
		if err := b.checkMasks(); err != nil {
			return err
		}
	} else {
		b.defaultMasks(size)
	}
	if b.bits <= 8 {
		var err error
		if rest, err = b.readPalette(rest, colours, entry, int64(len(data))-offset, offset >= 0); err != nil {
			return err
		}
	}
	if offset >= 0 {
		if offset > int64(len(data)) {
			return errors.New("bmp: the pixels begin behind the end")
		}
		rest = data[offset:]
	}
	b.pixels = rest
	return nil
}

func (b *Bitmap) checkKind(size int64) error {
	const os2 = 64
	ok := false
	switch b.compression {
	case 0:
		ok = b.bits == 1 || b.bits == 2 || b.bits == 4 || b.bits == 8 || b.bits == 16 || b.bits == 24 || b.bits == 32
	case runLength8:
		ok = b.bits == 8
	case runLength4:
		ok = b.bits == 4
	case masked, maskedAlpha:
		ok = (b.bits == 16 || b.bits == 32) && size != os2
	}
	if !ok {
		return UnsupportedError(fmt.Sprintf("%d bits and compression %d", b.bits, b.compression))
	}
	return nil
}

// checkMasks refuses colours that are not in one piece.
func (b *Bitmap) checkMasks() error {
	for i, m := range b.masks {
		if run := m >> bits.TrailingZeros32(m); m != 0 && run&(run+1) != 0 || m == 0 && i < 3 {
			return errors.Errorf("bmp: bit masks %08x", b.masks)
		}
	}
	return nil
}

// defaultMasks are those of bitmaps that give none. Headers from version 4 on know alpha.
func (b *Bitmap) defaultMasks(size int64) {
	switch b.bits {
	case 16:
		b.masks = [4]uint32{0x7c00, 0x03e0, 0x001f, 0}
	case 32:
		b.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0}
		if size > 40 && size != 64 || b.icon {
			b.masks[3] = 0xff000000
		}
	}
}

// readPalette reads at most as many colours as there are bytes for, and returns what is
// behind them.
func (b *Bitmap) readPalette(rest []byte, colours uint32, entry int, room int64, placed bool) ([]byte, error) {
	n := 1 << b.bits
	if colours != 0 {
		if colours > 1<<16 {
			return nil, errors.Errorf("bmp: a palette of %d colours", colours)
		}
		n = int(colours)
	}
	if entry == 3 && placed { // core headers do not say how many there are
		n = min(n, max(0, len(rest)-int(max(0, room)))/entry)
	}
	if len(rest) < n*entry {
		return nil, errors.New("bmp: the palette is cut off")
	}
	b.palette = make(color.Palette, min(n, 1<<b.bits))
	for i := range b.palette {
		c := rest[i*entry:]
		b.palette[i] = color.RGBA{c[2], c[1], c[0], 0xff}
	}
	if len(b.palette) == 0 {
		return nil, errors.New("bmp: an empty palette")
	}
	return rest[n*entry:], nil
}

// Decode reads the pixels: *image.Paletted, *image.RGBA, or NRGBA with alpha.
func (b *Bitmap) Decode() (image.Image, error) {
	switch {
	case b.compression == runLength4 || b.compression == runLength8:
		return b.decodeRuns()
	case b.bits <= 8:
		return b.decodePalette()
	}
	return b.decodeColours()
}

// rows returns the bytes of each row, from the top on, of so many bits a pixel, and what
// is behind them.
func (b *Bitmap) rows(pixels []byte, bits int) (row func(y int) []byte, rest []byte, err error) {
	size := (int64(b.Width)*int64(bits) + 31) / 32 * 4
	if want := size * int64(b.Height); int64(len(pixels)) < want {
		// The padding of the last row may be missing.
		short := want - size + (int64(b.Width)*int64(bits)+7)/8
		if int64(len(pixels)) < short {
			return nil, nil, errors.Errorf("bmp: %d bytes of pixels, want %d", len(pixels), want)
		}
		pixels = append(pixels[:len(pixels):len(pixels)], make([]byte, want-int64(len(pixels)))...)
	}
	row = func(y int) []byte {
		if !b.topDown {
			y = b.Height - 1 - y
		}
		return pixels[int64(y)*size:][:size]
	}
	return row, pixels[size*int64(b.Height):], nil
}

func (b *Bitmap) decodePalette() (image.Image, error) {
	row, rest, err := b.rows(b.pixels, b.bits)
	if err != nil {
		return nil, err
	}
	img := image.NewPaletted(image.Rect(0, 0, b.Width, b.Height), b.palette)
	perByte := 8 / b.bits
	for y := range b.Height {
		from := row(y)
		to := img.Pix[y*img.Stride:][:b.Width]
		if b.bits == 8 {
			copy(to, from)
			continue
		}
		for x := range to {
			to[x] = from[x/perByte] >> (8 - b.bits - x%perByte*b.bits) & (1<<b.bits - 1)
		}
	}
	for _, v := range img.Pix {
		if int(v) >= len(b.palette) {
			return nil, errors.Errorf("bmp: a pixel of colour %d of a palette of %d", v, len(b.palette))
		}
	}
	return b.cutOut(img, rest)
}

// decodeColours reads 16, 24 and 32 bits.
func (b *Bitmap) decodeColours() (image.Image, error) {
	row, rest, err := b.rows(b.pixels, b.bits)
	if err != nil {
		return nil, err
	}
	img := image.NewNRGBA(image.Rect(0, 0, b.Width, b.Height))
	var scale [4][]byte
	for i, m := range b.masks {
		scale[i] = levels(bits.OnesCount32(m))
	}
	alpha := byte(0)
	for y := range b.Height {
		from := row(y)
		for x := range b.Width {
			to := img.Pix[y*img.Stride+4*x:][:4]
			if b.bits == 24 {
				to[0], to[1], to[2], to[3] = from[3*x+2], from[3*x+1], from[3*x], 0xff
				continue
			}
			v := uint32(order.Uint16(from[x*b.bits/8:]))
			if b.bits == 32 {
				v = order.Uint32(from[4*x:])
			}
			for i, m := range b.masks {
				to[i] = level(v, m, scale[i])
			}
			alpha |= to[3]
		}
	}
	if b.bits == 24 || b.masks[3] == 0 || alpha == 0 {
		// No alpha, or a byte that nobody filled in.
		for i := 3; i < len(img.Pix); i += 4 {
			img.Pix[i] = 0xff
		}
		if !b.icon && b.bits != 32 {
			return &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}, nil
		}
		return b.cutOut(img, rest)
	}
	return img, nil
}

// levels returns what each value of so many bits becomes of 255; of more than 8 bits, the
// upper 8 count.
func levels(n int) []byte {
	n = min(n, 8)
	table := make([]byte, 1<<n)
	for v := range table {
		if n > 0 {
			table[v] = byte((2*v*255 + 1<<n - 1) / (2 * (1<<n - 1)))
		}
	}
	return table
}

func level(v, mask uint32, scale []byte) byte {
	if mask == 0 {
		return 0
	}
	v = v & mask >> bits.TrailingZeros32(mask)
	if n := bits.OnesCount32(mask); n > 8 {
		v >>= n - 8
	}
	return scale[v]
}

// decodeRuns reads run lengths. Pixels that are skipped have the first colour.
func (b *Bitmap) decodeRuns() (image.Image, error) {
	if b.topDown {
		return nil, errors.New("bmp: run lengths from the top down")
	}
	img := image.NewPaletted(image.Rect(0, 0, b.Width, b.Height), b.palette)
	x, y := 0, b.Height-1
	put := func(v byte) error {
		if int(v) >= len(b.palette) {
			return errors.Errorf("bmp: a pixel of colour %d of a palette of %d", v, len(b.palette))
		}
		if x < b.Width && y >= 0 { // padding of runs is allowed to stand out
			img.Pix[y*img.Stride+x] = v
		}
		x++
		return nil
	}
	p := b.pixels
	for {
		if len(p) < 2 {
			if y < 0 || y == 0 && x >= b.Width {
				return img, nil // only the end mark is lacking
			}
			return nil, errors.New("bmp: the run lengths are cut off")
		}
		n, v := int(p[0]), p[1]
		p = p[2:]
		switch {
		case n > 0:
			for i := range n {
				if err := put(b.runPixel(v, i)); err != nil {
					return nil, err
				}
			}
		case v == 0:
			x, y = 0, y-1
		case v == 1:
			return img, nil
		case v == 2:
			if len(p) < 2 {
				return nil, errors.New("bmp: the run lengths are cut off")
			}
			x, y = x+int(p[0]), y-int(p[1])
			p = p[2:]
		default:
			n := int(v)
			size := n
			if b.compression == runLength4 {
				size = (n + 1) / 2
			}
			if len(p) < size {
				return nil, errors.New("bmp: the run lengths are cut off")
			}
			for i := range n {
				at := i
				if b.compression == runLength4 {
					at = i / 2
				}
				if err := put(b.runPixel(p[at], i)); err != nil {
					return nil, err
				}
			}
			p = p[min(size+size%2, len(p)):]
		}
	}
}

// runPixel is pixel i of a byte: of four bits, the upper half comes first.
func (b *Bitmap) runPixel(v byte, i int) byte {
	switch {
	case b.compression == runLength8:
		return v
	case i%2 == 0:
		return v >> 4
	}
	return v & 15
}

// cutOut makes transparent what the mask of an icon, which is in rest, says.
func (b *Bitmap) cutOut(img image.Image, rest []byte) (image.Image, error) {
	if !b.icon || len(rest) == 0 {
		return img, nil
	}
	row, _, err := b.rows(rest, 1)
	if err != nil {
		return nil, errors.WithMessage(err, "mask")
	}
	out := image.NewNRGBA(img.Bounds())
	for y := range b.Height {
		mask := row(y)
		for x := range b.Width {
			if mask[x/8]&(0x80>>(x%8)) == 0 {
				out.Set(x, y, img.At(x, y))
			}
		}
	}
	return out, nil
}
