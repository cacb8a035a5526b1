package datasets

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/pkg/errors"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"medusa/datasets/internal/bmp"
	"medusa/datasets/internal/deep"
	"medusa/datasets/internal/icc"
	"medusa/datasets/internal/ico"
	fastjpeg "medusa/datasets/internal/jpeg"
	"medusa/datasets/internal/netpbm"
	"medusa/datasets/internal/tga"
	"medusa/datasets/internal/tiff"
)

// codec reads one format.
type codec struct {
	open func(data []byte) (header, error)
	// ending is what a file that was cut at its very end lacks: with it put back, a
	// decoder still refuses any file that lacks pixels.
	ending string
}

// header is what a file says before its pixels are decoded.
type header struct {
	width, height int
	decode        func() (image.Image, error)
	orientation   int    // 0: as EXIF says
	profile       []byte // of TIFF; colour.go finds the others
	fixedRange    bool   // the file says which value is white
	announced     int    // the largest value of 16 bits that the file says it has; 0: says nothing
}

var codecs = map[string]codec{
	formatJPEG:   {openJPEG, "\xff\xd9"},
	formatPNG:    {openPNG, "\x00\x00\x00\x00IEND\xae\x42\x60\x82"},
	formatGIF:    {openGIF, ""},
	formatBMP:    {openBMP, ""},
	formatTIFF:   {openTIFF, ""},
	formatWebP:   {openWebP, ""},
	formatNetpbm: {openNetpbm, ""},
	formatICO:    {openICO, ""},
	formatTGA:    {openTGA, ""},
}

// picture is a decoded file.
type picture struct {
	image.Image
	format      string
	orientation int // EXIF's: 1 … 8, 1 being upright as stored

	// deep says that nothing in the file tells which value is white: settle decides.
	deep      bool
	announced int
	toSRGB    *icc.Transform // that settle applies; nil if none is left to apply
	remark    string         // what is to be told of its colours
}

// decode reads a file's bytes; all its errors are *problem. Its size is checked in the
// header, before memory is taken for its pixels. Of several frames or pages it reads
// the first.
func decode(name string, data []byte, maxPixels int64) (p picture, err error) {
	format, err := sniff(name, data)
	if err != nil {
		return picture{}, err
	}
	defer func() {
		// Not all decoders of hostile bytes are ours: one that gives up by panicking must
		// not end a run.
		if r := recover(); r != nil {
			err = broken(format, errors.Errorf("%v", r))
		}
	}()
	c := codecs[format]
	h, err := c.open(data)
	if err != nil {
		return picture{}, broken(format, err)
	}
	if h.width <= 0 || h.height <= 0 {
		return picture{}, broken(format, errors.Errorf("size %d×%d", h.width, h.height))
	}
	if n := int64(h.width) * int64(h.height); n > maxPixels || n/int64(h.width) != int64(h.height) {
		return picture{}, &problem{reason: reasonPixels, picture: true,
			detail: fmt.Sprintf("%d×%d is above the limit of %d pixels", h.width, h.height, maxPixels)}
	}
	img, err := h.decode()
	if err != nil && c.ending != "" && errors.Is(err, io.ErrUnexpectedEOF) {
		img, err = decodeEnded(c, data, err)
	}
	if err != nil {
		return picture{}, broken(format, err)
	}
	if img.Bounds().Empty() {
		return picture{}, broken(format, errors.New("no pixels"))
	}
	p = picture{Image: img, format: format, orientation: h.orientation, announced: h.announced}
	if p.orientation == 0 {
		p.orientation = orientation(format, data)
	}
	p.deep = isDeep(img, h.fixedRange)
	p.toSRGB, p.remark = wayToSRGB(format, data, h.profile, img)
	if !p.deep {
		p.convert()
	}
	return p, nil
}

// decodeEnded tries again with the end mark put back, and returns the first error if that
// does not help.
func decodeEnded(c codec, data []byte, first error) (image.Image, error) {
	h, err := c.open(append(data[:len(data):len(data)], c.ending...))
	if err != nil {
		return nil, first
	}
	img, err := h.decode()
	if err != nil {
		return nil, first
	}
	return img, nil
}

// convert brings the colours to sRGB.
func (p *picture) convert() {
	if p.toSRGB != nil {
		p.Image = p.toSRGB.Apply(p.Image)
		p.toSRGB = nil
	}
}

// isDeep reports whether nothing tells which value of a picture is white.
func isDeep(img image.Image, fixedRange bool) bool {
	switch img.(type) {
	case *image.Gray16, *image.RGBA64, *image.NRGBA64:
		return !fixedRange
	case *deep.Image:
		return true
	}
	return false
}

// broken turns a decoder's error into a problem. What a decoder calls unsupported is
// a valid file of a rare kind.
func broken(format string, err error) error {
	p := &problem{reason: reasonBroken, detail: format + ", " + err.Error(), picture: true}
	var (
		j jpeg.UnsupportedError
		t tiff.UnsupportedError
		n png.UnsupportedError
		b bmp.UnsupportedError
		g tga.UnsupportedError
	)
	if errors.As(err, &j) || errors.As(err, &t) || errors.As(err, &n) || errors.As(err, &b) || errors.As(err, &g) {
		p.reason = reasonUnsupported
		p.detail += adviceToConvert
	}
	return p
}

// adviceToConvert is the way out where a file is whole and cannot be read.
const adviceToConvert = "; convert it to PNG or JPEG"

// openWith makes a header of a decoder of the usual form.
func openWith(data []byte, config func(io.Reader) (image.Config, error), decode func(data []byte, c image.Config) (image.Image, error)) (header, error) {
	c, err := config(bytes.NewReader(data))
	return header{width: c.Width, height: c.Height, decode: func() (image.Image, error) { return decode(data, c) }}, err
}

func openJPEG(data []byte) (header, error) {
	data = withInkMarker(data)
	return openWith(data, jpeg.DecodeConfig, func(data []byte, _ image.Config) (image.Image, error) {
		return fastjpeg.Decode(data)
	})
}

// withInkMarker returns a JPEG of four components that has no marker of Adobe's with one
// that says CMYK, inverted: so every writer of such files means it, and so Pillow reads it.
func withInkMarker(data []byte) []byte {
	components, marked := 0, false
	eachSegment(data, func(marker byte, body []byte) bool {
		switch {
		case marker == 0xee && bytes.HasPrefix(body, []byte("Adobe")):
			marked = true
		case marker >= 0xc0 && marker <= 0xc2 && len(body) > 5:
			components = int(body[5])
		}
		return true
	})
	if components != 4 || marked {
		return data
	}
	with := append([]byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"), data[2:]...)
	return with
}

func openPNG(data []byte) (header, error) {
	h, err := openWith(data, png.DecodeConfig, func(data []byte, _ image.Config) (image.Image, error) {
		return png.Decode(bytes.NewReader(data))
	})
	if bits := significantBits(data); bits > 0 && bits < 16 {
		h.announced = 1<<bits - 1
	}
	return h, err
}

// openGIF reads the first frame onto the whole canvas, which it may cover in part.
func openGIF(data []byte) (header, error) {
	return openWith(data, gif.DecodeConfig, func(data []byte, c image.Config) (image.Image, error) {
		frame, err := gif.Decode(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return onCanvas(frame, c.Width, c.Height), nil
	})
}

func openWebP(data []byte) (header, error) { return openWith(data, webp.DecodeConfig, decodeWebP) }

func openBMP(data []byte) (header, error) {
	b, err := bmp.Parse(data)
	if err != nil {
		return header{}, err
	}
	return header{width: b.Width, height: b.Height, decode: b.Decode}, nil
}

func openICO(data []byte) (header, error) {
	c, err := ico.Parse(data)
	if err != nil {
		return header{}, err
	}
	return header{width: c.Width, height: c.Height, decode: c.Decode}, nil
}

func openTGA(data []byte) (header, error) {
	h, err := tga.Parse(data)
	if err != nil {
		return header{}, err
	}
	return header{width: h.Width, height: h.Height, decode: h.Decode}, nil
}

// openNetpbm takes a largest value of 65535 as nothing said: writers put it there for
// whatever is wider than a byte.
func openNetpbm(data []byte) (header, error) {
	h, err := netpbm.Parse(data)
	if err != nil {
		return header{}, err
	}
	fixed := h.Maxval > 0 && h.Maxval < 65535
	return header{width: h.Width, height: h.Height, decode: h.Decode, fixedRange: fixed}, nil
}

func openTIFF(data []byte) (header, error) {
	f, err := tiff.Parse(data)
	if err != nil {
		return header{}, err
	}
	h := header{width: f.Width, height: f.Height, decode: f.Decode, orientation: f.Orientation(), profile: f.Profile(), fixedRange: f.SampleBits() < 16}
	if a := f.Announced(); a < 65535 { // else it says no more than the number of bits
		h.announced = a
	}
	return h, nil
}

// onCanvas returns frame if it covers (0, 0) … (w, h), else a transparent picture of that size
// with frame at its place.
func onCanvas(frame image.Image, w, h int) image.Image {
	canvas := image.Rect(0, 0, w, h)
	if frame.Bounds() == canvas {
		return frame
	}
	whole := image.NewNRGBA(canvas)
	draw.Draw(whole, frame.Bounds(), frame, frame.Bounds().Min, draw.Src)
	return whole
}
