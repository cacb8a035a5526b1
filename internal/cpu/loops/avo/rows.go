package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// eachVector goes over n elements: body is written for whole vectors and for the partial
// one at the end, whose missing lanes are 0.
func (a *asm) eachVector(n reg.Register, pointers []reg.Register, body func(load func(operand.Op, vec))) {
	a.eachVectors(n, pointers, 1, func(_ int, load func(operand.Op, vec)) { body(load) })
}

// eachVectors is eachVector where body is also written for the next group of whole vectors, the i-th of them.
func (a *asm) eachVectors(n reg.Register, pointers []reg.Register, group int, body func(i int, load func(operand.Op, vec))) {
	a.maskOfRest(n)
	whole := a.GP64()
	advance := func(vectors int) {
		for _, p := range pointers {
			a.ADDQ(operand.U32(vectors*a.isa.bytes), p)
		}
	}
	a.MOVQ(n, whole)
	a.SHRQ(operand.U8(log2(a.isa.bytes/4)), whole)
	if group > 1 {
		a.SUBQ(operand.U8(group), whole)
		a.JL(operand.LabelRef("few"))
		a.Label("group")
		for i := range group {
			body(i, a.load)
		}
		advance(group)
		a.SUBQ(operand.U8(group), whole)
		a.JGE(operand.LabelRef("group"))
		a.Label("few")
		a.ADDQ(operand.U8(group), whole)
	} else {
		a.TESTQ(whole, whole)
	}
	a.JZ(operand.LabelRef("rest"))
	a.Label("vector")
	body(0, a.load)
	advance(1)
	a.DECQ(whole)
	a.JNZ(operand.LabelRef("vector"))
	a.Label("rest")
	a.ANDQ(operand.U8(a.isa.bytes/4-1), n)
	a.JZ(operand.LabelRef("done"))
	body(0, a.loadMasked)
	a.Label("done")
}

// extremes writes rowMax or rowMin.
func (a *asm) extremes(name, set string, decl *bytes.Buffer) {
	const signature = "(lanes, x, mask *float32, n int)"
	fmt.Fprintf(decl, `
// %[1]s%[2]s keeps, in each of sixteen lanes, the extreme of x where mask ≠ 0; and in each of
// sixteen more something that is not 0 if such an x is not finite. lanes come with what
// stands for no element.
//
//go:noescape
func %[1]s%[2]s%[3]s
`, name, set, signature)
	a.Function(name + set)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	out := a.Load(a.Param("lanes"), a.GP64())
	x, mask := a.Load(a.Param("x"), a.GP64()), a.Load(a.Param("mask"), a.GP64())
	n := a.Load(a.Param("n"), a.GP64())
	// As many vectors at once as sixteen lanes are, each with its own results: else each would wait for the one before.
	group := 64 / a.isa.bytes
	best, spoilt, none, zero := make([]vec, group), make([]vec, group), a.reg(), a.reg()
	at := func(i, disp int) operand.Mem { return operand.Mem{Base: out, Disp: i*a.isa.bytes + disp} }
	for i := range group {
		best[i], spoilt[i] = a.reg(), a.reg()
		a.load(at(i, 0), best[i])
		a.zero(spoilt[i])
	}
	a.load(at(0, 0), none)
	a.zero(zero)
	a.eachVectors(n, []reg.Register{x, mask}, group, func(i int, load func(operand.Op, vec)) {
		v, m, t := a.reg(), a.reg(), a.reg()
		load(operand.Mem{Base: x, Disp: i * a.isa.bytes}, v)
		load(operand.Mem{Base: mask, Disp: i * a.isa.bytes}, m)
		a.choose(equal, m, zero, none, v, t)
		if name == "rowMax" {
			a.VMAXPS(t, best[i], best[i])
		} else {
			a.VMINPS(t, best[i], best[i])
		}
		a.choose(equal, m, zero, zero, v, t)
		a.VFMADD231PS(zero, t, spoilt[i])
	})
	for i := range group {
		a.store(best[i], at(i, 0))
		a.store(spoilt[i], at(i, 64))
	}
	a.VZEROUPPER()
	a.RET()
}

// span writes spanSum.
func (a *asm) span(set string, decl *bytes.Buffer) {
	const signature = "(lanes, x *float32, n int, at, margin, from, to float32) (count int)"
	fmt.Fprintf(decl, `
// spanSum%s adds margin − d to sixteen lanes for all d = x − at with from ≤ d and not d ≥ to,
// and counts them.
//
//go:noescape
func spanSum%s%s
`, set, set, signature)
	a.Function("spanSum" + set)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	out := a.Load(a.Param("lanes"), a.GP64())
	x, n := a.Load(a.Param("x"), a.GP64()), a.Load(a.Param("n"), a.GP64())
	var k [4]vec
	for i, s := range []string{"at", "margin", "from", "to"} {
		addr, err := a.Param(s).Resolve()
		if err != nil {
			panic(err)
		}
		k[i] = a.reg()
		a.broadcast(addr.Addr, k[i])
	}
	sum, nan := a.reg(), a.word(0x7fc00000)
	a.load(operand.Mem{Base: out}, sum)
	count := a.GP64()
	a.XORQ(count, count)
	tail := false
	a.eachVector(n, []reg.Register{x}, func(load func(operand.Op, vec)) {
		v, t := a.reg(), a.reg()
		load(operand.Mem{Base: x}, v)
		if tail { // what is not there is in no span
			if a.opmask {
				a.VBLENDMPS(v, nan, a.mask, v)
			} else {
				a.VBLENDVPS(a.mask, v, nan, v)
			}
		}
		tail = true
		a.sub(k[0], v, v)
		a.sub(v, k[1], t)
		hits := a.GP64()
		if a.opmask {
			low, high := a.K(), a.K()
			a.VCMPPS(operand.U8(greaterOrEqual), k[2], v, low)
			a.VCMPPS(operand.U8(notGreaterOrEqual), k[3], v, high)
			a.KANDW(low, high, high)
			a.VADDPS(t, sum, high, sum)
			a.KMOVW(high, hits.(reg.GPVirtual).As32())
		} else {
			low, high := a.reg(), a.reg()
			a.VCMPPS(operand.U8(greaterOrEqual), k[2], v, low)
			a.VCMPPS(operand.U8(notGreaterOrEqual), k[3], v, high)
			a.VANDPS(low, high, high)
			a.VANDPS(high, t, t)
			a.add(t, sum, sum)
			a.VMOVMSKPS(high, hits.(reg.GPVirtual).As32())
		}
		a.POPCNTL(hits.(reg.GPVirtual).As32(), hits.(reg.GPVirtual).As32())
		a.ADDQ(hits, count)
	})
	a.store(sum, operand.Mem{Base: out})
	a.Store(count, a.ReturnIndex(0))
	a.VZEROUPPER()
	a.RET()
}

// skip writes skipAbove.
func (a *asm) skip(set string, decl *bytes.Buffer) {
	const signature = "(x, y *float32, n int, limit float32) (skipped int)"
	fmt.Fprintf(decl, `
// skipAbove%s goes over x + y vector by vector, while all are above the limit, and tells how
// many elements that were. A NaN is not above.
//
//go:noescape
func skipAbove%s%s
`, set, set, signature)
	a.Function("skipAbove" + set)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	x, y := a.Load(a.Param("x"), a.GP64()), a.Load(a.Param("y"), a.GP64())
	n := a.Load(a.Param("n"), a.GP64())
	limit := a.reg()
	addr, err := a.Param("limit").Resolve()
	if err != nil {
		panic(err)
	}
	a.broadcast(addr.Addr, limit)
	at, last := a.GP64(), a.GP64()
	lanes := a.isa.bytes / 4
	a.XORQ(at, at)
	a.MOVQ(n, last)
	if !a.opmask {
		a.skipGroups(x, y, at, last, limit)
	}
	a.SUBQ(operand.U8(lanes), last)
	a.Label("vector")
	a.CMPQ(at, last)
	a.JGT(operand.LabelRef("done"))
	v, hit := a.reg(), a.GP32()
	a.load(operand.Mem{Base: x, Index: at, Scale: 4}, v)
	a.add(operand.Mem{Base: y, Index: at, Scale: 4}, v, v)
	if a.opmask {
		k := a.K()
		a.VCMPPS(operand.U8(notGreater), limit, v, k)
		a.KMOVW(k, hit)
	} else {
		a.VCMPPS(operand.U8(notGreater), limit, v, v)
		a.VMOVMSKPS(v, hit)
	}
	a.TESTL(hit, hit)
	a.JNZ(operand.LabelRef("hit"))
	a.ADDQ(operand.U8(lanes), at)
	a.JMP(operand.LabelRef("vector"))
	a.Label("hit")
	a.BSFL(hit, hit)
	a.ADDQ(hit.As64(), at)
	a.Label("done")
	a.Store(at, a.ReturnIndex(0))
	a.VZEROUPPER()
	a.RET()
}

// skipGroups goes over four vectors at a time, as long as all are above the limit: looking at what was compared takes
// longer than comparing. last is n, and is again afterwards.
func (a *asm) skipGroups(x, y, at, last reg.Register, limit vec) {
	const group = 4
	lanes := a.isa.bytes / 4
	hit := a.GP32()
	a.SUBQ(operand.U8(group*lanes), last)
	a.Label("group")
	a.CMPQ(at, last)
	a.JGT(operand.LabelRef("ungroup"))
	var v [group]vec
	for i := range v {
		m := func(base reg.Register) operand.Mem {
			return operand.Mem{Base: base, Index: at, Scale: 4, Disp: i * a.isa.bytes}
		}
		v[i] = a.reg()
		a.load(m(x), v[i])
		a.add(m(y), v[i], v[i])
		a.VCMPPS(operand.U8(notGreater), limit, v[i], v[i])
	}
	a.VORPS(v[1], v[0], v[0])
	a.VORPS(v[3], v[2], v[2])
	a.VORPS(v[2], v[0], v[0])
	a.VMOVMSKPS(v[0], hit)
	a.TESTL(hit, hit)
	a.JNZ(operand.LabelRef("ungroup"))
	a.ADDQ(operand.U8(group*lanes), at)
	a.JMP(operand.LabelRef("group"))
	a.Label("ungroup")
	a.ADDQ(operand.U8(group*lanes), last)
}

// places writes nonZero.
func (a *asm) places(set string, decl *bytes.Buffer) {
	const signature = "(where *int32, x *float32, n, most int) (count int)"
	fmt.Fprintf(decl, `
// nonZero%s writes the places of the x that are not 0 to where, NaN among them, if there are at most most of them,
// and returns how many there are; once it has counted more, it writes none and returns a number above most.
// Elements that do not fill a vector are not looked at.
//
//go:noescape
func nonZero%s%s
`, set, set, signature)
	a.Function("nonZero" + set)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func" + signature)
	where, x := a.Load(a.Param("where"), a.GP64()), a.Load(a.Param("x"), a.GP64())
	n, most := a.Load(a.Param("n"), a.GP64()), a.Load(a.Param("most"), a.GP64())
	zero := a.reg()
	a.zero(zero)
	at, last, count := a.GP64(), a.GP64(), a.GP64()
	lanes := a.isa.bytes / 4
	v, hits := a.reg(), a.GP32()
	look := func() {
		a.VCMPPS(operand.U8(notEqual), operand.Mem{Base: x, Index: at, Scale: 4}, zero, v)
		a.VMOVMSKPS(v, hits)
	}
	a.MOVQ(n, last)
	a.SUBQ(operand.U8(lanes), last)
	a.XORQ(at, at)
	a.XORQ(count, count)
	a.Label("count") // in most rows more than enough are soon found, and listing takes longer than counting
	a.CMPQ(at, last)
	a.JGT(operand.LabelRef("counted"))
	look()
	a.POPCNTL(hits, hits)
	a.ADDQ(hits.(reg.GPVirtual).As64(), count)
	a.CMPQ(count, most)
	a.JGT(operand.LabelRef("done"))
	a.ADDQ(operand.U8(lanes), at)
	a.JMP(operand.LabelRef("count"))
	a.Label("counted")
	a.XORQ(at, at)
	a.XORQ(count, count)
	a.Label("vector")
	a.CMPQ(at, last)
	a.JGT(operand.LabelRef("done"))
	look()
	a.TESTL(hits, hits)
	a.JZ(operand.LabelRef("next"))
	a.Label("hit")
	lane, rest := a.GP32(), a.GP32()
	a.BSFL(hits, lane)
	a.ADDL(at.As32(), lane)
	a.MOVL(lane, operand.Mem{Base: where, Index: count, Scale: 4})
	a.INCQ(count)
	a.MOVL(hits, rest)
	a.DECL(rest)
	a.ANDL(rest, hits)
	a.JNZ(operand.LabelRef("hit"))
	a.Label("next")
	a.ADDQ(operand.U8(lanes), at)
	a.JMP(operand.LabelRef("vector"))
	a.Label("done")
	a.Store(count, a.ReturnIndex(0))
	a.VZEROUPPER()
	a.RET()
}
