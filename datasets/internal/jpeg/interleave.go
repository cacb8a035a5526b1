package jpeg

import (
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
)

// interleave writes a row of pixels of four bytes to pix: one of each channel, their bits turned
// where flip has ones, and set where set has. The second and third channel have a byte for
// every 1<<shift pixels.
func interleave(pix []byte, channels [4][]byte, shift int, flip, set uint32) {
	first := channels[0]
	n := len(first)
	pix = pix[:4*n]
	second, third, fourth := channels[1][:(n-1)>>shift+1], channels[2][:(n-1)>>shift+1], channels[3][:n]
	done := n &^ 15
	if hasAVX2 && shift == 0 && done > 0 {
		interleaveAVX2(&pix[0], &first[0], &second[0], &third[0], &fourth[0], done, flip, set)
	} else {
		done = 0
	}
	interleaveLoop(pix, first, second, third, fourth, done, shift, flip, set)
}

// interleaveLoop is interleave from pixel x on.
func interleaveLoop(pix, first, second, third, fourth []byte, x, shift int, flip, set uint32) {
	for ; x < len(first); x++ {
		v := uint32(first[x]) | uint32(second[x>>shift])<<8 | uint32(third[x>>shift])<<16 | uint32(fourth[x])<<24
		binary.LittleEndian.PutUint32(pix[4*x:], v^flip|set)
	}
}

// colours writes a row of pixels of RGBA, opaque, to pix, from one of YCbCr whose Cb and Cr are
// those of 1<<shift pixels.
func colours(pix, luma, blueness, redness []byte, shift int) {
	n := len(luma)
	pix, blueness, redness = pix[:4*n], blueness[:(n-1)>>shift+1], redness[:(n-1)>>shift+1]
	done := n &^ 7
	switch {
	case !hasAVX2 || done == 0 || shift > 1:
		done = 0
	case shift == 0:
		coloursAVX2(&pix[0], &luma[0], &blueness[0], &redness[0], done)
	default:
		coloursOfPairsAVX2(&pix[0], &luma[0], &blueness[0], &redness[0], done)
	}
	coloursLoop(pix, luma, blueness, redness, done, shift)
}

// coloursLoop is colours from pixel x on.
func coloursLoop(pix, luma, blueness, redness []byte, x, shift int) {
	for ; x < len(luma); x++ {
		p := pix[4*x : 4*x+4 : 4*x+4]
		p[0], p[1], p[2] = color.YCbCrToRGB(luma[x], blueness[x>>shift], redness[x>>shift])
		p[3] = 0xff
	}
}

// Draw draws src, whose bounds begin at (0, 0), to the place of its size in dst, as image/draw does.
func Draw(dst *image.RGBA, place image.Rectangle, src *image.YCbCr) {
	if !hasAVX2 || src.Rect.Min != (image.Point{}) || !place.In(dst.Rect) || place.Dx() > src.Rect.Dx() || place.Dy() > src.Rect.Dy() {
		draw.Draw(dst, place, src, src.Rect.Min, draw.Src)
		return
	}
	shift := 0
	switch src.SubsampleRatio {
	case image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420:
		shift = 1
	case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
		shift = 2
	}
	for y := range place.Dy() {
		chroma := src.COffset(0, y)
		luma := src.Y[src.YOffset(0, y):][:place.Dx()]
		colours(dst.Pix[dst.PixOffset(place.Min.X, place.Min.Y+y):], luma, src.Cb[chroma:], src.Cr[chroma:], shift)
	}
}
