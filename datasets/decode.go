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
	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// codec reads one format.
type codec struct {
	config func(io.Reader) (image.Config, error)
	decode func(data []byte, c image.Config) (image.Image, error)
	// ending is what a file that was cut at its very end lacks: with it put back, a
	// decoder still refuses any file that lacks pixels.
	ending string
}

var codecs = map[string]codec{
	formatJPEG: {jpeg.DecodeConfig, plainly(jpeg.Decode), "\xff\xd9"},
	formatPNG:  {png.DecodeConfig, plainly(png.Decode), "\x00\x00\x00\x00IEND\xae\x42\x60\x82"},
	formatGIF:  {gif.DecodeConfig, decodeGIF, ""},
	formatBMP:  {bmp.DecodeConfig, plainly(bmp.Decode), ""},
	formatTIFF: {tiff.DecodeConfig, plainly(tiff.Decode), ""},
	formatWebP: {webp.DecodeConfig, decodeWebP, ""},
}

// plainly makes a decoder of the usual form one of codec's.
func plainly(decode func(io.Reader) (image.Image, error)) func([]byte, image.Config) (image.Image, error) {
	return func(data []byte, _ image.Config) (image.Image, error) { return decode(bytes.NewReader(data)) }
}

// picture is a decoded file.
type picture struct {
	image.Image
	format      string
	orientation int // EXIF's: 1 … 8, 1 being upright as stored
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
		// Decoders of hostile bytes are not ours: one that gives up by panicking must
		// not end a run.
		if r := recover(); r != nil {
			err = broken(format, errors.Errorf("%v", r))
		}
	}()
	c := codecs[format]
	config, err := c.config(bytes.NewReader(data))
	if err != nil {
		return picture{}, broken(format, err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return picture{}, broken(format, errors.Errorf("size %d×%d", config.Width, config.Height))
	}
	if n := int64(config.Width) * int64(config.Height); n > maxPixels {
		return picture{}, &problem{reason: reasonPixels, picture: true,
			detail: fmt.Sprintf("%d×%d is above the limit of %d pixels", config.Width, config.Height, maxPixels)}
	}
	img, err := c.decode(data, config)
	if err != nil && c.ending != "" && errors.Is(err, io.ErrUnexpectedEOF) {
		var again error
		if img, again = c.decode(append(data[:len(data):len(data)], c.ending...), config); again == nil {
			err = nil
		}
	}
	if err != nil {
		return picture{}, broken(format, err)
	}
	if img.Bounds().Empty() {
		return picture{}, broken(format, errors.New("no pixels"))
	}
	return picture{img, format, orientation(format, data)}, nil
}

// broken turns a decoder's error into a problem. What a decoder calls unsupported is
// a valid file of a rare kind.
func broken(format string, err error) error {
	reason := reasonBroken
	var j jpeg.UnsupportedError
	var t tiff.UnsupportedError
	var p png.UnsupportedError
	if errors.As(err, &j) || errors.As(err, &t) || errors.As(err, &p) || errors.Is(err, bmp.ErrUnsupported) {
		reason = reasonUnsupported
	}
	return &problem{reason: reason, detail: format + ", " + err.Error(), picture: true}
}

// decodeGIF reads the first frame onto the whole canvas, which it may cover in part.
func decodeGIF(data []byte, c image.Config) (image.Image, error) {
	frame, err := gif.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return onCanvas(frame, c.Width, c.Height), nil
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
