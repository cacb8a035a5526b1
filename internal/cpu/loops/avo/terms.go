package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// termSum adds the terms t of a row up in float64, element i to sum i mod 16, and counts them, where not t ≤ low, not
// t ≥ high and mask ≠ 0. It is the same for all instruction sets.
type termSum struct {
	name    string
	doc     string
	scalars string                   // before low and high
	term    func(a *asm, t, k []vec) // makes terms of the numbers t, in their place
}

var termSums = []termSum{
	{"termSums", "t = x", "", func(*asm, []vec, []vec) {}},
	{"hingeSums", "t = max(0, k·x + c)", "k c", func(a *asm, t, k []vec) { a.hinges(t, k) }},
	{"squareSums", "t = max(0, k·x + c)²", "k c", func(a *asm, t, k []vec) {
		a.hinges(t, k)
		for _, v := range t {
			a.mul(v, v, v)
		}
	}},
}

// hinges is max(0, k[0]·x + k[1]), in the place of x; a NaN stays.
func (a *asm) hinges(x, k []vec) {
	for _, v := range x {
		a.mul(v, k[0], v)
		a.add(k[1], v, v)
		a.relu(v)
	}
}

func emitTermSums(c *build.Context, s termSum, decl *bytes.Buffer) {
	name := s.name + "AVX2"
	signature := "(sums *float64, x, mask *float32, n int, " + strings.Join(append(strings.Fields(s.scalars), "low", "high"), ", ") + " float32)"
	fmt.Fprintf(decl, "\n// %s adds to sixteen sums Σ t, and to sixteen more Σ 1, where not t ≤ low, not t ≥ high and mask ≠ 0: %s.\n//\n//go:noescape\nfunc %s%s\n", name, s.doc, name, signature)
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func" + signature)
	a := &asm{Context: c, isa: avx2, elem: f32}
	sums, x, mask := c.Load(c.Param("sums"), c.GP64()), c.Load(c.Param("x"), c.GP64()), c.Load(c.Param("mask"), c.GP64())
	n := c.Load(c.Param("n"), c.GP64())
	var k []vec
	for _, scalar := range append(strings.Fields(s.scalars), "low", "high") {
		addr, err := c.Param(scalar).Resolve()
		if err != nil {
			panic(err)
		}
		k = append(k, a.reg())
		a.broadcast(addr.Addr, k[len(k)-1])
	}
	slot := func(i int) operand.Mem { return operand.Mem{Base: sums, Disp: 32 * i} }
	var acc [4]vec
	for i := range acc {
		acc[i] = a.reg()
		c.VMOVUPD(slot(i), acc[i])
	}
	counts, zero := []vec{a.reg(), a.reg()}, a.reg()
	a.zero(counts[0])
	a.zero(counts[1])
	a.zero(zero)
	half := func(i int, bounded bool, load func(m operand.Mem, v vec)) {
		at := func(base reg.Register) operand.Mem { return operand.Mem{Base: base, Disp: 32 * i} }
		t, chosen, u := a.reg(), a.reg(), a.reg()
		load(at(mask), chosen)
		c.VCMPPS(operand.U8(notEqual), zero, chosen, chosen)
		load(at(x), t)
		s.term(a, []vec{t}, k)
		if bounded {
			c.VCMPPS(operand.U8(notLessOrEqual), k[len(k)-2], t, u)
			c.VANDPS(u, chosen, chosen)
			c.VCMPPS(operand.U8(notGreaterOrEqual), k[len(k)-1], t, u)
			c.VANDPS(u, chosen, chosen)
		}
		c.VPSUBD(chosen, counts[i], counts[i]) // a mask of all bits is −1
		c.VANDPS(chosen, t, t)
		c.VCVTPS2PD(t.(reg.Vec).AsX(), u)
		c.VADDPD(u, acc[2*i], acc[2*i])
		c.VEXTRACTF128(operand.U8(1), t, t.(reg.Vec).AsX())
		c.VCVTPS2PD(t.(reg.Vec).AsX(), u)
		c.VADDPD(u, acc[2*i+1], acc[2*i+1])
	}
	whole := c.GP64()
	c.MOVQ(n, whole)
	c.SHRQ(operand.U8(4), whole)
	c.JZ(operand.LabelRef("rest"))
	loop := func(label string, bounded bool) {
		c.Label(label)
		for i := range counts {
			half(i, bounded, func(m operand.Mem, v vec) { a.load(m, v) })
		}
		c.ADDQ(operand.U8(64), x)
		c.ADDQ(operand.U8(64), mask)
		c.DECQ(whole)
		c.JNZ(operand.LabelRef(label))
	}
	for _, bound := range k[len(k)-2:] { // NaN is none
		c.VUCOMISS(bound.(reg.Vec).AsX(), bound.(reg.Vec).AsX())
		c.JPC(operand.LabelRef("bounded"))
	}
	loop("unbounded", false)
	c.JMP(operand.LabelRef("rest"))
	loop("bounded", true)
	c.Label("rest")
	c.ANDQ(operand.U8(15), n)
	c.JZ(operand.LabelRef("done"))
	table := c.StaticGlobal("lanes" + s.name)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		c.AppendDatum(operand.U64([]uint64{^uint64(0), 0}[i/8]))
	}
	window := c.GP64()
	c.NEGQ(n)
	c.LEAQ(table.Offset(64), window)
	c.LEAQ(operand.Mem{Base: window, Index: n, Scale: 4}, window)
	for i := range counts {
		m := a.reg()
		a.load(operand.Mem{Base: window, Disp: 32 * i}, m)
		half(i, true, func(from operand.Mem, v vec) { c.VMASKMOVPS(from, m, v) }) // where mask is not there it is 0
	}
	c.Label("done")
	for i := range acc {
		c.VMOVUPD(acc[i], slot(i))
	}
	for i, count := range counts {
		t := a.reg()
		for j := range 2 {
			if j == 1 {
				c.VEXTRACTF128(operand.U8(1), count, count.(reg.Vec).AsX())
			}
			c.VCVTDQ2PD(count.(reg.Vec).AsX(), t)
			c.VADDPD(slot(4+2*i+j), t, t)
			c.VMOVUPD(t, slot(4+2*i+j))
		}
	}
	c.VZEROUPPER()
	c.RET()
}
