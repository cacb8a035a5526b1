package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Where the fields of depthArgs are.
const (
	depthY = 8 * iota
	depthX
	depthW
	depthOffsets
	depthTaps
	depthWidth
	depthRows
	depthYPitch
	depthXPitch
	depthScale
)

const (
	depthBias = depthScale + 4
	depthLow  = depthScale + 8
)

func emitDepthwise(c *build.Context, decl *bytes.Buffer) {
	for _, set := range []isa{avx512, avx2} {
		depthTapsOf(&asm{Context: c, isa: set, elem: f32}, decl)
	}
}

// depthTapsOf writes the sums of a plane's windows: four vectors of places at once, while
// there are so many in a row, then two, one and what is left.
func depthTapsOf(a *asm, decl *bytes.Buffer) {
	name := "depthTaps" + a.name
	fmt.Fprintf(decl, "\n//go:noescape\nfunc %s(args *depthArgs)\n", name)
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func(args uintptr)")
	args := a.Load(a.Param("args"), a.GP64())
	field := func(at int) operand.Mem { return operand.Mem{Base: args, Disp: at} }
	yRow, xRow, rows := a.GP64(), a.GP64(), a.GP64()
	a.MOVQ(field(depthY), yRow)
	a.MOVQ(field(depthX), xRow)
	a.MOVQ(field(depthRows), rows)
	w, offsets, taps := a.GP64(), a.GP64(), a.GP64()
	a.MOVQ(field(depthW), w)
	a.MOVQ(field(depthOffsets), offsets)
	a.MOVQ(field(depthTaps), taps)
	n := a.GP64()
	a.MOVQ(field(depthWidth), n)
	a.maskOfRest(n)
	scale, bias, low := a.reg(), a.reg(), a.reg()
	a.broadcast(field(depthScale), scale)
	a.broadcast(field(depthBias), bias)
	a.broadcast(field(depthLow), low)

	y, x := a.GP64(), a.GP64()
	sum := func(label string, vecs int, masked bool) {
		sums := make([]vec, vecs)
		for i := range sums {
			sums[i] = a.reg()
			a.zero(sums[i])
		}
		tap, from, k := a.GP64(), a.GP64(), a.reg()
		a.XORQ(tap, tap)
		a.Label(label)
		a.MOVQ(operand.Mem{Base: offsets, Index: tap, Scale: 8}, from)
		a.broadcast(operand.Mem{Base: w, Index: tap, Scale: 4}, k)
		for i, s := range sums {
			at := operand.Mem{Base: from, Index: x, Scale: 1, Disp: i * a.isa.bytes}
			if !masked {
				a.fma(at, k, s)
				continue
			}
			v := a.reg()
			a.loadMasked(at, v)
			a.fma(v, k, s)
		}
		a.INCQ(tap)
		a.CMPQ(tap, taps)
		a.JLT(operand.LabelRef(label))
		for i, s := range sums {
			a.mul(scale, s, s)
			a.add(bias, s, s)
			a.max(s, low, s)
			at := operand.Mem{Base: y, Disp: i * a.isa.bytes}
			if masked {
				a.storeMasked(s, at)
			} else {
				a.store(s, at)
			}
		}
	}

	lanes := a.isa.bytes / 4
	a.CMPQ(n, operand.U32(lanes))
	a.JGE(operand.LabelRef("row"))
	a.narrow(field, scale, bias, low, yRow, xRow, rows, w, offsets, taps)
	a.Label("row")
	a.MOVQ(field(depthWidth), n)
	a.MOVQ(yRow, y)
	a.MOVQ(xRow, x)
	for _, vecs := range []int{4, 2, 1} {
		block, next := fmt.Sprintf("block%d", vecs), fmt.Sprintf("after%d", vecs)
		a.Label(block)
		a.CMPQ(n, operand.U32(vecs*lanes))
		a.JLT(operand.LabelRef(next))
		sum(fmt.Sprintf("taps%d", vecs), vecs, false)
		a.ADDQ(operand.U32(vecs*a.isa.bytes), y)
		a.ADDQ(operand.U32(vecs*a.isa.bytes), x)
		a.SUBQ(operand.U32(vecs*lanes), n)
		a.JMP(operand.LabelRef(block))
		a.Label(next)
	}
	a.TESTQ(n, n)
	a.JZ(operand.LabelRef("next"))
	sum("tapsRest", 1, true)
	a.Label("next")
	a.ADDQ(field(depthYPitch), yRow)
	a.ADDQ(field(depthXPitch), xRow)
	a.DECQ(rows)
	a.JNZ(operand.LabelRef("row"))
	a.Label("done")
	a.VZEROUPPER()
	a.RET()
}

// narrow sums rows of less than a vector, four at once: one alone would wait for its own sums. It
// leaves rows that are no whole four to what follows.
func (a *asm) narrow(field func(at int) operand.Mem, scale, bias, low vec, yRow, xRow, rows, w, offsets, taps reg.Register) {
	a.Label("four")
	a.CMPQ(rows, operand.U32(4))
	a.JLT(operand.LabelRef("row"))
	x := []reg.Register{xRow}
	for i := 1; i < 4; i++ {
		next := a.GP64()
		a.MOVQ(x[i-1], next)
		a.ADDQ(field(depthXPitch), next)
		x = append(x, next)
	}
	sums := make([]vec, len(x))
	for i := range sums {
		sums[i] = a.reg()
		a.zero(sums[i])
	}
	tap, from, k := a.GP64(), a.GP64(), a.reg()
	a.XORQ(tap, tap)
	a.Label("tapsFour")
	a.MOVQ(operand.Mem{Base: offsets, Index: tap, Scale: 8}, from)
	a.broadcast(operand.Mem{Base: w, Index: tap, Scale: 4}, k)
	for i, s := range sums {
		v := a.reg()
		a.loadMasked(operand.Mem{Base: from, Index: x[i], Scale: 1}, v)
		a.fma(v, k, s)
	}
	a.INCQ(tap)
	a.CMPQ(tap, taps)
	a.JLT(operand.LabelRef("tapsFour"))
	for _, s := range sums {
		a.mul(scale, s, s)
		a.add(bias, s, s)
		a.max(s, low, s)
		a.storeMasked(s, operand.Mem{Base: yRow})
		a.ADDQ(field(depthYPitch), yRow)
	}
	a.MOVQ(x[3], xRow)
	a.ADDQ(field(depthXPitch), xRow)
	a.SUBQ(operand.U32(4), rows)
	a.JZ(operand.LabelRef("done"))
	a.JMP(operand.LabelRef("four"))
}
