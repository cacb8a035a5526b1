package datasets

import (
	"bytes"
	"encoding/binary"
	"image"
	"math"

	"github.com/pkg/errors"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// decodeWebP reads a still picture, or the first frame of an animation, which
// golang.org/x/image/webp does not know: the frame is repacked as a still file.
// https://developers.google.com/speed/webp/docs/riff_container
func decodeWebP(data []byte, c image.Config) (image.Image, error) {
	frame, at, err := firstFrame(data)
	if err != nil {
		return nil, err
	}
	if frame == nil {
		return decodeStill(data)
	}
	config, err := webp.DecodeConfig(bytes.NewReader(frame))
	if err != nil {
		return nil, errors.Wrap(err, "first frame")
	}
	place := image.Rectangle{at, at.Add(image.Pt(config.Width, config.Height))}
	canvas := image.Rect(0, 0, c.Width, c.Height)
	if !place.In(canvas) {
		return nil, errors.New("first frame lies outside of the canvas")
	}
	img, err := decodeStill(frame)
	if err != nil {
		return nil, errors.Wrap(err, "first frame")
	}
	if place == canvas {
		return img, nil
	}
	whole := image.NewNRGBA(canvas)
	draw.Draw(whole, place, img, img.Bounds().Min, draw.Src)
	return whole, nil
}

// decodeStill decodes one picture. Lossy files hold luminance in 16 … 235 and chrominance
// in 16 … 240 (RFC 6386, section 9.2, and the container's specification), which
// golang.org/x/image hands out as if both were 0 … 255: without the correction black
// would be 16.
func decodeStill(data []byte) (image.Image, error) {
	img, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	switch img := img.(type) {
	case *image.YCbCr:
		stretch(img)
	case *image.NYCbCrA:
		stretch(&img.YCbCr)
	}
	return img, nil
}

// stretch brings studio range to the full range, in place.
func stretch(img *image.YCbCr) {
	for i, v := range img.Y {
		img.Y[i] = stretchedY[v]
	}
	for _, plane := range [][]byte{img.Cb, img.Cr} {
		for i, v := range plane {
			plane[i] = stretchedC[v]
		}
	}
}

var stretchedY, stretchedC = func() (luma, chroma [256]byte) {
	to := func(v float64) byte { return byte(math.Round(min(max(v, 0), 255))) }
	for v := range 256 {
		luma[v] = to(float64(v-16) * 255 / 219)
		chroma[v] = to(128 + float64(v-128)*255/224)
	}
	return luma, chroma
}()

// firstFrame returns the first frame of an animation as a file of its own, and its
// place; nil if data is no animation.
func firstFrame(data []byte) (file []byte, at image.Point, err error) {
	err = eachChunk(data[min(12, len(data)):], func(name string, body []byte) error {
		if name != "ANMF" || file != nil {
			return nil
		}
		if len(body) < 16 {
			return errors.New("frame header is cut off")
		}
		at = image.Pt(2*int24(body[0:]), 2*int24(body[3:]))
		file, err = stillWebP(body[16:], body[6:12])
		return err
	})
	if file != nil {
		err = nil // damage behind the first frame does not matter
	}
	return file, at, err
}

// stillWebP makes a file of a frame's chunks; size holds width − 1 and height − 1, as both
// the frame's header and a still file's have it.
func stillWebP(chunks, size []byte) ([]byte, error) {
	var alpha, pixels []byte
	err := eachChunk(chunks, func(name string, body []byte) error {
		switch name {
		case "ALPH":
			alpha = chunk(name, body)
		case "VP8 ", "VP8L":
			pixels = chunk(name, body)
		}
		return nil
	})
	if pixels == nil {
		if err == nil {
			err = errors.New("frame without pixels")
		}
		return nil, err
	}
	inside := []byte("WEBP")
	if alpha != nil {
		const hasAlpha = 1 << 4
		inside = append(inside, chunk("VP8X", append([]byte{hasAlpha, 0, 0, 0}, size...))...)
		inside = append(inside, alpha...)
	}
	return chunk("RIFF", append(inside, pixels...)), nil
}

func int24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// chunk returns a RIFF chunk, padded to an even length.
func chunk(name string, body []byte) []byte {
	c := binary.LittleEndian.AppendUint32([]byte(name), uint32(len(body)))
	c = append(c, body...)
	if len(body)%2 == 1 {
		c = append(c, 0)
	}
	return c
}

// eachChunk calls visit for each RIFF chunk in data.
func eachChunk(data []byte, visit func(name string, body []byte) error) error {
	for len(data) >= 8 {
		n := int64(binary.LittleEndian.Uint32(data[4:]))
		if n > int64(len(data)-8) {
			return errors.Errorf("chunk %q is cut off", data[:4])
		}
		if err := visit(string(data[:4]), data[8:8+n]); err != nil {
			return err
		}
		data = data[min(int64(len(data)), 8+n+n%2):]
	}
	return nil
}
