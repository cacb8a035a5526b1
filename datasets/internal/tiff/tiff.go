// Package tiff reads the first picture of TIFF 6.0 and BigTIFF files: strips and tiles,
// chunky and planar, 1 to 64 bits, whole numbers and floating point; without compression
// or with CCITT, LZW, Deflate, PackBits or JPEG; grey, palette, RGB, CMYK and YCbCr.
//
// Adobe, "TIFF, Revision 6.0", 1992; "Adobe Photoshop TIFF Technical Notes", 2002; "TIFF
// Technical Note 2", 1995 (JPEG); "TIFF Technical Note 3", 2005 (floating-point predictor);
// https://libtiff.gitlab.io/libtiff/specification/bigtiff.html.
package tiff

import (
	"encoding/binary"
	"fmt"
	"math"
)

// FormatError says why a file is no valid TIFF.
type FormatError string

func (e FormatError) Error() string { return "tiff: " + string(e) }

// UnsupportedError names what of a valid file cannot be read.
type UnsupportedError string

func (e UnsupportedError) Error() string { return "tiff: unsupported: " + string(e) }

const (
	tagSubfileType     = 254
	tagWidth           = 256
	tagHeight          = 257
	tagBits            = 258
	tagCompression     = 259
	tagPhotometric     = 262
	tagFillOrder       = 266
	tagStripOffsets    = 273
	tagOrientation     = 274
	tagSamples         = 277
	tagRowsPerStrip    = 278
	tagStripCounts     = 279
	tagMaxSample       = 281
	tagPlanar          = 284
	tagT4Options       = 292
	tagPredictor       = 317
	tagColourMap       = 320
	tagTileWidth       = 322
	tagTileHeight      = 323
	tagTileOffsets     = 324
	tagTileCounts      = 325
	tagInkSet          = 332
	tagExtraSamples    = 338
	tagSampleFormat    = 339
	tagJPEGTables      = 347
	tagJPEGOffset      = 513
	tagJPEGLength      = 514
	tagYCbCrMatrix     = 529
	tagYCbCrSubsample  = 530
	tagReferenceLevels = 532
	tagProfile         = 34675
)

// entry is a field of the directory: its values lie in data.
type entry struct {
	kind  uint16
	count uint64
	data  []byte // of whole values, no longer than the file
}

// sizes of the types of values, by their number.
var sizes = map[uint16]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}

// File is a TIFF file whose first directory has been read.
type File struct {
	// Width and Height are of the picture as stored.
	Width, Height int

	data  []byte
	order binary.ByteOrder
	tags  map[uint16]entry
}

// Parse reads the directory of the first picture. It takes memory for no pixels.
func Parse(data []byte) (*File, error) {
	f := &File{data: data, tags: make(map[uint16]entry)}
	if err := f.directory(); err != nil {
		return nil, err
	}
	w, h := f.number(tagWidth, 0), f.number(tagHeight, 0)
	if w == 0 || h == 0 || w > math.MaxInt32 || h > math.MaxInt32 {
		return nil, FormatError(fmt.Sprintf("size %d×%d", w, h))
	}
	f.Width, f.Height = int(w), int(h)
	return f, nil
}

// directory fills in order and tags.
func (f *File) directory() error {
	if len(f.data) < 8 {
		return FormatError("the header is cut off")
	}
	switch string(f.data[:2]) {
	case "II":
		f.order = binary.LittleEndian
	case "MM":
		f.order = binary.BigEndian
	default:
		return FormatError("no TIFF header")
	}
	big := false
	at := uint64(f.order.Uint32(f.data[4:]))
	switch version := f.order.Uint16(f.data[2:]); version {
	case 42:
	case 43:
		if big = true; len(f.data) < 16 || f.order.Uint16(f.data[4:]) != 8 {
			return FormatError("damaged header of a BigTIFF")
		}
		at = f.order.Uint64(f.data[8:])
	default:
		return FormatError(fmt.Sprintf("version %d", version))
	}
	countSize, size, inline := uint64(2), uint64(12), uint64(4)
	if big {
		countSize, size, inline = 8, 20, 8
	}
	head, err := f.slice(at, countSize, "the directory")
	if err != nil {
		return err
	}
	n := f.offset(head)
	if n > uint64(len(f.data))/size {
		return FormatError("the directory is cut off")
	}
	entries, err := f.slice(at+countSize, n*size, "the directory")
	if err != nil {
		return err
	}
	for ; len(entries) > 0; entries = entries[size:] {
		f.enter(entries[:size], inline)
	}
	return nil
}

// enter notes a field. Fields that nobody asks for may be damaged, and so a field whose
// values lie outside of the file is as if it were absent.
func (f *File) enter(field []byte, inline uint64) {
	e := entry{kind: f.order.Uint16(field[2:]), count: f.offset(field[4 : 4+inline])}
	size := sizes[e.kind]
	if size == 0 || e.count > uint64(len(f.data))/size {
		return
	}
	value := field[4+inline:]
	if n := size * e.count; n <= inline {
		e.data = value[:n]
	} else {
		var err error
		if e.data, err = f.slice(f.offset(value), n, ""); err != nil {
			return
		}
	}
	tag := f.order.Uint16(field)
	if _, twice := f.tags[tag]; !twice {
		f.tags[tag] = e
	}
}

// offset reads a number of 2, 4 or 8 bytes.
func (f *File) offset(b []byte) uint64 {
	switch len(b) {
	case 2:
		return uint64(f.order.Uint16(b))
	case 4:
		return uint64(f.order.Uint32(b))
	}
	return f.order.Uint64(b)
}

// slice returns n bytes of the file.
func (f *File) slice(at, n uint64, what string) ([]byte, error) {
	if size := uint64(len(f.data)); at > size || n > size-at {
		return nil, FormatError(what + " is cut off")
	}
	return f.data[at : at+n], nil
}

// numbers returns the values of a field of whole numbers; nil if it is absent.
func (f *File) numbers(tag uint16) []uint64 {
	e, ok := f.tags[tag]
	if !ok {
		return nil
	}
	switch e.kind {
	case 1, 3, 4, 13, 16, 18:
	default:
		return nil
	}
	size := sizes[e.kind]
	values := make([]uint64, e.count)
	for i := range values {
		b := e.data[uint64(i)*size:][:size]
		if size == 1 {
			values[i] = uint64(b[0])
			continue
		}
		values[i] = f.offset(b)
	}
	return values
}

// number returns the first value of a field, or absent.
func (f *File) number(tag uint16, absent uint64) uint64 {
	e, ok := f.tags[tag]
	if !ok || e.count == 0 {
		return absent
	}
	e.count = 1
	one := File{order: f.order, tags: map[uint16]entry{tag: e}}
	if v := one.numbers(tag); v != nil {
		return v[0]
	}
	return absent
}

// fractions returns the values of a field of fractions, count of them, or nil.
func (f *File) fractions(tag uint16, count int) []float64 {
	e, ok := f.tags[tag]
	if !ok || e.kind != 5 || e.count < uint64(count) {
		return nil
	}
	values := make([]float64, count)
	for i := range values {
		over, under := f.order.Uint32(e.data[8*i:]), f.order.Uint32(e.data[8*i+4:])
		if under == 0 {
			return nil
		}
		values[i] = float64(over) / float64(under)
	}
	return values
}

// Orientation is 1 … 8 as of EXIF, and 1 where there is none or it makes no sense.
func (f *File) Orientation() int {
	e, ok := f.tags[tagOrientation]
	if !ok || e.kind != 3 {
		return 1
	}
	if v := f.number(tagOrientation, 1); v >= 1 && v <= 8 {
		return int(v)
	}
	return 1
}

// Profile is the colour profile (ICC), nil if there is none.
func (f *File) Profile() []byte { return f.tags[tagProfile].data }

// Announced is the largest sample that the file says it has; 0 if it does not say.
func (f *File) Announced() int { return int(min(f.number(tagMaxSample, 0), math.MaxInt32)) }

// SampleBits is the number of bits of a sample.
func (f *File) SampleBits() int { return int(min(f.number(tagBits, 1), 999)) }
