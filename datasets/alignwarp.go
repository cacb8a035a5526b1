package datasets

import (
	"fmt"
	"image"
	"math"

	"golang.org/x/image/draw"

	"medusa/datasets/internal/resample"
)

// cutout is what is taken of a picture.
type cutout struct {
	box       *image.Rectangle // in upright pixels; nil for the whole
	landmarks *fivePoints      // nil where none are known
}

// text tells cutouts apart; empty if the whole picture is taken.
func (c cutout) text() string {
	text := ""
	if c.box != nil {
		text = c.box.String()
	}
	if c.landmarks != nil {
		text += fmt.Sprint(*c.landmarks)
	}
	return text
}

// noLandmarks is why a picture of w×h is left out that cannot be aligned.
func (r *renderer) noLandmarks(w, h int) *problem {
	return &problem{reason: reasonLandmarks, picture: true, detail: fmt.Sprintf("none are known, and %s is not the %s of an aligned face: name the picture in a table with the columns path and landmarks, ten numbers: x and y of both eyes, the nose and both corners of the mouth",
		sizeString(w, h), sizeString(r.aligned.X, r.aligned.Y))}
}

// align writes the face of p to small, on black: by a bilinear filter, and where the face is much larger, after it was
// reduced with a filter as wide as that asks for.
func (r *renderer) align(small *image.RGBA, p picture, points fivePoints) error {
	if p.orientation != 1 {
		p = p.upright()
	}
	forth, wrong := points.fit(template(r.height, r.width))
	if wrong != nil {
		return wrong
	}
	back := forth.inverse()
	size := p.Bounds().Size()
	part := r.reach(back).Intersect(image.Rectangle{Max: size})
	if part.Empty() {
		return &problem{reason: reasonLandmarks, picture: true, detail: "the face lies outside of the picture, of " + sizeString(size.X, size.Y)}
	}
	face := reduced(p.Image, part, math.Hypot(back.a, back.d))
	sx, sy := float64(face.Rect.Dx())/float64(part.Dx()), float64(face.Rect.Dy())/float64(part.Dy())
	// From indices of the picture to those of face: pixel i of either covers i − ½ … i + ½.
	back = back.thenScale(sx, sy, sx*(0.5-float64(part.Min.X))-0.5, sy*(0.5-float64(part.Min.Y))-0.5)
	for y := range r.height {
		for x := range r.width {
			u, v := back.at(float64(x), float64(y))
			*(*[4]byte)(small.Pix[small.PixOffset(x, y):]) = bilinearAt(face, u, v)
		}
	}
	return nil
}

// reach is the part of a picture that the pixels of a result are made of.
func (r *renderer) reach(back affine) image.Rectangle {
	low, high := [2]float64{math.Inf(1), math.Inf(1)}, [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, corner := range [][2]float64{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
		u, v := back.at(corner[0]*float64(r.width-1), corner[1]*float64(r.height-1))
		low, high = [2]float64{min(low[0], u), min(low[1], v)}, [2]float64{max(high[0], u), max(high[1], v)}
	}
	beside := 2*math.Hypot(back.a, back.d) + 2 // the neighbours, also of a reduced picture
	whole := func(v float64) int { return int(min(max(v, -1<<30), 1<<30)) }
	return image.Rect(whole(math.Floor(low[0]-beside)), whole(math.Floor(low[1]-beside)), whole(math.Ceil(high[0]+beside))+1, whole(math.Ceil(high[1]+beside))+1)
}

// plainReduction is up to how many pixels a result's pixel may cover either way without being an average of them: two
// neighbours on either side are in it.
const plainReduction = 1.5

// reduced is a part of a picture, on white, reduced by about the factor if that is worth it.
func reduced(img image.Image, part image.Rectangle, factor float64) *image.RGBA {
	size := part.Size()
	if factor > plainReduction {
		smaller := func(side int) int { return max(1, int(math.Round(float64(side)/factor))) }
		size = image.Pt(smaller(size.X), smaller(size.Y))
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, out.Rect, image.White, image.Point{}, draw.Src)
	from := part.Add(img.Bounds().Min)
	if size == part.Size() {
		draw.Draw(out, out.Rect, img, from.Min, draw.Over)
	} else {
		resample.New(resample.Triangle, size, from.Size()).Draw(out, out.Rect, img, from)
	}
	return out
}

// bilinearAt is the colour of an opaque picture at a place between the centres of pixels, black outside.
func bilinearAt(img *image.RGBA, u, v float64) (colour [4]byte) {
	left, top := math.Floor(u), math.Floor(v)
	fx, fy := u-left, v-top
	var sum [3]float64
	for _, n := range [4]struct{ x, y, weight float64 }{
		{left, top, (1 - fx) * (1 - fy)}, {left + 1, top, fx * (1 - fy)}, {left, top + 1, (1 - fx) * fy}, {left + 1, top + 1, fx * fy},
	} {
		if n.x < 0 || n.y < 0 || n.x >= float64(img.Rect.Dx()) || n.y >= float64(img.Rect.Dy()) {
			continue
		}
		pix := img.Pix[img.PixOffset(int(n.x), int(n.y)):]
		for c := range sum {
			sum[c] += float64(n.weight * float64(pix[c])) // float64: not fused
		}
	}
	return [4]byte{byte(sum[0] + 0.5), byte(sum[1] + 0.5), byte(sum[2] + 0.5), 255}
}
