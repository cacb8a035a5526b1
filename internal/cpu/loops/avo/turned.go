package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// turnedVecs is how many vectors of columns a kernel of so many rows works on, by row count − 1: as many
// sums as leave registers to turn four vectors in.
var turnedVecs = []int{4, 4, 2, 2, 1, 1, 1, 1}

// emitTurned writes products of few rows of A with a B whose columns are contiguous, which
// packing would bring into order first. AVX-512 takes those of AVX2: what B is read from bounds them,
// and every lane has the same sum.
func emitTurned(c *build.Context, decl *bytes.Buffer) {
	a := &asm{Context: c, isa: avx2, elem: f32}
	fmt.Fprint(decl, "\nvar turnedAVX2F32 = [][]func(*microArgs[float32]){\n")
	for rows, most := range turnedVecs {
		fmt.Fprint(decl, "{")
		for vecs := range most {
			fmt.Fprintf(decl, "%s, ", turnedName(rows+1, vecs+1))
		}
		fmt.Fprintln(decl, "},")
	}
	fmt.Fprintln(decl, "}")
	for rows, most := range turnedVecs {
		for vecs := range most {
			fmt.Fprintf(decl, "\n//go:noescape\nfunc %s(args *microArgs[float32])\n", turnedName(rows+1, vecs+1))
			turnedKernel(a, rows+1, vecs+1)
		}
	}
}

func turnedName(rows, vecs int) string { return fmt.Sprintf("turnedAVX2F32x%dx%d", rows, vecs) }

// turnedKernel writes the product of rows rows of A, contiguous along k, and 8·vecs columns of B, contiguous along k
// too and argBStep apart. Four elements of eight columns at a time are turned in registers.
func turnedKernel(a *asm, rows, vecs int) {
	field, get := a.begin(turnedName(rows, vecs))
	sums := a.zeros(rows, vecs)
	three := func(step reg.GPVirtual) reg.GPVirtual {
		r := a.GP64()
		a.LEAQ(operand.Mem{Base: step, Index: step, Scale: 2}, r)
		return r
	}
	rowsOfA := []reg.GPVirtual{get(argA)}
	var rowStep reg.GPVirtual
	if rows > 1 {
		rowStep = get(argARow)
	}
	if rows > 3 {
		step := three(rowStep)
		for i := 3; i < rows; i += 3 {
			p := a.GP64()
			a.LEAQ(operand.Mem{Base: rowsOfA[len(rowsOfA)-1], Index: step, Scale: 1}, p)
			rowsOfA = append(rowsOfA, p)
		}
	}
	pitch := get(argBStep)
	threePitch := three(pitch)
	fours := []reg.GPVirtual{get(argB)} // every fourth column
	for len(fours) < 2*vecs {
		p := a.GP64()
		a.LEAQ(operand.Mem{Base: fours[len(fours)-1], Index: pitch, Scale: 4}, p)
		fours = append(fours, p)
	}
	count := get(argK)
	column := func(four, n int) operand.Mem {
		m := operand.Mem{Base: fours[four]}
		switch n {
		case 1, 2:
			m.Index, m.Scale = pitch, uint8(n)
		case 3:
			m.Index, m.Scale = threePitch, 1
		}
		return m
	}
	// add adds the products of column vectors with element k of each row.
	add := func(j, k int, cols vec) {
		for i := range rows {
			m := operand.Mem{Base: rowsOfA[i/3], Disp: 4 * k}
			if i%3 > 0 {
				m.Index, m.Scale = rowStep, uint8(i%3)
			}
			v := a.reg()
			a.broadcast(m, v)
			a.fma(v, cols, sums[i][j])
		}
	}
	advance := func(elements int) {
		for _, p := range append(rowsOfA, fours...) {
			a.ADDQ(operand.U8(4*elements), p)
		}
		a.SUBQ(operand.U8(elements), count)
	}
	a.SUBQ(operand.U8(4), count)
	a.JB(operand.LabelRef("ones"))
	a.Label("fours")
	for j := range vecs {
		for k, v := range a.turnFour(func(lane, n int) operand.Mem { return column(2*j+lane, n) }) {
			add(j, k, v)
		}
	}
	advance(4)
	a.JAE(operand.LabelRef("fours"))
	a.Label("ones")
	a.ADDQ(operand.U8(4), count)
	a.JZ(operand.LabelRef("done"))
	a.Label("one")
	for j := range vecs {
		v, high := a.reg(), a.reg()
		for lane, r := range []reg.VecVirtual{v, high} {
			a.VBROADCASTSS(column(2*j+lane, 0), r)
			for n := 1; n < 4; n++ {
				a.VINSERTPS(operand.U8(n<<4), column(2*j+lane, n), r.AsX(), r.AsX())
			}
		}
		a.VINSERTF128(operand.U8(1), high.AsX(), v, v)
		add(j, 0, v)
	}
	advance(1)
	a.JNZ(operand.LabelRef("one"))
	a.Label("done")
	a.loadMask(field)
	a.finish(sums, get(argFlags), field, get)
	a.RET()
}

// turnFour returns four vectors of eight numbers each, the k-th of which holds element k of each of eight columns; column
// returns where a column stands, by half and number there.
func (a *asm) turnFour(column func(half, n int) operand.Mem) (v [4]reg.VecVirtual) {
	var t [4]reg.VecVirtual
	for k := range v {
		v[k], t[k] = a.reg(), a.reg()
		a.VBROADCASTF128(column(0, k), v[k])
		a.VINSERTF128(operand.U8(1), column(1, k), v[k], v[k])
	}
	a.VUNPCKLPS(v[1], v[0], t[0])
	a.VUNPCKHPS(v[1], v[0], t[1])
	a.VUNPCKLPS(v[3], v[2], t[2])
	a.VUNPCKHPS(v[3], v[2], t[3])
	for k := range v {
		v[k] = a.reg()
		if k%2 == 0 {
			a.VUNPCKLPD(t[k/2+2], t[k/2], v[k])
		} else {
			a.VUNPCKHPD(t[k/2+2], t[k/2], v[k])
		}
	}
	return v
}
