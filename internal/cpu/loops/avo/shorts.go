package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A tile of products of shorts: so many rows by vectors of eight columns.
const (
	shortRows   = 6
	shortVecs   = 2
	shortUnroll = 4 // pairs
)

func emitShorts(c *build.Context, decl *bytes.Buffer) {
	a := &asm{Context: c, isa: avx2, elem: f32}
	shortTile(a, decl)
	shorten(a, decl)
	lengthen(a, decl)
}

// shortTile writes the sums of products of 16-bit integers of a tile, two products an
// instruction and lane: twice as many as of float32.
func shortTile(a *asm, decl *bytes.Buffer) {
	const signature = "(c *float32, cRow int, x *int16, xRow int, panel *int16, quads int, alpha float32)"
	name := "shortTile" + a.name
	fmt.Fprintf(decl, "\n// %[1]s sets the tile of %[2]d rows by %[3]d columns c = alpha·Σ x·panel over 8·quads elements. Rows stand cRow and xRow bytes apart.\n//\n//go:noescape\nfunc %[1]s%[4]s\n",
		name, shortRows, 8*shortVecs, signature)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	x, xRow := a.Load(a.Param("x"), a.GP64()), a.Load(a.Param("xRow"), a.GP64())
	panel := a.Load(a.Param("panel"), a.GP64())
	quads := a.Load(a.Param("quads"), a.GP64())
	x3 := a.GP64() // the row three further
	a.LEAQ(operand.Mem{Base: xRow, Index: xRow, Scale: 2}, x3)
	a.ADDQ(x, x3)
	row := func(r, pair int) operand.Mem {
		base := x
		if r >= 3 {
			base = x3
		}
		m := operand.Mem{Base: base, Disp: 4 * pair}
		if r%3 > 0 {
			m.Index, m.Scale = xRow, uint8(r%3)
		}
		return m
	}
	var sums [shortRows][shortVecs]reg.VecVirtual
	for r := range sums {
		for v := range sums[r] {
			sums[r][v] = a.YMM()
			a.VPXOR(sums[r][v], sums[r][v], sums[r][v])
		}
	}
	a.Label("quad")
	for pair := range shortUnroll {
		var b [shortVecs]reg.VecVirtual
		for v := range b {
			b[v] = a.YMM()
			a.VMOVDQU(operand.Mem{Base: panel, Disp: 32 * (shortVecs*pair + v)}, b[v])
		}
		for r := range sums {
			both, product := a.YMM(), a.YMM()
			a.VPBROADCASTD(row(r, pair), both)
			a.VPMADDWD(b[0], both, product)
			a.VPADDD(product, sums[r][0], sums[r][0])
			a.VPMADDWD(b[1], both, both)
			a.VPADDD(both, sums[r][1], sums[r][1])
		}
	}
	a.ADDQ(operand.U8(4*shortUnroll), x)
	a.ADDQ(operand.U8(4*shortUnroll), x3)
	a.ADDQ(operand.U32(32*shortVecs*shortUnroll), panel)
	a.DECQ(quads)
	a.JNZ(operand.LabelRef("quad"))
	c, cRow := a.Load(a.Param("c"), a.GP64()), a.Load(a.Param("cRow"), a.GP64())
	alpha := a.YMM()
	ref, err := a.Param("alpha").Resolve()
	if err != nil {
		panic(err)
	}
	a.VBROADCASTSS(ref.Addr, alpha)
	for r := range sums {
		for v, s := range sums[r] {
			a.VCVTDQ2PS(s, s)
			a.VMULPS(alpha, s, s)
			a.VMOVUPS(s, operand.Mem{Base: c, Disp: 32 * v})
		}
		a.ADDQ(cRow, c)
	}
	a.VZEROUPPER()
	a.RET()
}

// shorten writes the rounding of numbers to 16-bit integers.
func shorten(a *asm, decl *bytes.Buffer) {
	const signature = "(dst *int16, src *float32, blocks int, scale float32)"
	name := "shorten" + a.name
	fmt.Fprintf(decl, "\n// %[1]s sets dst = scale·src, rounded to even, over 16·blocks elements.\n//\n//go:noescape\nfunc %[1]s%[2]s\n", name, signature)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	dst, src := a.Load(a.Param("dst"), a.GP64()), a.Load(a.Param("src"), a.GP64())
	blocks := a.Load(a.Param("blocks"), a.GP64())
	scale := a.YMM()
	ref, err := a.Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	a.VBROADCASTSS(ref.Addr, scale)
	a.Label("block")
	low, high := a.YMM(), a.YMM()
	a.VMULPS(operand.Mem{Base: src}, scale, low)
	a.VMULPS(operand.Mem{Base: src, Disp: 32}, scale, high)
	a.VCVTPS2DQ(low, low)
	a.VCVTPS2DQ(high, high)
	a.VPACKSSDW(high, low, low)
	a.VPERMQ(operand.U8(0xd8), low, low)
	a.VMOVDQU(low, operand.Mem{Base: dst})
	a.ADDQ(operand.U8(64), src)
	a.ADDQ(operand.U8(32), dst)
	a.DECQ(blocks)
	a.JNZ(operand.LabelRef("block"))
	a.VZEROUPPER()
	a.RET()
}

// lengthen writes numbers of 8 bits as float32.
func lengthen(a *asm, decl *bytes.Buffer) {
	const signature = "(dst *float32, src *int8, blocks int, scale float32)"
	name := "lengthen" + a.name
	fmt.Fprintf(decl, "\n// %[1]s sets dst = scale·src over 8·blocks elements.\n//\n//go:noescape\nfunc %[1]s%[2]s\n", name, signature)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	dst, src := a.Load(a.Param("dst"), a.GP64()), a.Load(a.Param("src"), a.GP64())
	blocks := a.Load(a.Param("blocks"), a.GP64())
	scale := a.YMM()
	ref, err := a.Param("scale").Resolve()
	if err != nil {
		panic(err)
	}
	a.VBROADCASTSS(ref.Addr, scale)
	a.Label("block")
	v := a.YMM()
	a.VPMOVSXBD(operand.Mem{Base: src}, v)
	a.VCVTDQ2PS(v, v)
	a.VMULPS(scale, v, v)
	a.VMOVUPS(v, operand.Mem{Base: dst})
	a.ADDQ(operand.U8(8), src)
	a.ADDQ(operand.U8(32), dst)
	a.DECQ(blocks)
	a.JNZ(operand.LabelRef("block"))
	a.VZEROUPPER()
	a.RET()
}
