package jpeg

import (
	"image"
	"image/draw"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func noise(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
		if r.IntN(4) == 0 {
			b[i] = byte(r.IntN(2) * 255)
		}
	}
	return b
}

// Rows of every length become what the loops make of them, and nothing beside them changes.
func TestRowsAsLoops(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for shift := range 3 {
		for n := 1; n < 100; n++ {
			half := (n-1)>>shift + 1
			first, second, third, fourth := noise(r, n), noise(r, half), noise(r, half), noise(r, n)
			before := noise(r, 4*n+16)
			flip, set := r.Uint32(), r.Uint32()
			got, want := append([]byte(nil), before...), append([]byte(nil), before...)
			interleave(got, [4][]byte{first, second, third, fourth}, shift, flip, set)
			interleaveLoop(want, first, second, third, fourth, 0, shift, flip, set)
			require.Equal(t, want, got)
			colours(got, first, second, third, shift)
			coloursLoop(want, first, second, third, 0, shift)
			require.Equal(t, want, got)
		}
	}
}

// All colours of YCbCr become what package image/color makes of them.
func TestAllColours(t *testing.T) {
	luma, got, want := make([]byte, 256), make([]byte, 1024), make([]byte, 1024)
	for i := range luma {
		luma[i] = byte(i)
	}
	blueness, redness := make([]byte, 256), make([]byte, 256)
	for cb := range 256 {
		for cr := range 256 {
			for i := range blueness {
				blueness[i], redness[i] = byte(cb), byte(cr)
			}
			colours(got, luma, blueness, redness, 0)
			coloursLoop(want, luma, blueness, redness, 0, 0)
			require.True(t, string(want) == string(got), "Cb %d, Cr %d", cb, cr)
		}
	}
}

// Pictures of any subsampling are drawn as image/draw draws them, to a place in the middle too.
func TestDrawAsImageDraw(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, ratio := range ratios {
		for range 20 {
			src := image.NewYCbCr(image.Rect(0, 0, 1+r.IntN(70), 1+r.IntN(9)), ratio)
			copy(src.Y, noise(r, len(src.Y)))
			copy(src.Cb, noise(r, len(src.Cb)))
			copy(src.Cr, noise(r, len(src.Cr)))
			got := image.NewRGBA(image.Rect(0, 0, 80, 12))
			want := image.NewRGBA(got.Rect)
			at := image.Pt(r.IntN(10), r.IntN(3))
			place := image.Rectangle{at, at.Add(src.Rect.Size())}.Intersect(image.Rect(0, 0, 78, 11))
			eachWay(t, func(t *testing.T) {
				clear(got.Pix)
				Draw(got, place, src)
				draw.Draw(want, place, src, image.Point{}, draw.Src)
				require.Equal(t, want, got, ratio)
			})
		}
	}
}
