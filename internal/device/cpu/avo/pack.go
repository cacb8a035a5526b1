package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func emitPack(c *build.Context, decl *bytes.Buffer) {
	transpose4(c, decl)
	peak(c, decl)
	fmt.Fprint(decl, "\n// pause tells the processor that a loop waits.\nfunc pause()\n")
	c.Function("pause")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func()")
	c.PAUSE()
	c.RET()
}

// transpose4 writes four rows, eight elements of each at a time, into columns.
func transpose4(c *build.Context, decl *bytes.Buffer) {
	fmt.Fprint(decl, `
// transpose4AVX2 copies four rows of 8·blocks float32 into columns: element k of row i
// goes to dst + pitch·k + 4·i bytes.
//
//go:noescape
func transpose4AVX2(dst, r0, r1, r2, r3 *float32, blocks, pitch int)
`)
	c.Function("transpose4AVX2")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst, r0, r1, r2, r3 *float32, blocks, pitch int)")
	dst := c.Load(c.Param("dst"), c.GP64())
	var rows [4]reg.Register
	for i := range rows {
		rows[i] = c.Load(c.Param(fmt.Sprintf("r%d", i)), c.GP64())
	}
	blocks := c.Load(c.Param("blocks"), c.GP64())
	pitch := c.Load(c.Param("pitch"), c.GP64())
	three, high, at := c.GP64(), c.GP64(), c.GP64()
	c.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 2}, three)
	c.XORQ(at, at)
	c.Label("loop")
	v := [4]reg.VecVirtual{c.YMM(), c.YMM(), c.YMM(), c.YMM()}
	for i := range rows {
		c.VMOVUPS(operand.Mem{Base: rows[i], Index: at, Scale: 1}, v[i])
	}
	t := [4]reg.VecVirtual{c.YMM(), c.YMM(), c.YMM(), c.YMM()}
	c.VUNPCKLPS(v[1], v[0], t[0]) // rows 0 and 1, k = 0 1 in each half
	c.VUNPCKHPS(v[1], v[0], t[1]) // k = 2 3
	c.VUNPCKLPS(v[3], v[2], t[2])
	c.VUNPCKHPS(v[3], v[2], t[3])
	o := [4]reg.VecVirtual{c.YMM(), c.YMM(), c.YMM(), c.YMM()}
	c.VUNPCKLPD(t[2], t[0], o[0]) // k = 0, and 4 in the high half
	c.VUNPCKHPD(t[2], t[0], o[1])
	c.VUNPCKLPD(t[3], t[1], o[2])
	c.VUNPCKHPD(t[3], t[1], o[3])
	c.LEAQ(operand.Mem{Base: dst, Index: pitch, Scale: 4}, high)
	for i := range o {
		lo, hi := operand.Mem{Base: dst}, operand.Mem{Base: high}
		switch i {
		case 1, 2:
			lo.Index, lo.Scale = pitch, uint8(i)
			hi.Index, hi.Scale = pitch, uint8(i)
		case 3:
			lo.Index, lo.Scale = three, 1
			hi.Index, hi.Scale = three, 1
		}
		c.VMOVUPS(o[i].AsX(), lo)
		c.VEXTRACTF128(operand.U8(1), o[i], hi)
	}
	c.LEAQ(operand.Mem{Base: high, Index: pitch, Scale: 4}, dst)
	c.ADDQ(operand.U8(32), at)
	c.DECQ(blocks)
	c.JNZ(operand.LabelRef("loop"))
	c.VZEROUPPER()
	c.RET()
}

// peak writes loops of independent fused multiply-adds: what the processor can do.
func peak(c *build.Context, decl *bytes.Buffer) {
	for _, set := range []isa{avx512, avx2} {
		name := "peak" + set.name
		fmt.Fprintf(decl, "\n// %s does rounds·12 fused multiply-adds of float32 vectors.\nfunc %s(rounds int)\n", name, name)
		c.Function(name)
		c.Attributes(attr.NOSPLIT)
		c.SignatureExpr("func(rounds int)")
		rounds := c.Load(c.Param("rounds"), c.GP64())
		a := &asm{Context: c, isa: set, elem: f32}
		x := a.reg()
		a.zero(x)
		sums := make([]reg.VecVirtual, 12)
		for i := range sums {
			sums[i] = a.reg()
			a.zero(sums[i])
		}
		c.Label("loop")
		for _, s := range sums {
			a.fma(x, x, s)
		}
		c.DECQ(rounds)
		c.JNZ(operand.LabelRef("loop"))
		c.VZEROUPPER()
		c.RET()
	}
}
