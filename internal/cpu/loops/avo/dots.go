package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func emitDots(c *build.Context, decl *bytes.Buffer) {
	for _, set := range []isa{avx512, avx2} {
		dots(&asm{Context: c, isa: set, elem: f32}, decl)
	}
	fetch(&asm{Context: c, isa: avx2, elem: f32}, decl)
}

// dots writes the scalar products of one vector with four others, for products of
// matrices with few rows, in which packing would cost more than it saves.
func dots(a *asm, decl *bytes.Buffer) {
	const signature = "(out, x, r0, r1, r2, r3 *float32, n int)"
	name := "dots" + a.name
	fmt.Fprintf(decl, "\n// %[1]s sets out[i] = Σ x·rᵢ over n elements, for four vectors rᵢ.\n//\n//go:noescape\nfunc %[1]s%s\n", name, signature)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	x := a.Load(a.Param("x"), a.GP64())
	var rows [4]reg.Register
	for i := range rows {
		rows[i] = a.Load(a.Param(fmt.Sprintf("r%d", i)), a.GP64())
	}
	n := a.Load(a.Param("n"), a.GP64())
	a.maskOfRest(n)
	var sums [2][4]vec // of even and odd vectors, lest one addition wait for the other
	for i := range sums {
		for j := range sums[i] {
			sums[i][j] = a.reg()
			a.zero(sums[i][j])
		}
	}
	lanes := a.isa.bytes / 4
	at, pairs := a.GP64(), a.GP64()
	a.XORQ(at, at)
	step := func(which, disp int, load func(operand.Op, vec)) {
		v := a.reg()
		load(operand.Mem{Base: x, Index: at, Scale: 1, Disp: disp}, v)
		for j, r := range rows {
			w := a.reg()
			load(operand.Mem{Base: r, Index: at, Scale: 1, Disp: disp}, w)
			a.fma(v, w, sums[which][j])
		}
	}
	a.MOVQ(n, pairs)
	a.SHRQ(operand.U8(log2(2*lanes)), pairs)
	a.JZ(operand.LabelRef("single"))
	a.Label("pair")
	step(0, 0, a.load)
	step(1, a.isa.bytes, a.load)
	a.ADDQ(operand.U32(2*a.isa.bytes), at)
	a.DECQ(pairs)
	a.JNZ(operand.LabelRef("pair"))
	a.Label("single")
	a.BTQ(operand.U8(log2(lanes)), n)
	a.JCC(operand.LabelRef("rest"))
	step(0, 0, a.load)
	a.ADDQ(operand.U32(a.isa.bytes), at)
	a.Label("rest")
	a.ANDQ(operand.U8(lanes-1), n)
	a.JZ(operand.LabelRef("sum"))
	step(1, 0, a.loadMasked)
	a.Label("sum")
	var y [4]vec
	for j := range y {
		a.add(sums[1][j], sums[0][j], sums[0][j])
		y[j] = a.YMM()
		if a.opmask {
			a.VEXTRACTF64X4(operand.U8(1), sums[0][j], y[j])
			a.VADDPS(sums[0][j].AsY(), y[j], y[j])
		} else {
			a.VMOVAPS(sums[0][j], y[j])
		}
	}
	a.VHADDPS(y[1], y[0], y[0])
	a.VHADDPS(y[3], y[2], y[2])
	a.VHADDPS(y[2], y[0], y[0])
	high := a.XMM()
	a.VEXTRACTF128(operand.U8(1), y[0], high)
	a.VADDPS(y[0].AsX(), high, high)
	out := a.Load(a.Param("out"), a.GP64())
	a.VMOVUPS(high, operand.Mem{Base: out})
	a.VZEROUPPER()
	a.RET()
}

// fetch writes the call for memory that will be read soon, 64 bytes of each of four places at a
// time.
func fetch(a *asm, decl *bytes.Buffer) {
	const signature = "(r0, r1, r2, r3 *float32, lines int)"
	name := "fetch" + a.name
	fmt.Fprintf(decl, "\n// %[1]s brings 64·lines bytes from each place on into the cache.\n//\n//go:noescape\nfunc %[1]s%s\n", name, signature)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	var rows [4]reg.Register
	for i := range rows {
		rows[i] = a.Load(a.Param(fmt.Sprintf("r%d", i)), a.GP64())
	}
	lines := a.Load(a.Param("lines"), a.GP64())
	a.Label("line")
	for _, r := range rows {
		a.PREFETCHT0(operand.Mem{Base: r})
		a.ADDQ(operand.U8(64), r)
	}
	a.DECQ(lines)
	a.JNZ(operand.LabelRef("line"))
	a.RET()
}
