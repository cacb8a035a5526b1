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

// reduction adds terms made of float32 up in float64, element i of a slice to sum
// i mod 16. It is the same for all instruction sets: memory is slower than it.
type reduction struct {
	name    string
	doc     string
	reads   string // pointers
	scalars string // float32 numbers
	results int    // of sixteen sums each
	// body makes the terms of four elements (as float64) from them.
	body func(a *asm, x, k []vec) []vec
}

var reductions = []reduction{
	{name: "sum", doc: "Σ x", reads: "x", results: 1,
		body: func(a *asm, x, _ []vec) []vec { return []vec{a.double(x[0])} }},
	{name: "dot", doc: "Σ x·y", reads: "x y", results: 1,
		body: func(a *asm, x, _ []vec) []vec {
			u, v := a.double(x[0]), a.double(x[1])
			a.VMULPD(u, v, v)
			return []vec{v}
		}},
	{name: "deviations", doc: "Σ (x − from) and Σ (x − from)²", reads: "x", scalars: "from", results: 2,
		body: func(a *asm, x, k []vec) []vec {
			u, f, v := a.double(x[0]), a.double(k[0]), a.YMM()
			a.VSUBPD(f, u, u)
			a.VMULPD(u, u, v)
			return []vec{u, v}
		}},
	{name: "normalizeSums", doc: "Σ dy and Σ dy·(x − mean)", reads: "x dy", scalars: "mean", results: 2,
		body: func(a *asm, x, k []vec) []vec {
			a.VSUBPS(k[0], x[0], x[0])
			return a.weighted(x[1], x[0])
		}},
	{name: "normalizeReluSums", doc: "Σ dy and Σ dy·(x − mean) where not (x − mean)·scale + shift ≤ 0",
		reads: "x dy", scalars: "mean scale shift", results: 2,
		body: func(a *asm, x, k []vec) []vec {
			a.VSUBPS(k[0], x[0], x[0])
			t, zero := a.XMM(), a.XMM()
			a.VMULPS(k[1], x[0], t)
			a.VADDPS(k[2], t, t)
			a.VXORPS(zero, zero, zero)
			a.VCMPPS(operand.U8(6), zero, t, t)
			a.VANDPS(t, x[1], x[1])
			a.VANDPS(t, x[0], x[0])
			return a.weighted(x[1], x[0])
		}},
}

// double converts four float32 to float64.
func (a *asm) double(x vec) vec {
	r := a.YMM()
	a.VCVTPS2PD(x, r)
	return r
}

// weighted is d and d·u.
func (a *asm) weighted(d, u vec) []vec {
	dd, uu := a.double(d), a.double(u)
	a.VMULPD(dd, uu, uu)
	return []vec{dd, uu}
}

func reduce(c *build.Context, r reduction, decl *bytes.Buffer) {
	name := r.name + "AVX2"
	reads, scalars := strings.Fields(r.reads), strings.Fields(r.scalars)
	signature := fmt.Sprintf("(sums *float64, %s *float32, n int", strings.Join(reads, ", "))
	if len(scalars) > 0 {
		signature += fmt.Sprintf(", %s float32", strings.Join(scalars, ", "))
	}
	signature += ")"
	fmt.Fprintf(decl, "\n// %s adds to %d times sixteen sums: %s.\n//\n//go:noescape\nfunc %s%s\n", name, r.results, r.doc, name, signature)

	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func" + signature)
	a := &asm{Context: c, isa: avx2, elem: f32, constants: map[uint32]operand.Mem{}, vectors: map[uint32]operand.Mem{}}
	a.isa.name = "AVX2" + r.name // its constants are its own
	sums := c.Load(c.Param("sums"), c.GP64())
	var p []reg.Register
	for _, s := range reads {
		p = append(p, c.Load(c.Param(s), c.GP64()))
	}
	n := c.Load(c.Param("n"), c.GP64())
	var k []vec
	for _, s := range scalars {
		addr, err := c.Param(s).Resolve()
		if err != nil {
			panic(err)
		}
		x := c.XMM()
		c.VBROADCASTSS(addr.Addr, x)
		k = append(k, x)
	}
	acc := make([]vec, 4*r.results)
	slot := func(i int) operand.Mem { return operand.Mem{Base: sums, Disp: 32 * i} }
	for i := range acc {
		acc[i] = c.YMM()
		c.VMOVUPD(slot(i), acc[i])
	}
	terms := func(i int, load func(m operand.Mem, x vec), mask func(t vec)) {
		var x []vec
		for _, base := range p {
			v := c.XMM()
			load(operand.Mem{Base: base, Disp: 16 * i}, v)
			x = append(x, v)
		}
		for j, t := range r.body(a, x, k) {
			mask(t)
			c.VADDPD(t, acc[4*j+i], acc[4*j+i])
		}
	}
	whole, rest := c.GP64(), c.GP64()
	c.MOVQ(n, whole)
	c.SHRQ(operand.U8(4), whole)
	c.JZ(operand.LabelRef("rest"))
	c.Label("loop")
	for i := range 4 {
		terms(i, func(m operand.Mem, x vec) { c.VMOVUPS(m, x) }, func(vec) {})
	}
	for _, base := range p {
		c.ADDQ(operand.U8(64), base)
	}
	c.DECQ(whole)
	c.JNZ(operand.LabelRef("loop"))
	c.Label("rest")
	c.MOVQ(n, rest)
	c.ANDQ(operand.U8(15), rest)
	c.JZ(operand.LabelRef("done"))
	table := c.StaticGlobal("ones" + r.name)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range 16 {
		c.AppendDatum(operand.U64([]uint64{^uint64(0), 0}[i/8]))
	}
	window := c.GP64()
	c.NEGQ(rest)
	c.LEAQ(table.Offset(64), window)
	c.LEAQ(operand.Mem{Base: window, Index: rest, Scale: 4}, window)
	for i := range 4 {
		m := c.XMM()
		c.VMOVUPS(operand.Mem{Base: window, Disp: 16 * i}, m)
		terms(i, func(from operand.Mem, x vec) { c.VMASKMOVPS(from, m, x) }, func(t vec) {
			wide := c.YMM()
			c.VPMOVSXDQ(m, wide)
			c.VANDPD(wide, t, t)
		})
	}
	c.Label("done")
	for i := range acc {
		c.VMOVUPD(acc[i], slot(i))
	}
	c.VZEROUPPER()
	c.RET()
}
