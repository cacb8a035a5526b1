package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Transforms of Winograd's convolution F(2×2, 3×3) (A. Lavin and S. Gray, "Fast Algorithms
// for Convolutional Neural Networks", CVPR 2016), sixteen tiles at a time, for AVX-512.

func emitWinograd(c *build.Context, decl *bytes.Buffer) {
	winogradInput(c, decl)
	winogradOutput(c, decl)
}

// permutation is sixteen indices for VPERMT2PS.
func permutation(c *build.Context, name string, index func(i uint32) uint32) vec {
	m := c.StaticGlobal(name)
	c.DataAttributes(attr.RODATA | attr.NOPTR)
	for i := range uint32(16) {
		c.AppendDatum(operand.U32(index(i)))
	}
	r := c.ZMM()
	c.VMOVDQU32(m, r)
	return r
}

// merged is a permutation of the elements of x and y.
func merged(c *build.Context, x, y, index vec) vec {
	r := c.ZMM()
	c.VMOVAPS(x, r)
	c.VPERMT2PS(y, index, r)
	return r
}

func winogradInput(c *build.Context, decl *bytes.Buffer) {
	const signature = "(dst, src *float32, planes, plane, row int, chunks *winogradTiles, count, pitch, matrix int)"
	fmt.Fprintf(decl, `
// winogradInputAVX512 transforms tiles of 4×4 elements, two apart, of so many planes. Of
// plane p, element e of a tile (0 to 15) goes to dst + e·matrix + p·pitch, at the place that
// the tile's chunk tells. All distances are in bytes.
//
//go:noescape
func winogradInputAVX512%s
`, signature)
	c.Function("winogradInputAVX512")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst, src *float32, planes, plane, row int, chunks *int, count, pitch, matrix int)")
	even := permutation(c, "winogradEven", func(i uint32) uint32 { return 2 * i })
	odd := permutation(c, "winogradOdd", func(i uint32) uint32 { return 2*i + 1 })
	load := func(name string) reg.Register { return c.Load(c.Param(name), c.GP64()) }
	dst, src, planes, plane, row := load("dst"), load("src"), load("planes"), load("plane"), load("row")
	chunks, count, pitch, matrix := load("chunks"), load("count"), load("pitch"), load("matrix")
	p, n, from, to := c.GP64(), c.GP64(), c.GP64(), c.GP64()
	c.Label("plane")
	c.MOVQ(chunks, p)
	c.MOVQ(count, n)
	c.Label("chunk")
	c.MOVQ(operand.Mem{Base: p}, from)
	c.ADDQ(src, from)
	c.MOVQ(operand.Mem{Base: p, Disp: 8}, to)
	c.ADDQ(dst, to)
	var d [4][4]vec
	for i := range d {
		v := [4]vec{c.ZMM(), c.ZMM(), c.ZMM(), c.ZMM()}
		for j, off := range []int{0, 64, 8, 72} {
			c.VMOVUPS(operand.Mem{Base: from, Disp: off}, v[j])
		}
		if i < 3 {
			c.ADDQ(row, from)
		}
		d[i] = [4]vec{merged(c, v[0], v[1], even), merged(c, v[0], v[1], odd), merged(c, v[2], v[3], even), merged(c, v[2], v[3], odd)}
	}
	for j := range 4 {
		d[0][j], d[1][j], d[2][j], d[3][j] = winogradB(c, d[0][j], d[1][j], d[2][j], d[3][j])
	}
	for i := range 4 {
		r0, r1, r2, r3 := winogradB(c, d[i][0], d[i][1], d[i][2], d[i][3])
		for j, r := range []vec{r0, r1, r2, r3} {
			c.VMOVUPS(r, operand.Mem{Base: to})
			if i+j < 6 {
				c.ADDQ(matrix, to)
			}
		}
	}
	c.ADDQ(operand.U8(16), p)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("chunk"))
	c.ADDQ(plane, src)
	c.ADDQ(pitch, dst)
	c.DECQ(planes)
	c.JNZ(operand.LabelRef("plane"))
	c.VZEROUPPER()
	c.RET()
}

// winogradB is the input's transform along one axis.
func winogradB(c *build.Context, d0, d1, d2, d3 vec) (r0, r1, r2, r3 vec) {
	r0, r1, r2, r3 = c.ZMM(), c.ZMM(), c.ZMM(), c.ZMM()
	c.VSUBPS(d2, d0, r0)
	c.VADDPS(d2, d1, r1)
	c.VSUBPS(d1, d2, r2)
	c.VSUBPS(d3, d1, r3)
	return r0, r1, r2, r3
}

// winogradA is the output's transform along one axis.
func winogradA(c *build.Context, m0, m1, m2, m3 vec) (r0, r1 vec) {
	r0, r1 = c.ZMM(), c.ZMM()
	c.VADDPS(m1, m0, r0)
	c.VADDPS(m2, r0, r0)
	c.VSUBPS(m2, m1, r1)
	c.VSUBPS(m3, r1, r1)
	return r0, r1
}

func winogradOutput(c *build.Context, decl *bytes.Buffer) {
	const params = ", bias *float32, flags int)"
	fmt.Fprintf(decl, `
// winogradOutputAVX512 transforms products back into tiles of 2×2 results: of row r (an
// output channel), element e of a tile stands at src + e·matrix + r·pitch, and its results
// go to dst + r·plane, at the places that the tile's chunk tells, line bytes from one line
// to the next. flags are those of the micro-kernels.
//
//go:noescape
func winogradOutputAVX512(dst, src *float32, rows, plane, line int, chunks *winogradResults, count, pitch, matrix int%s
`, params)
	c.Function("winogradOutputAVX512")
	c.Attributes(attr.NOSPLIT)
	c.SignatureExpr("func(dst, src *float32, rows, plane, line int, chunks *int, count, pitch, matrix int" + params)
	lower := permutation(c, "winogradLower", func(i uint32) uint32 { return i/2 + i%2*16 })
	upper := permutation(c, "winogradUpper", func(i uint32) uint32 { return 8 + i/2 + i%2*16 })
	load := func(name string) reg.Register { return c.Load(c.Param(name), c.GP64()) }
	dst, src, rows, plane, line := load("dst"), load("src"), load("rows"), load("plane"), load("line")
	chunks, count, pitch, matrix := load("chunks"), load("count"), load("pitch"), load("matrix")
	bias, flags := load("bias"), load("flags")
	p, n, at := c.GP64(), c.GP64(), c.GP64()
	shift, floor := c.ZMM(), c.ZMM()
	c.VPXORD(shift, shift, shift)
	// Without ReLU nothing is below the floor.
	c.MOVL(operand.U32(0xff800000), at.As32())
	c.TESTL(operand.U32(flagRelu), flags.(reg.GPVirtual).As32())
	c.JZ(operand.LabelRef("floor"))
	c.XORL(at.As32(), at.As32())
	c.Label("floor")
	c.VPBROADCASTD(at.As32(), floor)
	c.Label("row")
	c.TESTQ(bias, bias)
	c.JZ(operand.LabelRef("nobias"))
	c.VBROADCASTSS(operand.Mem{Base: bias}, shift)
	c.ADDQ(operand.U8(4), bias)
	c.Label("nobias")
	c.MOVQ(chunks, p)
	c.MOVQ(count, n)
	c.Label("chunk")
	c.MOVQ(operand.Mem{Base: p}, at)
	c.ADDQ(src, at)
	var m [4][4]vec
	for i := range m {
		for j := range m[i] {
			m[i][j] = c.ZMM()
			c.VMOVUPS(operand.Mem{Base: at}, m[i][j])
			if i+j < 6 {
				c.ADDQ(matrix, at)
			}
		}
	}
	var s [2][4]vec
	for j := range 4 {
		s[0][j], s[1][j] = winogradA(c, m[0][j], m[1][j], m[2][j], m[3][j])
	}
	c.MOVQ(operand.Mem{Base: p, Disp: 8}, at)
	c.ADDQ(dst, at)
	for i := range 2 {
		r0, r1 := winogradA(c, s[i][0], s[i][1], s[i][2], s[i][3])
		for _, r := range []vec{r0, r1} {
			c.VADDPS(shift, r, r)
			c.VMAXPS(r, floor, r)
		}
		for half, index := range []vec{lower, upper} {
			lanes, k := c.GP32(), c.K()
			c.MOVL(operand.Mem{Base: p, Disp: 16 + 16*i + 8*half}, lanes)
			c.KMOVW(lanes, k)
			c.VMOVUPS(merged(c, r0, r1, index), k, operand.Mem{Base: at, Disp: 64 * half})
		}
		if i == 0 {
			c.ADDQ(line, at)
		}
	}
	c.ADDQ(operand.U8(48), p)
	c.DECQ(n)
	c.JNZ(operand.LabelRef("chunk"))
	c.ADDQ(plane, dst)
	c.ADDQ(pitch, src)
	c.DECQ(rows)
	c.JNZ(operand.LabelRef("row"))
	c.VZEROUPPER()
	c.RET()
}
