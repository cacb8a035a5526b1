package tiff

import (
	"fmt"
	"image"
)

// The values of the fields that are told apart.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	palette     = 3
	cmyk        = 5
	yCbCr       = 6

	plain      = 1
	huffman    = 2
	group3     = 3
	group4     = 4
	lempelZiv  = 5
	oldJPEG    = 6
	jpegInside = 7
	deflate    = 8
	packBits   = 32773
	deflateOld = 32946

	unsigned = 1
	signed   = 2
	floating = 3

	associated   = 1 // an extra sample that is alpha, colours multiplied by it
	unassociated = 2
)

// layout is how the pixels are stored.
type layout struct {
	photometric, compression, predictor int
	samples, bits, format               int
	planar                              bool
	colours                             int // samples that are colour
	alpha                               int // associated, unassociated, or 0

	tiled                  bool
	chunk                  image.Point // size of a strip or tile
	across, down           int
	offsets, lengths       []uint64
	subsampleX, subsampleY int // of YCbCr that is not in JPEG
}

var photometrics = map[uint64]string{4: "transparency mask", 8: "CIE Lab", 9: "ICC Lab", 10: "ITU Lab",
	32803: "colour filter array of a raw photograph", 32844: "LogL", 32845: "LogLuv", 34892: "linear raw photograph"}

var compressions = map[uint64]string{32766: "NeXT", 32771: "CCITT of words", 32809: "ThunderScan", 34661: "JBIG",
	34676: "SGI Log", 34712: "JPEG 2000", 33003: "JPEG 2000", 33005: "JPEG 2000", 34925: "LZMA", 34887: "LERC",
	50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL", 34892: "lossy JPEG of DNG"}

func name(of map[uint64]string, v uint64) string {
	if n := of[v]; n != "" {
		return n
	}
	return fmt.Sprint(v)
}

// layout reads how the pixels are stored, or says why they cannot be read.
func (f *File) layout() (l layout, err error) {
	if err := f.encoding(&l); err != nil {
		return l, err
	}
	if err := f.samples(&l); err != nil {
		return l, err
	}
	return l, f.chunks(&l)
}

// encoding reads what colours and compression are.
func (f *File) encoding(l *layout) error {
	c := f.number(tagCompression, plain)
	switch c {
	case plain, huffman, group3, group4, lempelZiv, oldJPEG, jpegInside, deflate, packBits, deflateOld:
	case 0:
		c = plain // some writers mean none
	default:
		return UnsupportedError("compression: " + name(compressions, c))
	}
	absent := uint64(blackIsZero)
	if c == huffman || c == group3 || c == group4 {
		absent = whiteIsZero
	}
	p := f.number(tagPhotometric, absent)
	switch p {
	case whiteIsZero, blackIsZero, rgb, palette, cmyk, yCbCr:
	default:
		return UnsupportedError("colours: " + name(photometrics, p))
	}
	if p == cmyk && f.number(tagInkSet, 1) != 1 {
		return UnsupportedError("inks that are not cyan, magenta, yellow and black")
	}
	predictor := f.number(tagPredictor, 1)
	if predictor < 1 || predictor > 3 {
		return UnsupportedError(fmt.Sprintf("predictor %d", predictor))
	}
	l.compression, l.photometric, l.predictor = int(c), int(p), int(predictor)
	if f.number(tagPlanar, 1) == 2 {
		l.planar = true
	}
	return nil
}

// colourSamples is how many samples a pixel has beside alpha and others.
var colourSamples = map[int]int{whiteIsZero: 1, blackIsZero: 1, palette: 1, rgb: 3, yCbCr: 3, cmyk: 4}

// samples reads what a pixel consists of.
func (f *File) samples(l *layout) error {
	bits := f.numbers(tagBits)
	if len(bits) == 0 {
		bits = []uint64{1}
	}
	l.colours = colourSamples[l.photometric]
	samples := f.number(tagSamples, uint64(len(bits)))
	const most = 16
	if samples < uint64(l.colours) || samples == 0 {
		return FormatError(fmt.Sprintf("%d samples a pixel, want %d", samples, l.colours))
	}
	if samples > most {
		return UnsupportedError(fmt.Sprintf("%d samples a pixel", samples))
	}
	l.samples = int(samples)
	if l.samples == 1 {
		l.planar = false
	}
	for _, b := range bits[:min(len(bits), l.samples)] {
		if b != bits[0] {
			return UnsupportedError(fmt.Sprintf("samples of %d bits in one pixel", bits))
		}
	}
	l.format = unsigned
	if formats := f.numbers(tagSampleFormat); len(formats) > 0 {
		for _, v := range formats[:min(len(formats), l.samples)] {
			if v != formats[0] {
				return UnsupportedError("samples of several formats in one pixel")
			}
		}
		if l.format = int(min(formats[0], 99)); l.format == 4 || l.format == 0 { // "undefined"
			l.format = unsigned
		}
	}
	l.bits = int(min(bits[0], 999))
	if err := l.checkBits(); err != nil {
		return err
	}
	if extra := f.numbers(tagExtraSamples); len(extra) > 0 && l.samples > l.colours {
		if e := extra[0]; e == associated || e == unassociated {
			l.alpha = int(e)
		}
	}
	return nil
}

// checkBits refuses samples that are not read.
func (l *layout) checkBits() error {
	ok := false
	switch l.format {
	case unsigned:
		ok = l.bits >= 1 && l.bits <= 16 || l.bits == 32
	case signed:
		ok = l.bits == 8 || l.bits == 16 || l.bits == 32
	case floating:
		ok = l.bits == 16 || l.bits == 32 || l.bits == 64
	}
	if l.bits == 0 {
		return FormatError("samples of 0 bits")
	}
	if !ok {
		return UnsupportedError(fmt.Sprintf("samples of %d bits and format %d", l.bits, l.format))
	}
	numeric := l.photometric == whiteIsZero || l.photometric == blackIsZero || l.photometric == rgb
	switch {
	case l.isFloat() && !numeric:
		return UnsupportedError(fmt.Sprintf("samples of %d bits and format %d in a picture that is neither grey nor RGB", l.bits, l.format))
	case l.photometric == palette && l.bits > 8:
		return UnsupportedError(fmt.Sprintf("a palette of %d bits", l.bits))
	case l.photometric == yCbCr && l.bits != 8:
		return UnsupportedError(fmt.Sprintf("YCbCr of %d bits", l.bits))
	case l.predictor == 3 && l.format != floating:
		return FormatError("a predictor of floating point on whole numbers")
	case l.predictor == 2 && l.bits != 8 && l.bits != 16 && l.bits != 32:
		return UnsupportedError(fmt.Sprintf("a predictor on %d bits", l.bits))
	}
	switch l.compression {
	case huffman, group3, group4:
		if l.bits != 1 || l.samples != 1 {
			return FormatError("CCITT compression of a picture that is not bilevel")
		}
	case jpegInside, oldJPEG:
		if l.bits != 8 {
			return UnsupportedError(fmt.Sprintf("JPEG of %d bits", l.bits))
		}
	}
	return nil
}

// isFloat reports whether the samples have no largest one that means white.
func (l *layout) isFloat() bool { return l.format != unsigned || l.bits == 32 }

// chunks reads where strips or tiles lie.
func (f *File) chunks(l *layout) error {
	l.chunk = image.Pt(f.Width, f.Height)
	offsets, lengths := uint16(tagStripOffsets), uint16(tagStripCounts)
	if _, l.tiled = f.tags[tagTileWidth]; l.tiled {
		if _, also := f.tags[tagTileOffsets]; also { // some writers name tiles by the tags of strips
			offsets, lengths = tagTileOffsets, tagTileCounts
		}
		w, h := f.number(tagTileWidth, 0), f.number(tagTileHeight, 0)
		// A tile is padded to its size: one far larger than the picture is no tile but a
		// way to ask for memory.
		const slack = 1024
		if w == 0 || h == 0 || w > uint64(max(f.Width, slack)+slack) || h > uint64(max(f.Height, slack)+slack) {
			return FormatError(fmt.Sprintf("tiles of %d×%d in a picture of %d×%d", w, h, f.Width, f.Height))
		}
		const least = 8
		if w < least || h < least {
			return FormatError(fmt.Sprintf("tiles of %d×%d", w, h))
		}
		l.chunk = image.Pt(int(w), int(h))
	} else if rows := f.number(tagRowsPerStrip, 0); rows > 0 && rows < uint64(f.Height) {
		l.chunk.Y = int(rows)
	}
	l.across = (f.Width + l.chunk.X - 1) / l.chunk.X
	l.down = (f.Height + l.chunk.Y - 1) / l.chunk.Y
	n := l.across * l.down
	if l.planar {
		n *= l.samples
	}
	if l.compression == oldJPEG {
		return nil // has fields of its own
	}
	l.offsets, l.lengths = f.numbers(offsets), f.numbers(lengths)
	if len(l.offsets) < n {
		return FormatError(fmt.Sprintf("%d strips or tiles, want %d", len(l.offsets), n))
	}
	if len(l.lengths) < n {
		if l.compression != plain && n > 1 {
			return FormatError(fmt.Sprintf("lengths of %d strips or tiles, want %d", len(l.lengths), n))
		}
		l.lengths = nil // each reaches as far as it needs
	}
	l.subsampleX, l.subsampleY = 1, 1
	if l.photometric == yCbCr && l.compression != jpegInside {
		return f.subsampling(l)
	}
	return nil
}

func (f *File) subsampling(l *layout) error {
	l.subsampleX, l.subsampleY = 2, 2
	if s := f.numbers(tagYCbCrSubsample); len(s) >= 2 {
		ok := func(v uint64) bool { return v == 1 || v == 2 || v == 4 }
		if !ok(s[0]) || !ok(s[1]) {
			return FormatError(fmt.Sprintf("YCbCr subsampling %d", s))
		}
		l.subsampleX, l.subsampleY = int(s[0]), int(s[1])
	}
	if l.subsampleX*l.subsampleY > 1 && (l.planar || l.samples != 3 || l.predictor != 1) {
		return UnsupportedError("subsampled YCbCr in planes, with more samples or a predictor")
	}
	return nil
}
