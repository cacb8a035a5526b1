package resample

import (
	"fmt"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
)

var ratios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
	image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
}

// pictures returns one of every kind that there is, of random pixels. Those named opaque have
// an alpha of 255 in a kind that could have another.
func pictures(r *rand.Rand, bounds image.Rectangle) map[string]image.Image {
	noise := func(pix []byte) {
		extremes := r.IntN(2) == 0
		for i := range pix {
			if pix[i] = byte(r.Uint32()); extremes {
				pix[i] = byte(r.IntN(2) * 255)
			}
		}
	}
	opaque := func(pix []byte, step int) {
		for i := range pix {
			if i%step >= step*3/4 {
				pix[i] = 0xff
			}
		}
	}
	all := make(map[string]image.Image)
	grey, grey16 := image.NewGray(bounds), image.NewGray16(bounds)
	noise(grey.Pix)
	noise(grey16.Pix)
	all["grey"], all["grey of 16 bits"] = grey, grey16
	for _, name := range []string{"", "opaque "} {
		rgba, nrgba, rgba64, nrgba64 := image.NewRGBA(bounds), image.NewNRGBA(bounds), image.NewRGBA64(bounds), image.NewNRGBA64(bounds)
		for _, pix := range [][]byte{rgba.Pix, nrgba.Pix, rgba64.Pix, nrgba64.Pix} {
			noise(pix)
		}
		if name != "" {
			opaque(rgba.Pix, 4)
			opaque(nrgba.Pix, 4)
			opaque(rgba64.Pix, 8)
			opaque(nrgba64.Pix, 8)
		}
		all[name+"RGBA"], all[name+"NRGBA"], all[name+"RGBA64"], all[name+"NRGBA64"] = rgba, nrgba, rgba64, nrgba64
		palette := make(color.Palette, 200)
		for i := range palette {
			c := color.NRGBA64{uint16(r.Uint32()), uint16(r.Uint32()), uint16(r.Uint32()), uint16(r.Uint32())}
			if name != "" {
				c.A = 0xffff
			}
			palette[i] = c
		}
		paletted := image.NewPaletted(bounds, palette)
		for i := range paletted.Pix {
			paletted.Pix[i] = byte(r.IntN(len(palette)))
		}
		all[name+"paletted"] = paletted
	}
	inks := image.NewCMYK(bounds)
	noise(inks.Pix)
	all["CMYK"] = inks
	for _, ratio := range ratios {
		m := image.NewYCbCr(bounds, ratio)
		noise(m.Y)
		noise(m.Cb)
		noise(m.Cr)
		all[ratio.String()] = m
	}
	translucent := image.NewNYCbCrA(bounds, image.YCbCrSubsampleRatio420)
	noise(translucent.Y)
	noise(translucent.Cb)
	noise(translucent.A)
	all["NYCbCrA"] = translucent
	all["another kind"] = struct{ image.Image }{all["NRGBA"]}
	return all
}

// reference draws with golang.org/x/image/draw; palettes and inks become RGBA of 8 bits first.
func reference(dst *image.RGBA, to image.Rectangle, src image.Image, from image.Rectangle) {
	switch src.(type) {
	case *image.Paletted, *image.CMYK:
		flat := image.NewRGBA(from)
		draw.Draw(flat, from, src, from.Min, draw.Src)
		src = flat
	}
	draw.BiLinear.NewScaler(to.Dx(), to.Dy(), from.Dx(), from.Dy()).Scale(dst, to, src, from, draw.Over, nil)
}

// Every kind of picture becomes what golang.org/x/image/draw makes of it, bit for bit, reduced
// and enlarged, whole and in part.
func TestDrawAsXImage(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, 0))
	for _, size := range [][2]image.Point{ // result, source
		{{64, 64}, {640, 480}}, {{1, 1}, {37, 23}}, {{28, 28}, {29, 27}}, {{5, 40}, {17, 9}}, {{33, 20}, {1, 1}}, {{8, 8}, {16, 32}},
		{{3, 50}, {300, 2}}, {{20, 7}, {21, 1}}, {{10, 1}, {5, 3}}, {{64, 64}, {128, 128}},
	} {
		to, part := size[0], size[1]
		for _, min := range []image.Point{{0, 0}, {3, 5}} {
			bounds := image.Rectangle{min, min.Add(part)}
			from := bounds
			if min.X > 0 { // something around the part that is drawn
				bounds = image.Rectangle{image.Pt(1, 2), bounds.Max.Add(image.Pt(4, 3))}
			}
			s := New(Triangle, to, part) // of all kinds, so that nothing is left of the last one
			for name, src := range pictures(r, bounds) {
				t.Run(fmt.Sprintf("%s, %v of %v to %v", name, from, bounds, to), func(t *testing.T) {
					place := image.Rectangle{image.Pt(1, 2), image.Pt(1, 2).Add(to)}
					got := image.NewRGBA(image.Rect(0, 0, to.X+3, to.Y+4))
					for i := range got.Pix {
						got.Pix[i] = 0xff
					}
					want := image.NewRGBA(got.Rect)
					copy(want.Pix, got.Pix)
					s.Draw(got, place, src, from)
					reference(want, place, src, from)
					require.Equal(t, want.Pix, got.Pix, "seed %d", seed)
					require.Nil(t, s.source.fill, "the picture is still held")
				})
			}
		}
	}
}
