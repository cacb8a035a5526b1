package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Rows of channels become pixels of four bytes.

// begin begins a function.
func (a *asm) begin(decl *bytes.Buffer, doc, name, signature string) {
	fmt.Fprintf(decl, "\n%s\n//\n//go:noescape\nfunc %s%s\n", doc, name, signature)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
}

func (a *asm) argument(name string) reg.Register { return a.Load(a.Param(name), a.GP64()) }

// broadcast is an argument of 32 bits in all lanes.
func (a *asm) broadcast(name string) vec {
	v := a.XMM()
	a.VMOVD(a.Load(a.Param(name), a.GP32()), v)
	a.VPBROADCASTD(v, v)
	return v
}

func emitInterleave(a *asm, decl *bytes.Buffer) {
	a.begin(decl, `// interleaveAVX2 is interleaveLoop for n pixels, a multiple of 16 above 0.`,
		"interleaveAVX2", "(to, first, second, third, fourth *byte, n int, flip, set uint32)")
	to, n := a.argument("to"), a.argument("n")
	from := []reg.Register{a.argument("first"), a.argument("second"), a.argument("third"), a.argument("fourth")}
	flip, set := a.broadcast("flip"), a.broadcast("set")
	at := a.GP64()
	a.XORQ(at, at)
	a.Label("pixels")
	var rows [4]vec
	for i, p := range from {
		rows[i] = a.XMM()
		a.VMOVDQU(operand.Mem{Base: p, Index: at, Scale: 1}, rows[i])
	}
	var pairs [4]vec // of the lower eight pixels, then of the upper ones
	for i := range pairs {
		pairs[i] = a.XMM()
		unpack := a.VPUNPCKLBW
		if i >= 2 {
			unpack = a.VPUNPCKHBW
		}
		unpack(rows[2*(i%2)+1], rows[2*(i%2)], pairs[i])
	}
	for i := range 4 {
		pixels := a.XMM()
		unpack := a.VPUNPCKLWD
		if i%2 == 1 {
			unpack = a.VPUNPCKHWD
		}
		unpack(pairs[i/2*2+1], pairs[i/2*2], pixels)
		a.VPXOR(flip, pixels, pixels)
		a.VPOR(set, pixels, pixels)
		a.VMOVDQU(pixels, operand.Mem{Base: to, Disp: 16 * i})
	}
	a.ADDQ(operand.U8(64), to)
	a.ADDQ(operand.U8(16), at)
	a.CMPQ(at, n)
	a.JLT(operand.LabelRef("pixels"))
	a.RET()
}

// inPixels is the order of the bytes of four pixels: red, green, blue and alpha come four at a time.
func (a *asm) inPixels() operand.Mem {
	m := a.StaticGlobal("inPixels")
	a.DataAttributes(attr.RODATA | attr.NOPTR)
	for range 2 {
		for _, v := range []uint32{0x0c080400, 0x0d090501, 0x0e0a0602, 0x0f0b0703} {
			a.AppendDatum(operand.U32(v))
		}
	}
	return m
}

func emitColours(a *asm, decl *bytes.Buffer) {
	order := a.inPixels()
	a.colours(decl, order, "coloursAVX2", `// coloursAVX2 is coloursLoop for n pixels, a multiple of 8 above 0, each with a Cb and Cr of its
// own.`, 1, func(from operand.Mem, to vec) { a.VPMOVZXBD(from, to) })
	a.colours(decl, order, "coloursOfPairsAVX2", `// coloursOfPairsAVX2 is coloursAVX2 for pixels of which two have the same Cb and Cr.`, 2,
		func(from operand.Mem, to vec) {
			a.VMOVD(from, to.AsX())
			a.VPUNPCKLBW(to.AsX(), to.AsX(), to.AsX())
			a.VPMOVZXBD(to.AsX(), to)
		})
}

// colours writes a kernel for YCbCr, as package image/color converts it, of which so many pixels
// share one Cb and Cr; chroma loads those of eight pixels.
func (a *asm) colours(decl *bytes.Buffer, order operand.Mem, name, doc string, share int, chroma func(from operand.Mem, to vec)) {
	a.begin(decl, doc, name, "(to, luma, blueness, redness *byte, n int)")
	to, n := a.argument("to"), a.argument("n")
	luma, blueness, redness := a.argument("luma"), a.argument("blueness"), a.argument("redness")
	opaque := a.YMM()
	a.VPCMPEQD(opaque, opaque, opaque)
	a.VPSRLD(operand.U8(24), opaque, opaque)
	at := a.GP64()
	a.XORQ(at, at)
	a.Label("pixels")
	y, cb, cr, t := a.YMM(), a.YMM(), a.YMM(), a.YMM()
	a.VPMOVZXBD(operand.Mem{Base: luma, Index: at, Scale: 1}, y)
	chroma(operand.Mem{Base: blueness}, cb)
	chroma(operand.Mem{Base: redness}, cr)
	a.ADDQ(operand.U8(8/share), blueness)
	a.ADDQ(operand.U8(8/share), redness)
	a.VPMULLD(a.spread(0x10101), y, y)
	a.VPSUBD(a.spread(128), cb, cb)
	a.VPSUBD(a.spread(128), cr, cr)
	red, green, blue := a.YMM(), a.YMM(), a.YMM()
	a.VPMULLD(a.spread(91881), cr, red)
	a.VPADDD(y, red, red)
	a.VPMULLD(a.spread(-22554), cb, green)
	a.VPMULLD(a.spread(-46802), cr, t)
	a.VPADDD(t, green, green)
	a.VPADDD(y, green, green)
	a.VPMULLD(a.spread(116130), cb, blue)
	a.VPADDD(y, blue, blue)
	for _, v := range []vec{red, green, blue} {
		a.right(v, 16)
	}
	a.VPACKSSDW(green, red, red)
	a.VPACKSSDW(opaque, blue, blue)
	a.VPACKUSWB(blue, red, red)
	a.VPSHUFB(order, red, red)
	a.VMOVDQU(red, operand.Mem{Base: to, Index: at, Scale: 4})
	a.ADDQ(operand.U8(8), at)
	a.CMPQ(at, n)
	a.JLT(operand.LabelRef("pixels"))
	a.VZEROUPPER()
	a.RET()
}
