package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The inverse transform: eight rows side by side, then eight columns. Each step is that of
// inverseRow and inverseColumn in package jpeg, whose names of the variables stand here too.

type vec = reg.VecVirtual

// eight is a vector for each coefficient of a row or column.
type eight [8]vec

// The constants of rotations, in 60 bits behind the point, as in package jpeg.
const (
	cos1     = 1130768441178740757
	sin1     = 224923827593068887
	cos3     = 958619196450722178
	sin3     = 640528868967736374
	half     = 815238614083298888
	halfCos6 = 311978311033955632
	halfSin6 = 753182269664427492
)

// fixed rounds a constant to so many bits behind the point.
func fixed(x uint64, bits int) int32 { return int32((x + 1<<(59-bits)) >> (60 - bits)) }

// asm writes vector instructions.
type asm struct {
	*build.Context
	constants map[int32]operand.Mem // in memory
}

// spread is a vector in memory that holds v eight times.
func (a *asm) spread(v int32) operand.Mem {
	m, known := a.constants[v]
	if known {
		return m
	}
	m = a.StaticGlobal(fmt.Sprintf("spread%08x", uint32(v)))
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for range 8 {
		a.AppendDatum(operand.U32(uint32(v)))
	}
	if a.constants == nil {
		a.constants = make(map[int32]operand.Mem)
	}
	a.constants[v] = m
	return m
}

// sums returns x+y and x−y.
func (a *asm) sums(x, y vec) (sum, difference vec) {
	sum, difference = a.YMM(), a.YMM()
	a.VPADDD(y, x, sum)
	a.VPSUBD(y, x, difference)
	return sum, difference
}

// rotate turns (x, y).
func (a *asm) rotate(x, y vec, cos, sin int32) (vec, vec) {
	sum := a.YMM()
	a.VPADDD(y, x, sum)
	a.VPMULLD(a.spread(cos), sum, sum)
	a.VPMULLD(a.spread(sin-cos), y, y)
	a.VPMULLD(a.spread(cos+sin), x, x)
	a.VPADDD(y, sum, y)
	a.VPSUBD(x, sum, x)
	return y, x
}

func (a *asm) left(x vec, bits uint8)  { a.VPSLLD(operand.U8(bits), x, x) }
func (a *asm) right(x vec, bits uint8) { a.VPSRAD(operand.U8(bits), x, x) }
func (a *asm) times(x vec, by int32)   { a.VPMULLD(a.spread(by), x, x) }

func emitInverse(a *asm, decl *bytes.Buffer) {
	a.begin(decl, "// inverseAVX2 is inverseLoop for a block of any coefficients.", "inverseAVX2", "(b *int32, pix *byte, stride int)")
	from, to, stride := a.argument("b"), a.argument("pix"), a.argument("stride")
	var x eight
	for i := range x {
		x[i] = a.YMM()
		a.VMOVDQU(operand.Mem{Base: from, Disp: 32 * i}, x[i])
	}
	a.draw(a.columns(a.transpose(a.rows(x))), to, stride)
	a.VZEROUPPER()
	a.RET()
}

func (a *asm) rows(x eight) eight {
	x0, x7, x2, x5, x1, x6, x3, x4 := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
	a.left(x0, 17)
	a.left(x1, 17)
	x0, x1 = a.sums(x0, x1)
	x2, x3 = a.rotate(x2, x3, fixed(halfCos6, 18), -fixed(halfSin6, 18))
	x1, x2 = a.sums(x1, x2)
	x0, x3 = a.sums(x0, x3)

	a.left(x4, 7)
	a.left(x7, 7)
	x7, x4 = a.sums(x7, x4)
	a.times(x6, fixed(half, 8))
	a.times(x5, fixed(half, 8))
	x7, x5 = a.sums(x7, x5)
	x4, x6 = a.sums(x4, x6)
	return a.odd(eight{x0, x1, x2, x3, x4, x5, x6, x7}, 2)
}

// odd ends a transform: the rotations of its odd half, of whose numbers so many bits are cut
// off, and the sums of both halves.
func (a *asm) odd(x eight, cut uint8) eight {
	for _, v := range x[4:] {
		a.right(v, cut)
	}
	x[4], x[7] = a.rotate(x[4], x[7], fixed(cos3, 12), -fixed(sin3, 12))
	x[5], x[6] = a.rotate(x[5], x[6], fixed(cos1, 12), -fixed(sin1, 12))
	for i := range 4 {
		x[i], x[7-i] = a.sums(x[i], x[7-i])
	}
	return x
}

func (a *asm) columns(x eight) eight {
	x0, x7, x2, x5, x1, x6, x3, x4 := x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]
	a.VPADDD(a.spread(1<<19), x0, x0) // rounds all that come out
	x0, x1 = a.sums(x0, x1)
	a.right(x0, 2)
	a.right(x1, 2)
	a.right(x2, 13)
	a.right(x3, 13)
	x2, x3 = a.rotate(x2, x3, fixed(halfCos6, 12), -fixed(halfSin6, 12))
	x1, x2 = a.sums(x1, x2)
	x0, x3 = a.sums(x0, x3)

	x7, x4 = a.sums(x7, x4)
	a.right(x5, 13)
	a.right(x6, 13)
	a.times(x5, fixed(half, 14))
	a.times(x6, fixed(half, 14))
	x7, x5 = a.sums(x7, x5)
	x4, x6 = a.sums(x4, x6)
	x = a.odd(eight{x0, x1, x2, x3, x4, x5, x6, x7}, 14)
	for _, v := range x {
		a.right(v, 18)
	}
	return x
}

// transpose turns eight vectors of eight.
func (a *asm) transpose(x eight) eight {
	unpack := func(f func(...operand.Op), x, y vec) vec {
		to := a.YMM()
		f(y, x, to)
		return to
	}
	var pairs, fours, all eight
	for i := 0; i < 8; i += 2 {
		pairs[i], pairs[i+1] = unpack(a.VPUNPCKLDQ, x[i], x[i+1]), unpack(a.VPUNPCKHDQ, x[i], x[i+1])
	}
	for i := 0; i < 8; i += 4 {
		for j := range 2 {
			fours[i+2*j] = unpack(a.VPUNPCKLQDQ, pairs[i+j], pairs[i+2+j])
			fours[i+2*j+1] = unpack(a.VPUNPCKHQDQ, pairs[i+j], pairs[i+2+j])
		}
	}
	const lower, upper = 0x20, 0x31
	for i := range 4 {
		all[i], all[i+4] = a.YMM(), a.YMM()
		a.VPERM2I128(operand.U8(lower), fours[i+4], fours[i], all[i])
		a.VPERM2I128(operand.U8(upper), fours[i+4], fours[i], all[i+4])
	}
	return all
}

// draw writes eight rows of bytes: what lies outside of 0 … 255, with 128 added, is cut.
func (a *asm) draw(x eight, to, stride reg.Register) {
	order := a.StaticGlobal("order")
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		a.AppendDatum(operand.U32(v))
	}
	level := a.spread(128<<16 | 128) // of two numbers of 16 bits
	index := a.YMM()
	a.VMOVDQU(order, index)
	for i := 0; i < 8; i += 4 {
		a.VPACKSSDW(x[i+1], x[i], x[i])
		a.VPACKSSDW(x[i+3], x[i+2], x[i+2])
		a.VPADDW(level, x[i], x[i])
		a.VPADDW(level, x[i+2], x[i+2])
		a.VPACKUSWB(x[i+2], x[i], x[i])
		a.VPERMD(x[i], index, x[i])
	}
	thrice := a.GP64()
	a.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, thrice)
	for i := 0; i < 8; i += 4 {
		upper := a.XMM()
		a.VEXTRACTI128(operand.U8(1), x[i], upper)
		a.VMOVQ(x[i].AsX(), operand.Mem{Base: to})
		a.VMOVHPS(x[i].AsX(), operand.Mem{Base: to, Index: stride, Scale: 1})
		a.VMOVQ(upper, operand.Mem{Base: to, Index: stride, Scale: 2})
		a.VMOVHPS(upper, operand.Mem{Base: to, Index: thrice, Scale: 1})
		if i == 0 {
			a.LEAQ(operand.Mem{Base: to, Index: stride, Scale: 4}, to)
		}
	}
}
