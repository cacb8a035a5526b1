// Copyright 2025 The Go Authors. All rights reserved.
// Use of this source code is governed by a BSD-style
// license that can be found in the file LICENSE-go.

package jpeg

import "encoding/binary"

// This is the inverse transform of Go's image/jpeg, whose comments prove how many bits each
// step needs, with short ways for what is 0. Christoph Loeffler, Adriaan Ligtenberg and George
// S. Moschytz, "Practical Fast 1-D DCT Algorithms with 11 Multiplications", ICASSP 1989.

// The constants of rotations, in 60 bits behind the point.
const (
	cos1     = 1130768441178740757 // cos π/16
	sin1     = 224923827593068887
	cos3     = 958619196450722178 // cos 3π/16
	sin3     = 640528868967736374
	half     = 815238614083298888 // 1/√2
	halfCos6 = 311978311033955632 // (cos 6π/16)/√2
	halfSin6 = 753182269664427492
)

// fixed rounds a constant to so many bits behind the point.
func fixed(x uint64, bits int) int32 { return int32((x + 1<<(59-bits)) >> (60 - bits)) }

// rotate turns (x0, x1).
func rotate(x0, x1, cos, sin int32) (y0, y1 int32) {
	sum := cos * (x0 + x1)
	return sum + (sin-cos)*x1, sum - (cos+sin)*x0
}

// inverse draws a block into pix; isFlat says that all its coefficients but the mean are 0. It may
// change the block.
func inverse(b *block, isFlat bool, pix []byte, stride int) {
	_ = pix[7*stride+7]
	switch {
	case isFlat:
		v := 0x0101010101010101 * uint64(sample((b[0]<<17+1<<19)>>20))
		for y := range 8 {
			binary.LittleEndian.PutUint64(pix[y*stride:], v)
		}
	case hasAVX2:
		inverseAVX2(&b[0], &pix[0], stride)
	default:
		inverseLoop(b, pix, stride)
	}
}

// inverseLoop is inverse as image/jpeg has it, with a short way for rows of which only the first
// coefficient is not 0.
func inverseLoop(b *block, pix []byte, stride int) {
	for y := range 8 {
		x := (*[57]int32)(b[y:])
		if x[8]|x[16]|x[24]|x[32]|x[40]|x[48]|x[56] != 0 {
			inverseRow(x)
			continue
		}
		v := x[0] << 17
		x[0], x[8], x[16], x[24], x[32], x[40], x[48], x[56] = v, v, v, v, v, v, v, v
	}
	var samples [64]byte
	for x := range 8 {
		inverseColumn((*[57]byte)(samples[x:]), (*[8]int32)(b[8*x:]))
	}
	for y := range 8 {
		*(*[8]byte)(pix[y*stride:]) = [8]byte(samples[8*y:])
	}
}

// sample shifts a level to 0 … 255 and cuts what lies outside.
func sample(v int32) byte {
	if v += 128; uint32(v) > 255 {
		return byte(^v >> 31)
	}
	return byte(v)
}

// inverseRow transforms every eighth number.
func inverseRow(x *[57]int32) {
	x0, x7, x2, x5, x1, x6, x3, x4 := x[0], x[8], x[16], x[24], x[32], x[40], x[48], x[56]

	x0 <<= 17
	x1 <<= 17
	x0, x1 = x0+x1, x0-x1
	x2, x3 = rotate(x2, x3, fixed(halfCos6, 18), -fixed(halfSin6, 18))
	x1, x2 = x1+x2, x1-x2
	x0, x3 = x0+x3, x0-x3

	x4 <<= 7
	x7 <<= 7
	x7, x4 = x7+x4, x7-x4
	x6 *= fixed(half, 8)
	x5 *= fixed(half, 8)
	x7, x5 = x7+x5, x7-x5
	x4, x6 = x4+x6, x4-x6
	x4, x7 = rotate(x4>>2, x7>>2, fixed(cos3, 12), -fixed(sin3, 12))
	x5, x6 = rotate(x5>>2, x6>>2, fixed(cos1, 12), -fixed(sin1, 12))

	x[0], x[56] = x0+x7, x0-x7
	x[8], x[48] = x1+x6, x1-x6
	x[16], x[40] = x2+x5, x2-x5
	x[24], x[32] = x3+x4, x3-x4
}

// inverseColumn transforms a column, and writes every eighth byte.
func inverseColumn(to *[57]byte, x *[8]int32) {
	x0, x7, x2, x5, x1, x6, x3, x4 := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]

	x0 += 1 << 19 // rounds all that come out
	x0, x1 = (x0+x1)>>2, (x0-x1)>>2
	x2, x3 = rotate(x2>>13, x3>>13, fixed(halfCos6, 12), -fixed(halfSin6, 12))
	x1, x2 = x1+x2, x1-x2
	x0, x3 = x0+x3, x0-x3

	x7, x4 = x7+x4, x7-x4
	x5 = (x5 >> 13) * fixed(half, 14)
	x6 = (x6 >> 13) * fixed(half, 14)
	x7, x5 = x7+x5, x7-x5
	x4, x6 = x4+x6, x4-x6
	x4, x7 = rotate(x4>>14, x7>>14, fixed(cos3, 12), -fixed(sin3, 12))
	x5, x6 = rotate(x5>>14, x6>>14, fixed(cos1, 12), -fixed(sin1, 12))

	to[0], to[56] = sample((x0+x7)>>18), sample((x0-x7)>>18)
	to[8], to[48] = sample((x1+x6)>>18), sample((x1-x6)>>18)
	to[16], to[40] = sample((x2+x5)>>18), sample((x2-x5)>>18)
	to[24], to[32] = sample((x3+x4)>>18), sample((x3-x4)>>18)
}
