package datasets

import (
	"fmt"
	"image"
	"image/draw"

	"github.com/pkg/errors"

	"medusa/internal/field"
)

// FromImage is one picture of no class that is decoded already; name is how it is called in
// messages and by Dataset.Path. It is read as that of a file is, its colours taken as sRGB
// and its first row as the upper one. The image is not changed.
func FromImage(img image.Image, name string, o Options) (*Dataset, error) {
	if isNil(img) {
		return nil, errors.Errorf("datasets: %s: there is no image: it is nil", printable(name))
	}
	if o.KeepCache {
		return nil, wrongOption("%s keeps what files hold, and %s is none: leave it out", field.Name("KeepCache"), printable(name))
	}
	o.image = img
	p := &part{candidates: []candidate{{name: name, noClass: true}}}
	return openUnlabelled(bytesSource{name: name}, p, printable(name), o)
}

// formatImage stands for the format of what was decoded by somebody else.
const formatImage = "image.Image"

// pictureFromImage is an image as decode returns that of a file; all its errors are *problem.
func pictureFromImage(img image.Image, maxPixels int64) (p picture, err error) {
	defer guardImage(img, &err)
	size := img.Bounds().Size()
	switch {
	case img.Bounds().Empty():
		return picture{}, &problem{reason: reasonBroken, picture: true, detail: "no pixels"}
	case int64(size.X) > maxPixels/int64(size.Y):
		return picture{}, &problem{reason: reasonPixels, picture: true,
			detail: fmt.Sprintf("%s is above the limit of %d pixels", sizeString(size.X, size.Y), maxPixels)}
	}
	p = picture{Image: img, format: formatImage, orientation: 1, deep: isDeep(img, false)}
	if p.deep {
		p.Image = copyDeep(img)
	}
	return p, nil
}

// copyDeep is a copy of an image of 16 bits that may be changed.
func copyDeep(img image.Image) image.Image {
	var own draw.Image
	switch img.(type) {
	case *image.Gray16:
		own = image.NewGray16(img.Bounds())
	case *image.NRGBA64:
		own = image.NewNRGBA64(img.Bounds())
	case *image.RGBA64:
		own = image.NewRGBA64(img.Bounds())
	default:
		return img // settle changes none else
	}
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			own.Set(x, y, img.At(x, y))
		}
	}
	return own
}

// guardImage makes a panic of an image, which may be of anybody's type, a problem.
func guardImage(img image.Image, err *error) {
	if r := recover(); r != nil {
		*err = &problem{reason: reasonBroken, picture: true, detail: fmt.Sprintf("%T panicked: %v", img, r)}
	}
}
