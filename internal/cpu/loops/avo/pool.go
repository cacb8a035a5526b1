package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Max-pooling of 2×2 windows at stride 2, eight windows at a time. The last eight of a row
// may reach beyond it: package loops sees to it that what is written there comes later.

func emitPool(c *build.Context, decl *bytes.Buffer) {
	maxPool(c, decl)
	maxPoolGrad(c, decl)
}

// evens is 0 2 4 … 14 in the order in which shuffled pairs of vectors come.
func evens(c *build.Context) operand.Mem {
	m := c.StaticGlobal("evens")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for _, v := range []uint32{0, 2, 8, 10, 4, 6, 12, 14} {
		c.AppendDatum(operand.U32(v))
	}
	return m
}

func maxPool(c *build.Context, decl *bytes.Buffer) {
	const signature = "(y *float32, arg *int32, x *float32, width, rows, cols int)"
	fmt.Fprintf(decl, `
// maxPoolAVX2 computes rows of cols maxima over 2×2 windows of x, whose rows are width
// wide, and unless arg is nil where in x they are.
//
//go:noescape
func maxPoolAVX2%s
`, signature)
	order := evens(c)
	c.Function("maxPoolAVX2")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func" + signature)
	load := func(name string) reg.Register { return c.Load(c.Param(name), c.GP64()) }
	y, arg, x := load("y"), load("arg"), load("x")
	width, rows, cols := load("width"), load("rows"), load("cols")
	base, one, below, diagonal := c.YMM(), c.YMM(), c.YMM(), c.YMM()
	row, in, at, n, t := c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64()
	// Offsets in x of the windows' four elements: 0, 1, width and width+1.
	spread := func(r reg.Register, v vec) {
		c.VMOVD(r.(reg.GPVirtual).As32(), v.AsX())
		c.VPBROADCASTD(v.AsX(), v)
	}
	c.MOVQ(operand.U32(1), t)
	spread(t, one)
	spread(width, below)
	c.VPADDD(one, below, diagonal)
	c.XORQ(row, row)
	c.Label("row")
	c.MOVQ(x, in)
	c.XORQ(at, at)
	c.MOVQ(cols, n)
	spread(row, base)
	c.VPADDD(order, base, base)
	c.Label("windows")
	a0, a1, b0, b1 := c.YMM(), c.YMM(), c.YMM(), c.YMM()
	c.VMOVUPS(operand.Mem{Base: in}, a0)
	c.VMOVUPS(operand.Mem{Base: in, Disp: 32}, a1)
	c.VMOVUPS(operand.Mem{Base: in, Index: width, Scale: 4}, b0)
	c.VMOVUPS(operand.Mem{Base: in, Index: width, Scale: 4, Disp: 32}, b1)
	top, v, index, m, ordered := c.YMM(), c.YMM(), c.YMM(), c.YMM(), c.YMM()
	c.VSHUFPS(operand.U8(0x88), a1, a0, top)
	c.VMOVDQU(base, index)
	other := c.YMM()
	for _, candidate := range []struct {
		lo, hi vec
		pick   uint8
		offset vec
	}{{a0, a1, 0xdd, one}, {b0, b1, 0x88, below}, {b0, b1, 0xdd, diagonal}} {
		const notLessOrEqual, isOrdered = 6, 7
		c.VSHUFPS(operand.U8(candidate.pick), candidate.hi, candidate.lo, v)
		c.VCMPPS(operand.U8(notLessOrEqual), top, v, m)
		c.VCMPPS(operand.U8(isOrdered), top, top, ordered)
		c.VANDPS(ordered, m, m)
		c.VBLENDVPS(m, v, top, top)
		c.VPADDD(candidate.offset, base, other)
		c.VBLENDVPS(m, other, index, index)
	}
	c.VPERMPD(operand.U8(0xd8), top, top)
	c.VMOVUPS(top, operand.Mem{Base: y, Index: at, Scale: 4})
	c.TESTQ(arg, arg)
	c.JZ(operand.LabelRef("next"))
	c.VPERMQ(operand.U8(0xd8), index, index)
	c.VMOVDQU(index, operand.Mem{Base: arg, Index: at, Scale: 4})
	c.Label("next")
	c.ADDQ(operand.U8(64), in)
	c.ADDQ(operand.U8(8), at)
	sixteen := c.YMM()
	c.VPADDD(one, one, sixteen)
	c.VPSLLD(operand.U8(3), sixteen, sixteen)
	c.VPADDD(sixteen, base, base)
	c.SUBQ(operand.U8(8), n)
	c.JG(operand.LabelRef("windows"))
	c.LEAQ(operand.Mem{Base: y, Index: cols, Scale: 4}, y)
	c.TESTQ(arg, arg)
	c.JZ(operand.LabelRef("noarg"))
	c.LEAQ(operand.Mem{Base: arg, Index: cols, Scale: 4}, arg)
	c.Label("noarg")
	c.LEAQ(operand.Mem{Base: x, Index: width, Scale: 8}, x)
	c.LEAQ(operand.Mem{Base: row, Index: width, Scale: 2}, row)
	c.DECQ(rows)
	c.JNZ(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}

func maxPoolGrad(c *build.Context, decl *bytes.Buffer) {
	const signature = "(dx, dy *float32, arg *int32, width, rows, cols int)"
	fmt.Fprintf(decl, `
// maxPoolGradAVX2 writes each dy to its place in dx, and zeros to the rest of the 2×2
// windows, which fill dx: rows of 2·cols = width.
//
//go:noescape
func maxPoolGradAVX2%s
`, signature)
	c.Function("maxPoolGradAVX2")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func" + signature)
	load := func(name string) reg.Register { return c.Load(c.Param(name), c.GP64()) }
	dx, dy, arg := load("dx"), load("dy"), load("arg")
	width, rows, cols := load("width"), load("rows"), load("cols")
	row, out, at, n, half := c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64()
	first := c.YMM()
	natural := c.StaticGlobal("naturalEvens")
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range uint32(8) {
		c.AppendDatum(operand.U32(2 * i))
	}
	one, sixteen := c.YMM(), c.YMM()
	c.MOVQ(operand.U32(1), at)
	c.VMOVD(at.As32(), one.AsX())
	c.VPBROADCASTD(one.AsX(), one)
	c.VPSLLD(operand.U8(4), one, sixteen)
	c.XORQ(row, row)
	c.Label("row")
	c.MOVQ(operand.U32(2), half)
	c.Label("half") // the upper row of the windows, then the lower
	c.MOVQ(dx, out)
	c.XORQ(at, at)
	c.MOVQ(cols, n)
	c.VMOVD(row.As32(), first.AsX())
	c.VPBROADCASTD(first.AsX(), first)
	c.VPADDD(natural, first, first)
	c.Label("windows")
	g, k, even, odd, lo, hi := c.YMM(), c.YMM(), c.YMM(), c.YMM(), c.YMM(), c.YMM()
	c.VMOVUPS(operand.Mem{Base: dy, Index: at, Scale: 4}, g)
	c.VMOVDQU(operand.Mem{Base: arg, Index: at, Scale: 4}, k)
	c.VPCMPEQD(first, k, even)
	c.VPADDD(one, first, odd)
	c.VPCMPEQD(odd, k, odd)
	c.VANDPS(g, even, even)
	c.VANDPS(g, odd, odd)
	c.VUNPCKLPS(odd, even, lo)
	c.VUNPCKHPS(odd, even, hi)
	c.VPERM2F128(operand.U8(0x20), hi, lo, even)
	c.VPERM2F128(operand.U8(0x31), hi, lo, odd)
	c.VMOVUPS(even, operand.Mem{Base: out})
	c.VMOVUPS(odd, operand.Mem{Base: out, Disp: 32})
	c.VPADDD(sixteen, first, first)
	c.ADDQ(operand.U8(64), out)
	c.ADDQ(operand.U8(8), at)
	c.SUBQ(operand.U8(8), n)
	c.JG(operand.LabelRef("windows"))
	c.LEAQ(operand.Mem{Base: dx, Index: width, Scale: 4}, dx)
	c.ADDQ(width, row)
	c.DECQ(half)
	c.JNZ(operand.LabelRef("half"))
	c.LEAQ(operand.Mem{Base: dy, Index: cols, Scale: 4}, dy)
	c.LEAQ(operand.Mem{Base: arg, Index: cols, Scale: 4}, arg)
	c.DECQ(rows)
	c.JNZ(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}
