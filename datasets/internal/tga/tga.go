// Package tga reads Truevision's TGA files: palette, grey and colour, with and without
// run lengths.
//
// Truevision, "TGA File Format Specification", version 2.0, 1991.
package tga

import (
	"encoding/binary"
	"fmt"
	"image"
	"image/color"

	"github.com/pkg/errors"
)

// UnsupportedError names what of a valid file cannot be read.
type UnsupportedError string

func (e UnsupportedError) Error() string { return "tga: unsupported: " + string(e) }

const (
	headerSize = 18
	signature  = "TRUEVISION-XFILE.\x00"

	mapped    = 1
	trueColor = 2
	grey      = 3
	packed    = 8 // added to one of these
)

// HasFooter reports whether data ends as a file of version 2 does. Older files have
// nothing by which they can be told from others.
func HasFooter(data []byte) bool {
	return len(data) > headerSize+26 && string(data[len(data)-len(signature):]) == signature
}

// Plausible reports whether data starts with a header that makes sense.
func Plausible(data []byte) bool {
	h, err := parse(data)
	return err == nil && h.checkKind() == nil
}

// Header is what stands before the pixels.
type Header struct {
	Width, Height int

	kind       byte
	isPacked   bool
	depth      int
	alphaBits  int
	noAlpha    bool // the file says that there is none
	multiplied bool // colours are multiplied by alpha
	rightLeft  bool
	topDown    bool
	mapFirst   int
	mapLength  int
	mapDepth   int
	data       []byte // from the palette on
}

// Parse reads the header and, of version 2, what the file says of alpha.
func Parse(data []byte) (*Header, error) {
	h, err := parse(data)
	if err != nil {
		return nil, err
	}
	if err := h.checkKind(); err != nil {
		return nil, err
	}
	if HasFooter(data) {
		h.readAttributes(data)
	}
	return h, nil
}

func parse(data []byte) (*Header, error) {
	if len(data) < headerSize {
		return nil, errors.New("tga: the header is cut off")
	}
	u16 := func(at int) int { return int(binary.LittleEndian.Uint16(data[at:])) }
	h := &Header{
		Width: u16(12), Height: u16(14), kind: data[2] &^ packed, isPacked: data[2]&packed != 0,
		depth: int(data[16]), alphaBits: int(data[17] & 15), rightLeft: data[17]&16 != 0, topDown: data[17]&32 != 0,
	}
	if data[1] == 1 {
		h.mapFirst, h.mapLength, h.mapDepth = u16(3), u16(5), int(data[7])
	}
	if data[1] > 1 || data[17]&0xc0 != 0 || data[2] > 11 || h.kind == mapped && data[1] == 0 {
		return nil, errors.New("tga: the header makes no sense")
	}
	if h.Width == 0 || h.Height == 0 {
		return nil, errors.Errorf("tga: size %d×%d", h.Width, h.Height)
	}
	if h.data = data[headerSize:]; len(h.data) < int(data[0]) {
		return nil, errors.New("tga: the file is cut off")
	}
	h.data = h.data[data[0]:]
	return h, nil
}

func (h *Header) checkKind() error {
	ok := false
	switch h.kind {
	case mapped:
		m := h.mapDepth
		ok = h.depth == 8 && (m == 15 || m == 16 || m == 24 || m == 32)
	case trueColor:
		ok = h.depth == 15 || h.depth == 16 || h.depth == 24 || h.depth == 32
	case grey:
		ok = h.depth == 8 || h.depth == 16
	}
	if !ok {
		return UnsupportedError(fmt.Sprintf("kind %d of %d bits, palette of %d bits", h.kind, h.depth, h.mapDepth))
	}
	return nil
}

// readAttributes looks the kind of alpha up in the extension area.
func (h *Header) readAttributes(data []byte) {
	const size, attributes = 495, 494
	at := uint64(binary.LittleEndian.Uint32(data[len(data)-26:]))
	if at == 0 || at+size > uint64(len(data)) || binary.LittleEndian.Uint16(data[at:]) < size {
		return
	}
	switch data[at+attributes] {
	case 0, 1, 2:
		h.noAlpha = true
	case 4:
		h.multiplied = true
	}
}

// Decode reads the pixels: *image.Gray, *image.Paletted, *image.RGBA, or NRGBA with alpha.
func (h *Header) Decode() (image.Image, error) {
	rest := h.data
	size := h.mapLength * ((h.mapDepth + 7) / 8)
	if len(rest) < size {
		return nil, errors.New("tga: the palette is cut off")
	}
	table, rest := rest[:size], rest[size:]
	bytesEach := (h.depth + 7) / 8
	n := h.Width * h.Height
	pixels, err := h.unpack(rest, n, bytesEach)
	if err != nil {
		return nil, err
	}
	switch h.kind {
	case mapped:
		return h.paletted(table, pixels)
	case grey:
		return h.grey(pixels, bytesEach), nil
	}
	return h.coloured(pixels, bytesEach), nil
}

// unpack returns n pixels of so many bytes.
func (h *Header) unpack(b []byte, n, each int) ([]byte, error) {
	if !h.isPacked {
		if len(b) < n*each {
			return nil, errors.Errorf("tga: %d bytes of pixels, want %d", len(b), n*each)
		}
		return b[:n*each], nil
	}
	const longest = 128 // pixels of a run, of 1 + each bytes
	if (len(b)/(1+each)+1)*longest < n {
		return nil, errors.Errorf("tga: %d bytes of run lengths for %d pixels", len(b), n)
	}
	out := make([]byte, 0, n*each)
	for len(out) < n*each {
		if len(b) < 1 {
			return nil, errors.New("tga: the run lengths are cut off")
		}
		count := min(int(b[0]&127)+1, n-len(out)/each)
		isRun := b[0]&128 != 0
		b = b[1:]
		want := count * each
		if isRun {
			want = each
		}
		if len(b) < want {
			return nil, errors.New("tga: the run lengths are cut off")
		}
		if !isRun {
			out = append(out, b[:want]...)
		} else {
			for range count {
				out = append(out, b[:each]...)
			}
		}
		b = b[want:]
	}
	return out, nil
}

// at is the place of stored pixel i, from the upper left on.
func (h *Header) at(i int) int {
	x, y := i%h.Width, i/h.Width
	if h.rightLeft {
		x = h.Width - 1 - x
	}
	if !h.topDown {
		y = h.Height - 1 - y
	}
	return y*h.Width + x
}

func (h *Header) bounds() image.Rectangle { return image.Rect(0, 0, h.Width, h.Height) }

func (h *Header) grey(pixels []byte, each int) image.Image {
	if each == 1 {
		img := image.NewGray(h.bounds())
		for i, v := range pixels {
			img.Pix[h.at(i)] = v
		}
		return img
	}
	img := image.NewNRGBA(h.bounds()) // grey and alpha
	for i := range len(pixels) / 2 {
		p := img.Pix[4*h.at(i):]
		v := pixels[2*i]
		p[0], p[1], p[2], p[3] = v, v, v, pixels[2*i+1]
	}
	return h.settleAlpha(img, true)
}

func (h *Header) paletted(table, pixels []byte) (image.Image, error) {
	each := (h.mapDepth + 7) / 8
	p := make(color.Palette, min(h.mapLength, 256))
	for i := range p {
		c := colour(table[i*each:], h.mapDepth)
		if h.mapDepth != 32 || h.noAlpha {
			c[3] = 0xff
		}
		p[i] = color.NRGBA{c[0], c[1], c[2], c[3]}
	}
	img := image.NewPaletted(h.bounds(), p)
	for i, v := range pixels {
		place := int(v) - h.mapFirst
		if place < 0 || place >= len(p) {
			return nil, errors.Errorf("tga: a pixel of colour %d of a palette of %d from %d on", v, len(p), h.mapFirst)
		}
		img.Pix[h.at(i)] = byte(place)
	}
	return img, nil
}

func (h *Header) coloured(pixels []byte, each int) image.Image {
	img := image.NewNRGBA(h.bounds())
	for y := range h.Height {
		from := pixels[y*h.Width*each:][:h.Width*each]
		first, step := 4*h.at(y*h.Width), 4
		if h.rightLeft {
			step = -4
		}
		for ; len(from) >= each; from, first = from[each:], first+step {
			to := img.Pix[first : first+4 : first+4]
			if each == 2 {
				*(*[4]byte)(to) = colour(from, h.depth)
				continue
			}
			to[0], to[1], to[2], to[3] = from[2], from[1], from[0], 0xff
			if each == 4 {
				to[3] = from[3]
			}
		}
	}
	return h.settleAlpha(img, h.alphaBits > 0)
}

// settleAlpha makes the picture opaque that has no alpha, or one that nobody filled in.
func (h *Header) settleAlpha(img *image.NRGBA, has bool) image.Image {
	if has && !h.noAlpha {
		for i := 3; i < len(img.Pix); i += 4 {
			if img.Pix[i] == 0 {
				continue
			}
			if h.multiplied {
				return multiplied(img)
			}
			return img
		}
	}
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 0xff
	}
	return &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
}

// multiplied takes colours as multiplied by alpha, within which they must stay.
func multiplied(img *image.NRGBA) image.Image {
	for p := img.Pix; len(p) >= 4; p = p[4:] {
		for c := range 3 {
			p[c] = min(p[c], p[3])
		}
	}
	return &image.RGBA{Pix: img.Pix, Stride: img.Stride, Rect: img.Rect}
}

// colour reads red, green, blue and alpha.
func colour(b []byte, depth int) [4]byte {
	switch depth {
	case 24:
		return [4]byte{b[2], b[1], b[0], 0xff}
	case 32:
		return [4]byte{b[2], b[1], b[0], b[3]}
	}
	v := int(b[0]) | int(b[1])<<8
	five := func(v int) byte { return byte((v&31*255 + 15) / 31) }
	return [4]byte{five(v >> 10), five(v >> 5), five(v), byte(v >> 15 * 255)}
}
