package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
)

func emitDoubles(c *build.Context, decl *bytes.Buffer) {
	a := &asm{Context: c, isa: avx2, elem: f32}
	doubles(a, decl, "squaresApart", "Σ(a−b)²", true)
	doubles(a, decl, "products", "Σab", false)
}

// doubles writes sums in float64 over two rows of float32: every fourth element has a sum of its own,
// as the four lanes of a vector do. Nothing is fused, so that each term and each sum is rounded
// as in the plain loop.
func doubles(a *asm, decl *bytes.Buffer, name, formula string, apart bool) {
	const signature = "(sums *float64, a, b *float32, quads int)"
	name += "AVX2"
	fmt.Fprintf(decl, "\n// %[1]s adds %[2]s over 4·quads elements to four sums in float64, one of every fourth element.\n//\n//go:noescape\nfunc %[1]s%[3]s\n", name, formula, signature)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	sums := a.Load(a.Param("sums"), a.GP64())
	x, y := a.Load(a.Param("a"), a.GP64()), a.Load(a.Param("b"), a.GP64())
	quads, sum := a.Load(a.Param("quads"), a.GP64()), a.YMM()
	a.VMOVUPD(operand.Mem{Base: sums}, sum)
	a.TESTQ(quads, quads)
	a.JZ(operand.LabelRef("done"))
	a.Label("quad")
	v, w := a.YMM(), a.YMM()
	a.VCVTPS2PD(operand.Mem{Base: x}, v)
	a.VCVTPS2PD(operand.Mem{Base: y}, w)
	if apart {
		a.VSUBPD(w, v, v)
		a.VMULPD(v, v, v)
	} else {
		a.VMULPD(w, v, v)
	}
	a.VADDPD(v, sum, sum)
	a.ADDQ(operand.U8(16), x)
	a.ADDQ(operand.U8(16), y)
	a.DECQ(quads)
	a.JNZ(operand.LabelRef("quad"))
	a.Label("done")
	a.VMOVUPD(sum, operand.Mem{Base: sums})
	a.VZEROUPPER()
	a.RET()
}
