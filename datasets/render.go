package datasets

import (
	"image"
	"image/color"
	"math"

	"golang.org/x/image/draw"

	"medusa/datasets/internal/resample"
)

// renderer turns decoded pictures into planes of one size. It belongs to one goroutine.
type renderer struct {
	channels, height, width int
	mode                    ResizeMode
	cropPct                 float64
	filter                  Filter
	invert                  bool
	way                     Alignment
	aligned                 image.Point // size of pictures that need no landmarks

	scalers map[resizing]*resample.Scaler
}

// newRenderer makes pictures of these sizes as o says.
func newRenderer(channels, height, width int, o Options) *renderer {
	return &renderer{channels: channels, height: height, width: width, mode: o.Resize, cropPct: o.CropPct, filter: o.Filter, invert: o.Invert, way: o.Align, aligned: image.Pt(width, height)}
}

// resizing brings pictures of the size from to the size whole, of which the window is taken.
type resizing struct {
	from, whole image.Point
	window      image.Rectangle
}

// render writes what c takes of p to planes (C, H, W): upright, on white where it is transparent,
// resized or aligned, grey if there is one channel,
// and inverted if asked for. It reports whether there was colour to lose.
func (r *renderer) render(planes []byte, p picture, c cutout) (colour bool, err error) {
	bounds := p.Bounds()
	w, h := bounds.Dx(), bounds.Dy()
	turned := p.orientation >= 5
	if turned {
		w, h = h, w
	}
	from := image.Rect(0, 0, w, h)
	if r.way == AlignArcFace && c.landmarks != nil {
		return r.renderAligned(planes, p, *c.landmarks)
	}
	if box := c.box; box != nil {
		if from = from.Intersect(*box); from.Empty() {
			return false, &problem{reason: reasonBox, picture: true, detail: box.String() + " of a picture of " + sizeString(w, h)}
		}
	}
	if r.way == AlignArcFace && from.Size() != r.aligned {
		return false, r.noLandmarks(from.Dx(), from.Dy())
	}
	if grey, ok := p.Image.(*image.Gray); ok && r.channels == 1 && p.orientation == 1 && r.plain() && bounds == image.Rect(0, 0, r.width, r.height) && from == bounds {
		r.copyGrey(planes, grey)
		return false, nil
	}
	if turned && r.filter == Bicubic { // which is not the same when columns are filtered first
		p, turned, bounds = p.upright(), false, image.Rect(0, 0, w, h)
	}
	f := r.fit(from)
	canvas := image.Rect(0, 0, r.width, r.height)
	if turned {
		canvas = image.Rect(0, 0, r.height, r.width)
	}
	small := image.NewRGBA(canvas)
	draw.Draw(small, canvas, image.White, image.Point{}, draw.Src)
	r.scale(small, p.Image, f.stored(p.orientation, image.Pt(w, h), canvas, bounds.Min))
	r.unpack(planes, small, p.orientation)
	return isColour(small), nil
}

// renderAligned is render by landmarks.
func (r *renderer) renderAligned(planes []byte, p picture, points fivePoints) (colour bool, err error) {
	small := image.NewRGBA(image.Rect(0, 0, r.width, r.height))
	if err := r.align(small, p, points); err != nil {
		return false, err
	}
	r.unpack(planes, small, 1)
	return isColour(small), nil
}

// copyGrey is render for what has the right size and shape already.
func (r *renderer) copyGrey(plane []byte, img *image.Gray) {
	for y := range r.height {
		copy(plane[y*r.width:(y+1)*r.width], img.Pix[y*img.Stride:])
	}
	if r.invert {
		for i, v := range plane {
			plane[i] = 255 - v
		}
	}
}

// fit says how the upright rectangle is used.
func (r *renderer) fit(from image.Rectangle) fitting {
	if !r.plain() {
		return r.fitCropped(from)
	}
	w, h := from.Dx(), from.Dy()
	to := image.Rect(0, 0, r.width, r.height)
	switch r.mode {
	case Crop:
		side := min(float64(w)/float64(r.width), float64(h)/float64(r.height)) // source pixels a result pixel
		from = centred(from, side*float64(r.width), side*float64(r.height))
	case Pad:
		share := min(float64(r.width)/float64(w), float64(r.height)/float64(h))
		to = centred(to, share*float64(w), share*float64(h))
	}
	return fitting{from: from, to: to, whole: to.Size(), window: image.Rectangle{Max: to.Size()}}
}

// centred returns the rectangle of size w×h, rounded, in the middle of r.
func centred(r image.Rectangle, w, h float64) image.Rectangle {
	dx := min(max(int(math.Round(w)), 1), r.Dx())
	dy := min(max(int(math.Round(h)), 1), r.Dy())
	x, y := r.Min.X+(r.Dx()-dx)/2, r.Min.Y+(r.Dy()-dy)/2
	return image.Rect(x, y, x+dx, y+dy)
}

// scale draws src over dst.
func (r *renderer) scale(dst *image.RGBA, src image.Image, f fitting) {
	if f.from.Size() != f.whole {
		r.scaler(resizing{f.from.Size(), f.whole, f.window}).Draw(dst, f.to, src, f.from)
		return
	}
	part := f.window.Add(f.from.Min)
	if m, ok := src.(*image.Paletted); ok { // image/draw has no fast path for it
		src = flatten(m, part)
	}
	draw.Draw(dst, f.to, src, part.Min, draw.Over)
}

// flatten returns part of a picture with its colours in the place of their numbers.
func flatten(m *image.Paletted, part image.Rectangle) *image.RGBA {
	var table [256][4]byte
	for i, c := range m.Palette[:min(len(m.Palette), len(table))] {
		r, g, b, a := c.RGBA()
		table[i] = [4]byte{byte(r >> 8), byte(g >> 8), byte(b >> 8), byte(a >> 8)}
	}
	flat := image.NewRGBA(part)
	to := flat.Pix
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for _, v := range m.Pix[m.PixOffset(part.Min.X, y):][:part.Dx()] {
			*(*[4]byte)(to) = table[v]
			to = to[4:]
		}
	}
	return flat
}

// scaler returns a scaler whose weights are computed once for pictures of one size.
func (r *renderer) scaler(key resizing) *resample.Scaler {
	s := r.scalers[key]
	if s == nil {
		const kept = 16 // sets of more sizes than that gain little
		if r.scalers == nil || len(r.scalers) >= kept {
			r.scalers = make(map[resizing]*resample.Scaler)
		}
		kernel := resample.Triangle
		if r.filter == Bicubic {
			kernel = resample.Cubic
		}
		s = resample.NewWindow(kernel, key.whole, key.from, key.window)
		r.scalers[key] = s
	}
	return s
}

// unpack writes small, which is turned as stored, upright into planes.
func (r *renderer) unpack(planes []byte, small *image.RGBA, orientation int) {
	plane := r.height * r.width
	flip := byte(0)
	if r.invert {
		flip = 255 // v XOR 255 = 255 − v
	}
	for y := range r.height {
		for x := range r.width {
			sx, sy := storedPoint(x, y, orientation, r.width, r.height)
			at := small.PixOffset(sx, sy)
			red, green, blue := small.Pix[at], small.Pix[at+1], small.Pix[at+2]
			i := y*r.width + x
			if r.channels == 1 {
				planes[i] = luminance(red, green, blue) ^ flip
				continue
			}
			planes[i], planes[plane+i], planes[2*plane+i] = red^flip, green^flip, blue^flip
		}
	}
}

// luminance is JFIF's Y, rounded; equal components give their value exactly.
func luminance(r, g, b byte) byte {
	return byte((19595*uint32(r) + 38470*uint32(g) + 7471*uint32(b) + 1<<15) >> 16)
}

// storedPoint returns where the upright pixel (x, y) of a picture of w×h (upright) is
// stored under an EXIF orientation.
func storedPoint(x, y, orientation, w, h int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, w - 1 - x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return h - 1 - y, x
	}
	return x, y
}

// storedRect is storedPoint for a rectangle that is not empty.
func storedRect(r image.Rectangle, orientation, w, h int) image.Rectangle {
	x0, y0 := storedPoint(r.Min.X, r.Min.Y, orientation, w, h)
	x1, y1 := storedPoint(r.Max.X-1, r.Max.Y-1, orientation, w, h)
	return image.Rect(min(x0, x1), min(y0, y1), max(x0, x1)+1, max(y0, y1)+1)
}

// planesToImage is the way back, for people to look at.
func planesToImage(planes []byte, channels, h, w int, inverted bool) image.Image {
	flip := byte(0)
	if inverted {
		flip = 255
	}
	if channels == 1 {
		img := image.NewGray(image.Rect(0, 0, w, h))
		for i, v := range planes {
			img.Pix[i] = v ^ flip
		}
		return img
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	plane := h * w
	for i := range plane {
		img.SetRGBA(i%w, i/w, color.RGBA{planes[i] ^ flip, planes[plane+i] ^ flip, planes[2*plane+i] ^ flip, 255})
	}
	return img
}

// isColour reports whether img holds more colour than the rounding of a grey JPEG
// leaves.
func isColour(img *image.RGBA) bool {
	const tolerance = 8
	for p := img.Pix; len(p) >= 4; p = p[4:] {
		if max(p[0], p[1], p[2])-min(p[0], p[1], p[2]) > tolerance {
			return true
		}
	}
	return false
}

// isBlank reports whether each plane is of one value.
func isBlank(planes []byte, channels int) bool {
	plane := len(planes) / channels
	for c := range channels {
		p := planes[c*plane : (c+1)*plane]
		for _, v := range p {
			if v != p[0] {
				return false
			}
		}
	}
	return true
}
