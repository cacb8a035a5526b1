package datasets

import (
	"image"
	"math"

	"golang.org/x/image/draw"
)

// fitting says which part of a picture is brought to which size, which window is taken of that, and where it goes.
type fitting struct {
	from   image.Rectangle // of the picture
	whole  image.Point     // its size when it is resized
	window image.Rectangle // of that
	to     image.Rectangle // of the result, as large as the window
}

// stored is f as a picture of the given upright size has it that is stored under an EXIF orientation, its pixels from min
// on. canvas is the result as it is stored.
func (f fitting) stored(orientation int, upright image.Point, canvas image.Rectangle, min image.Point) fitting {
	if orientation >= 5 {
		canvas.Max.X, canvas.Max.Y = canvas.Max.Y, canvas.Max.X
	}
	whole := f.whole
	if orientation >= 5 {
		whole.X, whole.Y = whole.Y, whole.X
	}
	return fitting{
		from:   storedRect(f.from, orientation, upright.X, upright.Y).Add(min),
		whole:  whole,
		window: storedRect(f.window, orientation, f.whole.X, f.whole.Y),
		to:     storedRect(f.to, orientation, canvas.Dx(), canvas.Dy()),
	}
}

// plain reports whether no part is taken out of pictures after they are resized.
func (r *renderer) plain() bool { return r.cropPct == 0 || r.mode == Pad }

// fitCropped resizes as torchvision and timm do: by Crop to the least size that covers the one before the middle is taken,
// by Squeeze to that size.
func (r *renderer) fitCropped(from image.Rectangle) fitting {
	whole := BeforeCrop(r.height, r.width, r.cropPct)
	if w, h := from.Dx(), from.Dy(); r.mode == Crop {
		if int64(whole.Y)*int64(w) >= int64(whole.X)*int64(h) { // the height decides
			whole.X = covering(whole.Y, w, h)
		} else {
			whole.Y = covering(whole.X, h, w)
		}
	}
	// torchvision's CenterCrop rounds halves to even.
	x, y := int(math.RoundToEven(float64(whole.X-r.width)/2)), int(math.RoundToEven(float64(whole.Y-r.height)/2))
	return fitting{from: from, whole: whole, window: image.Rect(x, y, x+r.width, y+r.height), to: image.Rect(0, 0, r.width, r.height)}
}

// BeforeCrop is the size of pictures whose middle, of height and width, is taken by Options.CropPct; that size itself if
// cropPct is 0.
func BeforeCrop(height, width int, cropPct float64) image.Point {
	return image.Pt(beforeCrop(width, cropPct), beforeCrop(height, cropPct))
}

// beforeCrop is the side of a picture whose middle, of the given side, is taken: 256 of 224 at 0.875. A quotient such as
// 224/(224/232) is what it was made of.
func beforeCrop(side int, cropPct float64) int {
	if cropPct == 0 {
		return side
	}
	return max(side, int(math.Floor(float64(side)/cropPct+1e-6)))
}

// covering is side · a/b in whole pixels downwards.
func covering(side, a, b int) int { return int(min(int64(side)*int64(a)/int64(b), math.MaxInt32)) }

// upright is the picture as it is seen, in 8 bits.
func (p picture) upright() picture {
	b := p.Bounds()
	stored := image.NewRGBA(b)
	draw.Draw(stored, b, p.Image, b.Min, draw.Src)
	w, h := b.Dx(), b.Dy()
	if p.orientation >= 5 {
		w, h = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			sx, sy := storedPoint(x, y, p.orientation, w, h)
			*(*[4]byte)(out.Pix[4*(y*w+x):]) = [4]byte(stored.Pix[sy*stored.Stride+4*sx:])
		}
	}
	p.Image, p.orientation = out, 1
	return p
}
