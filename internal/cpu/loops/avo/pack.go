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
	turn(c, avx512, decl)
	turn(c, avx2, decl)
	gather(c, avx512, decl)
	gather(c, avx2, decl)
	copyRows(c, avx512, decl)
	copyRows(c, avx2, decl)
	peak(c, decl)
	fmt.Fprint(decl, "\n// pause tells the processor that a loop waits.\nfunc pause()\n")
	c.Function("pause")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func()")
	c.PAUSE()
	c.RET()
}

// turn writes a vector's worth of rows into columns, four elements of each at a time: the
// 16 bytes of rows r, r+4, r+8 … stand side by side in a register, and are turned there.
func turn(c *build.Context, i isa, decl *bytes.Buffer) {
	fmt.Fprintf(decl, `
// turn%s copies %d rows of count ≥ 4 float32, pitch bytes apart, into columns: element k
// of row i goes to dst + step·k + 4·i bytes. Nothing else is written. As many bytes as it
// copies are fetched to the cache from ahead on, for the next call.
//
//go:noescape
func turn%s(dst, src *float32, count, pitch, step int, ahead *float32)
`, i.name, i.bytes/4, i.name)
	c.Function("turn" + i.name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst, src *float32, count, pitch, step int, ahead *float32)")
	load := func(name string) reg.Register { return c.Load(c.Param(name), c.GP64()) }
	dst, src, count, pitch, step := load("dst"), load("src"), load("count"), load("pitch"), load("step")
	ahead := load("ahead")
	three, back := c.GP64(), c.GP64()
	c.LEAQ(operand.Mem{Base: pitch, Index: pitch, Scale: 2}, three)
	rows := []reg.Register{src}
	for len(rows) < i.bytes/16 {
		p := c.GP64()
		c.LEAQ(operand.Mem{Base: rows[len(rows)-1], Index: pitch, Scale: 4}, p)
		rows = append(rows, p)
	}
	c.Label("loop")
	for line := 0; line < 4*i.bytes; line += 64 {
		c.PREFETCHT0(operand.Mem{Base: ahead, Disp: line})
	}
	c.ADDQ(operand.U32(4*i.bytes), ahead)
	var v, t [4]reg.VecVirtual
	for k := range v {
		v[k], t[k] = i.register(c), i.register(c)
		for lane, p := range rows {
			m := operand.Mem{Base: p}
			switch k {
			case 1, 2:
				m.Index, m.Scale = pitch, uint8(k)
			case 3:
				m.Index, m.Scale = three, 1
			}
			switch {
			case lane == 0:
				c.VMOVUPS(m, v[k].(reg.Vec).AsX())
			case i.opmask:
				c.VINSERTF32X4(operand.U8(lane), m, v[k], v[k])
			default:
				c.VINSERTF128(operand.U8(lane), m, v[k], v[k])
			}
		}
	}
	c.VUNPCKLPS(v[1], v[0], t[0])
	c.VUNPCKHPS(v[1], v[0], t[1])
	c.VUNPCKLPS(v[3], v[2], t[2])
	c.VUNPCKHPS(v[3], v[2], t[3])
	for k := range v {
		if k%2 == 0 {
			c.VUNPCKLPD(t[k/2+2], t[k/2], v[k])
		} else {
			c.VUNPCKHPD(t[k/2+2], t[k/2], v[k])
		}
		c.VMOVUPS(v[k], operand.Mem{Base: dst})
		c.PREFETCHT0(operand.Mem{Base: dst, Disp: i.bytes}) // for the next rows
		c.ADDQ(step, dst)
	}
	for _, p := range rows {
		c.ADDQ(operand.U8(16), p)
	}
	c.SUBQ(operand.U8(4), count)
	c.CMPQ(count, operand.U8(4))
	c.JGE(operand.LabelRef("loop"))
	c.TESTQ(count, count)
	c.JZ(operand.LabelRef("done"))
	// The last columns are turned together with some that were already: count − 4 < 0.
	c.SUBQ(operand.U8(4), count)
	c.MOVQ(count, back)
	c.IMULQ(step, back)
	c.ADDQ(back, dst)
	for _, p := range rows {
		c.LEAQ(operand.Mem{Base: p, Index: count, Scale: 4}, p)
	}
	c.MOVQ(operand.U32(4), count)
	c.JMP(operand.LabelRef("loop"))
	c.Label("done")
	c.VZEROUPPER()
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

// gather writes rows of a packed panel from pieces of one vector each.
func gather(c *build.Context, set isa, decl *bytes.Buffer) {
	name := "gather" + set.name
	fmt.Fprintf(decl, `
// %[1]s fills rows of pitch bytes from dst on. Row p is copied from src + rows[p] bytes:
// to each chunk's place in the row a vector from its place in the source, in order, so
// that a chunk covers what the one before it wrote behind its end.
//
//go:noescape
func %[1]s(dst, src unsafe.Pointer, rows *int, count int, chunks *chunk, chunkCount, pitch int)
`, name)
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst, src uintptr, rows *int, count int, chunks *int, chunkCount, pitch int)")
	a := &asm{Context: c, isa: set, elem: f32}
	load := func(name string) reg.Register { return c.Load(c.Param(name), c.GP64()) }
	dst, src, rows, count := load("dst"), load("src"), load("rows"), load("count")
	chunks, chunkCount, pitch := load("chunks"), load("chunkCount"), load("pitch")
	p, n, from, to, row := c.GP64(), c.GP64(), c.GP64(), c.GP64(), c.GP64()
	c.Label("row")
	c.MOVQ(operand.Mem{Base: rows}, row)
	c.ADDQ(operand.U8(8), rows)
	c.ADDQ(src, row)
	c.MOVQ(chunks, p)
	c.MOVQ(chunkCount, n)
	c.Label("chunk")
	c.MOVQ(operand.Mem{Base: p}, from)
	c.MOVQ(operand.Mem{Base: p, Disp: 8}, to)
	v := a.reg()
	a.load(operand.Mem{Base: row, Index: from, Scale: 1}, v)
	a.store(v, operand.Mem{Base: dst, Index: to, Scale: 1})
	c.ADDQ(operand.U8(24), p)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("chunk"))
	c.ADDQ(pitch, dst)
	c.DECQ(count)
	c.JNZ(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}

// copyRows copies the rows of a picture into a wider one.
func copyRows(c *build.Context, set isa, decl *bytes.Buffer) {
	name := "copyRows" + set.name
	fmt.Fprintf(decl, `
// %[1]s copies rows of width float32, at least one; the pitches are in bytes.
//
//go:noescape
func %[1]s(dst, src *float32, width, rows, dstPitch, srcPitch int)
`, name)
	c.Function(name)
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst, src *float32, width, rows, dstPitch, srcPitch int)")
	a := &asm{Context: c, isa: set, elem: f32}
	load := func(name string) reg.Register { return c.Load(c.Param(name), c.GP64()) }
	dst, src, width, rows := load("dst"), load("src"), load("width"), load("rows")
	dstPitch, srcPitch := load("dstPitch"), load("srcPitch")
	whole, at, n := c.GP64(), c.GP64(), c.GP64()
	c.MOVQ(width, whole)
	c.SHRQ(operand.U8(log2(set.bytes/4)), whole)
	if set.opmask {
		a.maskOfRest(width)
	}
	c.Label("row")
	c.XORQ(at, at)
	c.MOVQ(whole, n)
	c.TESTQ(n, n)
	c.JZ(operand.LabelRef("rest"))
	c.Label("vector")
	v := a.reg()
	a.load(operand.Mem{Base: src, Index: at, Scale: 1}, v)
	a.store(v, operand.Mem{Base: dst, Index: at, Scale: 1})
	c.ADDQ(operand.U8(set.bytes), at)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("vector"))
	c.Label("rest")
	a.copyRest(dst, src, at, width)
	c.ADDQ(dstPitch, dst)
	c.ADDQ(srcPitch, src)
	c.DECQ(rows)
	c.JNZ(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}

// copyRest copies what width leaves over from whole vectors, from the byte at on. Partial stores of AVX2 take longer than
// all that they would save.
func (a *asm) copyRest(dst, src, at, width reg.Register) {
	from, to := operand.Mem{Base: src, Index: at, Scale: 1}, operand.Mem{Base: dst, Index: at, Scale: 1}
	if a.opmask {
		r := a.reg()
		a.loadMasked(from, r)
		a.storeMasked(r, to)
		return
	}
	part := func(count int, label string, move func()) {
		a.TESTQ(operand.U32(count), width)
		a.JZ(operand.LabelRef(label))
		move()
		if count > 1 {
			a.ADDQ(operand.U8(4*count), at)
		}
		a.Label(label)
	}
	part(4, "two", func() {
		r := a.XMM()
		a.VMOVUPS(from, r)
		a.VMOVUPS(r, to)
	})
	part(2, "one", func() {
		r := a.GP64()
		a.MOVQ(from, r)
		a.MOVQ(r, to)
	})
	part(1, "next", func() {
		r := a.GP32()
		a.MOVL(from, r)
		a.MOVL(r, to)
	})
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
