// Package netpbm reads the picture files of Netpbm, text and binary: PBM (P1, P4), PGM
// (P2, P5), PPM (P3, P6), PAM (P7), and PFM (Pf, PF), the same of floating point. Of
// several pictures in a file it reads the first.
//
// https://netpbm.sourceforge.net/doc/ (pbm, pgm, ppm, pam, pfm).
package netpbm

import (
	"bytes"
	"encoding/binary"
	"image"
	"math"
	"strconv"

	"github.com/pkg/errors"

	"medusa/datasets/internal/deep"
)

// Header is what stands before the pixels.
type Header struct {
	Width, Height int
	// Maxval is the value that means white; 0 where there is none (PFM).
	Maxval int

	kind     byte // '1' … '7', 'f', 'F'
	channels int
	alpha    bool
	little   bool // PFM: lowest byte first
	raster   []byte
}

// Match reports whether data starts as one of these files does: text that happens to
// start with P5 does not.
func Match(data []byte) bool {
	if len(data) < 4 || data[0] != 'P' || !isSpace(data[2]) {
		return false
	}
	rest := bytes.TrimLeft(data[2:], " \t\r\n\v\f")
	switch {
	case len(rest) == 0:
		return false
	case data[1] == '7':
		return rest[0] == '#' || bytes.HasPrefix(rest, []byte("WIDTH")) || bytes.HasPrefix(rest, []byte("HEIGHT")) ||
			bytes.HasPrefix(rest, []byte("DEPTH")) || bytes.HasPrefix(rest, []byte("MAXVAL")) || bytes.HasPrefix(rest, []byte("TUPLTYPE"))
	case data[1] >= '1' && data[1] <= '6', data[1] == 'f', data[1] == 'F':
		return rest[0] == '#' || rest[0] >= '0' && rest[0] <= '9'
	}
	return false
}

func isSpace(b byte) bool { return b == ' ' || b >= '\t' && b <= '\r' }

// Parse reads the header.
func Parse(data []byte) (*Header, error) {
	if !Match(data) {
		return nil, errors.New("netpbm: no header")
	}
	h := &Header{kind: data[1], channels: 1, Maxval: 1}
	s := &scanner{data[2:]}
	var err error
	if h.kind == '7' {
		err = h.parsePAM(s)
	} else {
		err = h.parse(s)
	}
	if err != nil {
		return nil, err
	}
	if h.Width < 1 || h.Height < 1 {
		return nil, errors.Errorf("netpbm: size %d×%d", h.Width, h.Height)
	}
	if h.isFloat() {
		h.Maxval = 0
	} else if h.Maxval < 1 || h.Maxval > 65535 {
		return nil, errors.Errorf("netpbm: largest value %d, want 1 … 65535", h.Maxval)
	}
	h.raster = s.rest
	return h, nil
}

func (h *Header) isFloat() bool { return h.kind == 'f' || h.kind == 'F' }

func (h *Header) parse(s *scanner) (err error) {
	if h.Width, err = s.number("width"); err != nil {
		return err
	}
	if h.Height, err = s.number("height"); err != nil {
		return err
	}
	switch h.kind {
	case '3', '6', 'F':
		h.channels = 3
	}
	switch h.kind {
	case '1', '4':
	case 'f', 'F':
		scale, err := strconv.ParseFloat(string(s.token()), 64)
		if err != nil || scale == 0 || scale-scale != 0 {
			return errors.New("netpbm: the scale is no number other than 0")
		}
		h.little = scale < 0
	default:
		if h.Maxval, err = s.number("largest value"); err != nil {
			return err
		}
	}
	return s.separator()
}

// parsePAM reads lines of a word and its value.
func (h *Header) parsePAM(s *scanner) error {
	depth := 0
	var kind string
	for {
		word := string(s.token())
		var err error
		switch word {
		case "WIDTH":
			h.Width, err = s.number("WIDTH")
		case "HEIGHT":
			h.Height, err = s.number("HEIGHT")
		case "DEPTH":
			depth, err = s.number("DEPTH")
		case "MAXVAL":
			h.Maxval, err = s.number("MAXVAL")
		case "TUPLTYPE":
			kind = string(s.token())
		case "ENDHDR":
			return h.channelsOf(depth, kind, s)
		case "":
			return errors.New("netpbm: the header is cut off before ENDHDR")
		default:
			return errors.Errorf("netpbm: header line %.20q", word)
		}
		if err != nil {
			return err
		}
	}
}

func (h *Header) channelsOf(depth int, kind string, s *scanner) error {
	switch {
	case depth == 1 || depth == 3:
		h.channels = depth
	case depth == 2 || depth == 4:
		h.channels, h.alpha = depth-1, true
	default:
		return errors.Errorf("netpbm: DEPTH %d (%.20q), want 1 … 4", depth, kind)
	}
	return s.separator()
}

// scanner reads words of the header and numbers of text.
type scanner struct{ rest []byte }

// skip goes on to the next word, behind blanks and comments.
func (s *scanner) skip() {
	for len(s.rest) > 0 {
		switch {
		case isSpace(s.rest[0]):
			s.rest = s.rest[1:]
		case s.rest[0] == '#':
			end := bytes.IndexAny(s.rest, "\r\n")
			if end < 0 {
				end = len(s.rest)
			}
			s.rest = s.rest[end:]
		default:
			return
		}
	}
}

// token returns the next word; none at the end.
func (s *scanner) token() []byte {
	s.skip()
	end := 0
	for end < len(s.rest) && !isSpace(s.rest[end]) && s.rest[end] != '#' {
		end++
	}
	word := s.rest[:end]
	s.rest = s.rest[end:]
	return word
}

func (s *scanner) number(what string) (int, error) {
	word := s.token()
	if len(word) == 0 {
		return 0, errors.Errorf("netpbm: the file is cut off before the %s", what)
	}
	n := 0
	for _, b := range word {
		if b < '0' || b > '9' || n > math.MaxInt32/10-1 {
			return 0, errors.Errorf("netpbm: the %s is %.20q, want a number", what, word)
		}
		n = n*10 + int(b-'0')
	}
	return n, nil
}

// separator takes the one blank between header and pixels; a comment may stand before it.
func (s *scanner) separator() error {
	if len(s.rest) > 0 && s.rest[0] == '#' {
		s.rest = s.rest[max(bytes.IndexByte(s.rest, '\n'), 0):]
	}
	if len(s.rest) == 0 || !isSpace(s.rest[0]) {
		return errors.New("netpbm: the file is cut off behind its header")
	}
	s.rest = s.rest[1:]
	return nil
}

// Decode reads the pixels: *image.Gray or RGBA up to a largest value of 255, Gray16 or
// RGBA64 above it, NRGBA or NRGBA64 with alpha, *deep.Image of PFM. Values are scaled so
// that Maxval is white.
func (h *Header) Decode() (image.Image, error) {
	samples := h.channels
	if h.alpha {
		samples++
	}
	// A sample of text takes a digit, and a blank but in P1.
	least := uint64(h.Width) * uint64(h.Height) * uint64(samples)
	switch {
	case h.kind == '2' || h.kind == '3':
		least = 2*least - 1
	case h.kind == '4':
		least = uint64((h.Width+7)/8) * uint64(h.Height)
	case h.isFloat():
		least *= 4
	case h.Maxval > 255:
		least *= 2
	}
	if uint64(len(h.raster)) < least {
		return nil, errors.Errorf("netpbm: %d bytes of pixels, want %d", len(h.raster), least)
	}
	switch h.kind {
	case '4':
		return h.decodeBits(), nil
	case 'f', 'F':
		return h.decodeFloats(), nil
	}
	c := h.newCanvas(samples)
	if err := c.fill(h, samples); err != nil {
		return nil, err
	}
	return c.img, nil
}

// decodeBits reads packed rows; 1 is black.
func (h *Header) decodeBits() image.Image {
	img := image.NewGray(image.Rect(0, 0, h.Width, h.Height))
	row := (h.Width + 7) / 8
	for y := range h.Height {
		for x := range h.Width {
			if h.raster[y*row+x/8]&(0x80>>(x%8)) == 0 {
				img.Pix[y*img.Stride+x] = 255
			}
		}
	}
	return img
}

// decodeFloats reads rows from the lowest to the highest.
func (h *Header) decodeFloats() image.Image {
	m := &deep.Image{Channels: h.channels, Size: image.Pt(h.Width, h.Height), Full: [2]float64{0, 1}}
	m.Pix = make([]float32, h.Width*h.Height*h.channels)
	order := binary.ByteOrder(binary.BigEndian)
	if h.little {
		order = binary.LittleEndian
	}
	row := h.Width * h.channels
	for y := range h.Height {
		to := m.Pix[(h.Height-1-y)*row:][:row]
		for i := range to {
			to[i] = math.Float32frombits(order.Uint32(h.raster[4*(y*row+i):]))
		}
	}
	return m
}

// canvas is the picture that is being filled.
type canvas struct {
	img    image.Image
	pix    []byte
	wide   bool // two bytes a sample
	stride int  // samples a pixel
	filler bool // the fourth sample is not in the file: opaque
}

func (h *Header) newCanvas(samples int) *canvas {
	bounds := image.Rect(0, 0, h.Width, h.Height)
	c := &canvas{wide: h.Maxval > 255, stride: 4, filler: !h.alpha}
	switch {
	case samples == 1 && c.wide:
		m := image.NewGray16(bounds)
		c.img, c.pix, c.stride = m, m.Pix, 1
	case samples == 1:
		m := image.NewGray(bounds)
		c.img, c.pix, c.stride = m, m.Pix, 1
	case h.alpha && c.wide:
		m := image.NewNRGBA64(bounds)
		c.img, c.pix = m, m.Pix
	case h.alpha:
		m := image.NewNRGBA(bounds)
		c.img, c.pix = m, m.Pix
	case c.wide:
		m := image.NewRGBA64(bounds)
		c.img, c.pix = m, m.Pix
	default:
		m := image.NewRGBA(bounds)
		c.img, c.pix = m, m.Pix
	}
	return c
}

// fill reads all samples.
func (c *canvas) fill(h *Header, samples int) error {
	scaled := h.scale()
	text := scanner{h.raster}
	n := h.Width * h.Height
	if h.kind >= '5' && h.Maxval == 255 {
		c.fillBytes(h.raster, samples)
		return nil
	}
	var pixel [4]uint32
	for i := range n {
		for s := range samples {
			v, err := h.sample(&text, i*samples+s)
			if err != nil {
				return err
			}
			if v > h.Maxval {
				return errors.Errorf("netpbm: a value of %d, the header says at most %d", v, h.Maxval)
			}
			pixel[s] = uint32(scaled[v])
		}
		if c.stride == 4 {
			spread(&pixel, samples, c.filler)
		}
		c.put(i, &pixel)
	}
	return nil
}

// fillBytes is fill for bytes that are what they become.
func (c *canvas) fillBytes(raster []byte, samples int) {
	switch {
	case c.stride == samples:
		copy(c.pix, raster)
	case samples == 3:
		for to := c.pix; len(to) >= 4; to, raster = to[4:], raster[3:] {
			to[0], to[1], to[2], to[3] = raster[0], raster[1], raster[2], 0xff
		}
	default: // grey and alpha
		for to := c.pix; len(to) >= 4; to, raster = to[4:], raster[2:] {
			to[0], to[1], to[2], to[3] = raster[0], raster[0], raster[0], raster[1]
		}
	}
}

// scale returns what each value becomes: Maxval 255, or 65535.
func (h *Header) scale() []uint16 {
	white := 255
	if h.Maxval > 255 {
		white = 65535
	}
	table := make([]uint16, h.Maxval+1)
	for v := range table {
		table[v] = uint16((2*v*white + h.Maxval) / (2 * h.Maxval))
	}
	if h.kind == '1' {
		table[0], table[1] = 255, 0
	}
	return table
}

// sample reads sample i, which is the next one of text.
func (h *Header) sample(text *scanner, i int) (int, error) {
	switch {
	case h.kind == '1':
		return text.bit()
	case h.kind == '2' || h.kind == '3':
		return text.number("last pixel")
	case h.Maxval > 255:
		return int(h.raster[2*i])<<8 | int(h.raster[2*i+1]), nil
	}
	return int(h.raster[i]), nil
}

// bit reads a digit of P1, which needs no blank behind it.
func (s *scanner) bit() (int, error) {
	s.skip()
	if len(s.rest) == 0 {
		return 0, errors.New("netpbm: the file is cut off before the last pixel")
	}
	digit := s.rest[0]
	s.rest = s.rest[1:]
	if digit != '0' && digit != '1' {
		return 0, errors.Errorf("netpbm: a pixel is %q, want 0 or 1", digit)
	}
	return int(digit - '0'), nil
}

// spread makes RGB and alpha of the samples of a pixel.
func spread(p *[4]uint32, samples int, filler bool) {
	if samples == 2 {
		p[3] = p[1]
	}
	if samples < 3 {
		p[1], p[2] = p[0], p[0]
	}
	if filler {
		p[3] = 0xffff
	}
}

func (c *canvas) put(i int, pixel *[4]uint32) {
	for s := range c.stride {
		v := pixel[s]
		if c.wide {
			at := 2 * (i*c.stride + s)
			c.pix[at], c.pix[at+1] = byte(v>>8), byte(v)
			continue
		}
		c.pix[i*c.stride+s] = byte(v)
	}
}
