package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// A panel of rows of bytes: so many vectors of eight rows, and so many pairs of elements in a turn of the loop.
const (
	byteVecs   = 4
	byteUnroll = 4
)

func emitBytes(c *build.Context, decl *bytes.Buffer) {
	a := &asm{Context: c, isa: avx2, elem: f32}
	const signature = "(dst *float32, x *int16, panel *int8, scale, bias, slack *float32, panels, quads int, alpha, c float32)"
	name := "byteProducts" + a.name
	fmt.Fprintf(decl, "\n// %[1]s sets dst = alpha·scale·Σ x·panel + bias − c·slack of panels of %[2]d rows over 8·quads elements.\n//\n//go:noescape\nfunc %[1]s%[3]s\n",
		name, 8*byteVecs, signature)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	load := func(name string) reg.Register { return a.Load(a.Param(name), a.GP64()) }
	dst, panel := load("dst"), load("panel")
	scale, bias, slack := load("scale"), load("bias"), load("slack")
	panels := load("panels")
	factor := func(name string) reg.VecVirtual {
		ref, err := a.Param(name).Resolve()
		if err != nil {
			panic(err)
		}
		v := a.YMM()
		a.VBROADCASTSS(ref.Addr, v)
		return v
	}
	alpha, c1 := factor("alpha"), factor("c")
	a.Label("panel")
	x, quads := load("x"), load("quads")
	var sums [byteVecs]reg.VecVirtual
	for v := range sums {
		sums[v] = a.YMM()
		a.VPXOR(sums[v], sums[v], sums[v])
	}
	a.Label("quad")
	for pair := range byteUnroll {
		both := a.YMM()
		a.VPBROADCASTD(operand.Mem{Base: x, Disp: 4 * pair}, both)
		for v, sum := range sums {
			row := a.YMM()
			a.VPMOVSXBW(operand.Mem{Base: panel, Disp: 16 * (byteVecs*pair + v)}, row)
			a.VPMADDWD(both, row, row)
			a.VPADDD(row, sum, sum)
		}
	}
	a.ADDQ(operand.U8(4*byteUnroll), x)
	a.ADDQ(operand.U32(16*byteVecs*byteUnroll), panel)
	a.DECQ(quads)
	a.JNZ(operand.LabelRef("quad"))
	for v, sum := range sums {
		at := func(base reg.Register) operand.Mem { return operand.Mem{Base: base, Disp: 32 * v} }
		lost := a.YMM()
		a.VCVTDQ2PS(sum, sum)
		a.VMULPS(at(scale), sum, sum)
		a.VMULPS(alpha, sum, sum)
		a.VADDPS(at(bias), sum, sum)
		a.VMULPS(at(slack), c1, lost)
		a.VSUBPS(lost, sum, sum)
		a.VMOVUPS(sum, at(dst))
	}
	for _, p := range []reg.Register{dst, scale, bias, slack} {
		a.ADDQ(operand.U32(32*byteVecs), p)
	}
	a.DECQ(panels)
	a.JNZ(operand.LabelRef("panel"))
	a.VZEROUPPER()
	a.RET()
}
