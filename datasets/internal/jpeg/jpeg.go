// Package jpeg decodes JPEG files to the pixels that Go's image/jpeg makes of them, in a quarter
// of the time where the processor has AVX2, and progressive ones in two thirds. It reads regular
// files of all kinds that image/jpeg reads: sequential and progressive, grey, YCbCr, RGB and
// CMYK, with restart markers and any subsampling. As soon as anything about a file is odd, it
// gives up and image/jpeg decides what the file is worth.
//
// ITU-T Recommendation T.81, 1992.
package jpeg

import (
	"bytes"
	"image"
	"image/jpeg"
)

// Decode returns the picture in a file, or image/jpeg's error.
func Decode(data []byte) (image.Image, error) {
	if img, _ := decodeRegular(data); img != nil {
		return img, nil
	}
	return jpeg.Decode(bytes.NewReader(data))
}

const (
	startOfFrame       = 0xc0 // baseline; +1: extended, +2: progressive
	huffmanTables      = 0xc4
	firstRestart       = 0xd0
	startOfImage       = 0xd8
	endOfImage         = 0xd9
	startOfScan        = 0xda
	quantisationTables = 0xdb
	restartInterval    = 0xdd
	app0, app15        = 0xe0, 0xef
	app14              = 0xee
	comment            = 0xfe
)

// block is 8×8 coefficients, column by column: so the transform of rows, which comes first, can
// work on eight rows side by side.
type block [64]int32

// component is one channel.
type component struct {
	id           byte
	h, v         int // blocks in a minimum coded unit
	quantisation int
	coefficients []block // of a progressive file, and of its padding

	pix    []byte // where it is decoded to, with its padding
	stride int
}

type decoder struct {
	file          []byte
	at            int // what is read next, or the marker at which bits ends
	bits          bitReader
	segment       []byte // room for the data of bits
	width, height int
	across, down  int // minimum coded units
	isBaseline    bool
	isProgressive bool
	components    []component
	quantisation  [4][64]int32 // in zigzag order
	tables        [2][4]huffman
	interval      int // minimum coded units between restart markers, 0: none
	isJFIF        bool
	isAdobe       bool
	transform     byte // of Adobe's marker

	grey   *image.Gray
	colour *image.YCbCr
}

// Size returns the size that the header of a file says, whatever comes behind it; where there is
// no regular header, what image/jpeg says.
func Size(data []byte) (image.Point, error) {
	d := decoder{file: data}
	for ok := d.start(); ok; {
		var marker byte
		var body []byte
		if marker, body, ok = d.next(); ok && isFrame(marker) && d.frame(body, marker) {
			return image.Pt(d.width, d.height), nil
		}
		ok = ok && !isFrame(marker) && marker != endOfImage && marker != startOfScan
	}
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	return image.Pt(c.Width, c.Height), err
}

// decodeRegular returns nil where image/jpeg is to decide, and what it has learned of the file.
func decodeRegular(data []byte) (image.Image, *decoder) {
	d := &decoder{file: data}
	for ok := d.start(); ok; {
		var marker byte
		var body []byte
		if marker, body, ok = d.next(); !ok {
			break
		}
		switch {
		case marker == endOfImage:
			return d.finish(), d
		case isFrame(marker):
			ok = d.frame(body, marker)
		case marker == huffmanTables:
			ok = d.readTables(body)
		case marker == quantisationTables:
			ok = d.readQuantisation(body)
		case marker == restartInterval:
			if ok = len(body) == 2; ok {
				d.interval = int(body[0])<<8 | int(body[1])
			}
		case marker == startOfScan:
			ok = d.scan(body)
		case marker == app0 && len(body) >= 5:
			d.isJFIF = string(body[:5]) == "JFIF\x00"
		case marker == app14 && len(body) >= 12 && string(body[:5]) == "Adobe":
			d.isAdobe, d.transform = true, body[11]
		case marker >= app0 && marker <= app15, marker == comment:
		default:
			ok = false
		}
	}
	return nil, d
}

// isFrame reports whether a marker begins a frame of a kind that is read here.
func isFrame(marker byte) bool { return marker >= startOfFrame && marker <= startOfFrame+2 }

// start reports whether a picture begins, and goes behind the marker that says so.
func (d *decoder) start() bool {
	d.at = 2
	return len(d.file) >= 4 && d.file[0] == 0xff && d.file[1] == startOfImage
}

// next returns the next marker and what belongs to it; ok is false if there is none such.
func (d *decoder) next() (marker byte, body []byte, ok bool) {
	rest := d.file[d.at:]
	if len(rest) < 2 || rest[0] != 0xff {
		return 0, nil, false
	}
	marker, rest = rest[1], rest[2:]
	d.at += 2
	if marker == endOfImage {
		return marker, nil, true
	}
	if len(rest) < 2 {
		return 0, nil, false
	}
	n := int(rest[0])<<8 | int(rest[1])
	if n < 2 || n > len(rest) {
		return 0, nil, false
	}
	d.at += n
	return marker, rest[2:n], true
}

// frame reads size and components, once.
func (d *decoder) frame(body []byte, marker byte) bool {
	if d.components != nil || len(body) < 6 || body[0] != 8 {
		return false
	}
	n := int(body[5])
	if n != 1 && n != 3 && n != 4 || len(body) != 6+3*n {
		return false
	}
	d.isBaseline, d.isProgressive = marker == startOfFrame, marker == startOfFrame+2
	d.height, d.width = int(body[1])<<8|int(body[2]), int(body[3])<<8|int(body[4])
	if d.width == 0 || d.height == 0 {
		return false
	}
	d.components = make([]component, n)
	for i := range d.components {
		of := body[6+3*i:]
		c := component{id: of[0], h: int(of[1] >> 4), v: int(of[1] & 15), quantisation: int(of[2])}
		if c.quantisation > 3 {
			return false
		}
		for _, other := range d.components[:i] {
			if other.id == c.id {
				return false
			}
		}
		if n == 1 { // the factors of one component mean nothing
			c.h, c.v = 1, 1
		}
		d.components[i] = c
	}
	return d.usualFactors()
}

// ratios are the kinds of subsampling, by how many times Y has the samples of Cb across and
// down.
var ratios = map[[2]int]image.YCbCrSubsampleRatio{
	{1, 1}: image.YCbCrSubsampleRatio444, {1, 2}: image.YCbCrSubsampleRatio440, {2, 1}: image.YCbCrSubsampleRatio422,
	{2, 2}: image.YCbCrSubsampleRatio420, {4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
}

// usualFactors refuses subsampling that nobody uses, and counts the units.
func (d *decoder) usualFactors() bool {
	first := &d.components[0]
	if _, usual := ratios[[2]int{first.h, first.v}]; !usual {
		return false
	}
	for i, c := range d.components[1:] {
		black := i == 2
		if !black && (c.h != 1 || c.v != 1) || black && (c.h != first.h || c.v != first.v || first.h != first.v) {
			return false
		}
	}
	d.across, d.down = (d.width+8*first.h-1)/(8*first.h), (d.height+8*first.v-1)/(8*first.v)
	return true
}

// allocate makes the picture, which has room for whole units.
func (d *decoder) allocate() {
	first := &d.components[0]
	padded, size := image.Rect(0, 0, 8*first.h*d.across, 8*first.v*d.down), image.Rect(0, 0, d.width, d.height)
	if len(d.components) == 1 {
		m := image.NewGray(padded)
		first.pix, first.stride = m.Pix, m.Stride
		d.grey = m.SubImage(size).(*image.Gray)
		return
	}
	m := image.NewYCbCr(padded, ratios[[2]int{first.h, first.v}])
	first.pix, first.stride = m.Y, m.YStride
	d.components[1].pix, d.components[1].stride = m.Cb, m.CStride
	d.components[2].pix, d.components[2].stride = m.Cr, m.CStride
	if len(d.components) == 4 {
		d.components[3].pix, d.components[3].stride = make([]byte, len(m.Y)), m.YStride
	}
	d.colour = m.SubImage(size).(*image.YCbCr)
}

func (d *decoder) readQuantisation(body []byte) bool {
	for len(body) > 0 {
		wide, to := body[0]>>4, body[0]&15
		if wide > 1 || to > 3 {
			return false
		}
		size := 64 << wide
		if body = body[1:]; len(body) < size {
			return false
		}
		for i := range 64 {
			if wide == 0 {
				d.quantisation[to][i] = int32(body[i])
			} else {
				d.quantisation[to][i] = int32(body[2*i])<<8 | int32(body[2*i+1])
			}
		}
		body = body[size:]
	}
	return true
}

// finish returns the picture in the form in which image/jpeg does; nil if there was no scan.
func (d *decoder) finish() image.Image {
	if d.bits.data == nil {
		return nil
	}
	if d.isProgressive {
		d.reconstruct()
	}
	switch len(d.components) {
	case 1:
		return d.grey
	case 3:
		if d.isRGB() {
			return d.rgb()
		}
		return d.colour
	}
	if !d.isAdobe {
		return nil
	}
	return d.inks()
}
