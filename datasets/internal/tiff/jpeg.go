package tiff

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"

	"errors"

	fastjpeg "medusa/datasets/internal/jpeg"
)

// decodeJPEG reads a picture whose strips or tiles are JPEG files.
func (f *File) decodeJPEG(l *layout) (image.Image, error) {
	if l.compression == oldJPEG {
		return f.decodeOldJPEG()
	}
	if l.planar {
		return nil, UnsupportedError("JPEG in planes")
	}
	bounds := image.Rect(0, 0, f.Width, f.Height)
	var whole draw.Image
	switch {
	case l.samples == 1 && l.photometric != palette:
		whole = image.NewGray(bounds)
	case l.photometric == cmyk && l.samples == 4:
		whole = image.NewCMYK(bounds)
	case (l.photometric == yCbCr || l.photometric == rgb) && l.samples == 3:
		whole = image.NewRGBA(bounds)
	default:
		return nil, UnsupportedError(fmt.Sprintf("JPEG of %d samples a pixel and colours %d", l.samples, l.photometric))
	}
	for i := range l.across * l.down {
		part, err := f.jpegChunk(l, i)
		if err != nil {
			return nil, fmt.Errorf("tiff: strip or tile %d: %w", i, err)
		}
		at := image.Pt(i%l.across*l.chunk.X, i/l.across*l.chunk.Y)
		place := image.Rectangle{at, at.Add(part.Bounds().Size())}.Intersect(bounds)
		if want := (image.Rectangle{at, at.Add(l.chunk)}).Intersect(bounds); !want.In(place) {
			return nil, FormatError(fmt.Sprintf("strip or tile %d has %v of %v pixels", i, part.Bounds().Size(), want.Size()))
		}
		paste(whole, place, part)
	}
	if grey, ok := whole.(*image.Gray); ok && l.photometric == whiteIsZero {
		for i := range grey.Pix {
			grey.Pix[i] ^= 0xff
		}
	}
	return whole, nil
}

// paste draws part at place. What is of one kind is copied as it is: image/draw is slow with grey,
// and would convert inks, which loses some.
func paste(whole draw.Image, place image.Rectangle, part image.Image) {
	switch to := whole.(type) {
	case *image.Gray:
		if from, ok := part.(*image.Gray); ok {
			for y := range place.Dy() {
				copy(to.Pix[to.PixOffset(place.Min.X, place.Min.Y+y):][:place.Dx()], from.Pix[y*from.Stride:])
			}
			return
		}
	case *image.RGBA:
		if from, ok := part.(*image.YCbCr); ok {
			fastjpeg.Draw(to, place, from)
			return
		}
	case *image.CMYK:
		if from, ok := part.(*image.CMYK); ok {
			for y := range place.Dy() {
				row := to.Pix[to.PixOffset(place.Min.X, place.Min.Y+y):][:4*place.Dx()]
				for i, v := range from.Pix[y*from.Stride:][:len(row)] {
					row[i] = v ^ 0xff // TIFF stores ink, image/jpeg expects what Adobe writes: paper
				}
			}
			return
		}
	}
	draw.Draw(whole, place, part, part.Bounds().Min, draw.Src)
}

// jpegChunk decodes strip or tile i, which may lack its tables: these stand once in the
// directory (Technical Note 2).
func (f *File) jpegChunk(l *layout, i int) (image.Image, error) {
	b, err := f.stored(l, i, 0)
	if err != nil {
		return nil, err
	}
	if len(b) < 4 || b[0] != 0xff || b[1] != 0xd8 {
		return nil, FormatError("no JPEG")
	}
	file := []byte("\xff\xd8")
	if l.photometric != yCbCr && l.samples >= 3 {
		// Adobe's marker, transform 0: the components are not YCbCr.
		file = append(file, "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"...)
	}
	if tables := f.tags[tagJPEGTables].data; len(tables) > 4 {
		file = append(file, bytes.TrimSuffix(tables[2:], []byte("\xff\xd9"))...)
	}
	file = append(file, b[2:]...)
	return decodeWithin(file, l.chunk)
}

// decodeWithin decodes a JPEG that must not be larger than most, apart from the padding
// of its blocks.
func decodeWithin(file []byte, most image.Point) (image.Image, error) {
	const block = 32
	size, err := fastjpeg.Size(file)
	if err != nil {
		return nil, translate(err)
	}
	if size.X > most.X+block || size.Y > most.Y+block {
		return nil, FormatError(fmt.Sprintf("a JPEG of %d×%d in %d×%d", size.X, size.Y, most.X, most.Y))
	}
	img, err := fastjpeg.Decode(file)
	return img, translate(err)
}

// translate keeps apart what image/jpeg cannot read and what is damaged.
func translate(err error) error {
	var u jpeg.UnsupportedError
	if errors.As(err, &u) {
		return UnsupportedError("JPEG inside: " + string(u))
	}
	return err
}

// decodeOldJPEG reads the JPEG of TIFF 6.0, section 22, where it is a whole file.
func (f *File) decodeOldJPEG() (image.Image, error) {
	at := f.number(tagJPEGOffset, 0)
	n := f.number(tagJPEGLength, 0)
	if n == 0 {
		n = uint64(len(f.data)) - min(at, uint64(len(f.data)))
	}
	b, err := f.slice(at, n, "the JPEG")
	if err != nil {
		return nil, err
	}
	if at == 0 || !bytes.HasPrefix(b, []byte("\xff\xd8\xff")) {
		return nil, UnsupportedError("compression: JPEG as of 1992 that is no whole file")
	}
	img, err := decodeWithin(b, image.Pt(f.Width, f.Height))
	if err != nil {
		return nil, err
	}
	if img.Bounds().Size() != image.Pt(f.Width, f.Height) {
		return nil, FormatError(fmt.Sprintf("a JPEG of %v in a picture of %d×%d", img.Bounds().Size(), f.Width, f.Height))
	}
	return img, nil
}
