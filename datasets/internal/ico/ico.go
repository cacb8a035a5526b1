// Package ico reads icons and cursors of Windows: the largest picture in them, which is a
// PNG file or a bitmap with a mask.
//
// https://learn.microsoft.com/en-us/previous-versions/ms997538(v=msdn.10).
package ico

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"

	"github.com/pkg/errors"

	"medusa/datasets/internal/bmp"
)

const (
	header = 6
	entry  = 16
)

// Match reports whether data starts with the directory of an icon or a cursor.
func Match(data []byte) bool {
	if len(data) < header+entry || data[0] != 0 || data[1] != 0 || data[2] != 1 && data[2] != 2 || data[3] != 0 {
		return false
	}
	n := int(binary.LittleEndian.Uint16(data[4:]))
	if n == 0 || len(data) < header+n*entry {
		return false
	}
	first := data[header:]
	size, at := uint64(binary.LittleEndian.Uint32(first[8:])), uint64(binary.LittleEndian.Uint32(first[12:]))
	return size > 0 && at >= uint64(header+n*entry) && at < uint64(len(data))
}

// Icon is the largest picture of a file.
type Icon struct {
	Width, Height int

	png    []byte // nil if it is a bitmap
	bitmap *bmp.Bitmap
}

// Parse finds the largest picture, and of several equally large ones that of most bits.
func Parse(data []byte) (*Icon, error) {
	if !Match(data) {
		return nil, errors.New("ico: no directory")
	}
	var best *Icon
	bestBits := 0
	var first error
	for i := range int(binary.LittleEndian.Uint16(data[4:])) {
		e := data[header+i*entry:][:entry]
		size, at := uint64(binary.LittleEndian.Uint32(e[8:])), uint64(binary.LittleEndian.Uint32(e[12:]))
		if at > uint64(len(data)) || size > uint64(len(data))-at {
			first = cmpErr(first, errors.Errorf("ico: picture %d is cut off", i))
			continue
		}
		icon, err := open(data[at : at+size])
		if err != nil {
			first = cmpErr(first, errors.WithMessagef(err, "ico: picture %d", i))
			continue
		}
		bits := 0
		if data[2] == 1 { // a cursor has its hot spot there
			bits = int(binary.LittleEndian.Uint16(e[6:]))
		}
		area := func(c *Icon) int64 { return int64(c.Width) * int64(c.Height) }
		if best == nil || area(icon) > area(best) || area(icon) == area(best) && bits > bestBits {
			best, bestBits = icon, bits
		}
	}
	if first != nil {
		return nil, first // the largest may be the one that cannot be read
	}
	return best, nil
}

func cmpErr(first, err error) error {
	if first != nil {
		return first
	}
	return err
}

func open(data []byte) (*Icon, error) {
	if bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) {
		c, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return &Icon{Width: c.Width, Height: c.Height, png: data}, nil
	}
	b, err := bmp.ParseIcon(data)
	if err != nil {
		return nil, err
	}
	if b.Height < 1 {
		return nil, errors.New("a bitmap without room for its mask")
	}
	return &Icon{Width: b.Width, Height: b.Height, bitmap: b}, nil
}

// Decode reads the pixels.
func (c *Icon) Decode() (image.Image, error) {
	if c.png != nil {
		return png.Decode(bytes.NewReader(c.png))
	}
	return c.bitmap.Decode()
}
