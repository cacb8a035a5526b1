package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Offsets in struct microArgs of package loops; a test there compares them.
const (
	argA     = 0  // first element of the rows of A
	argARow  = 8  // bytes from row to row
	argAStep = 16 // bytes from one k to the next
	argB     = 24 // first vector of B
	argBStep = 32 // bytes from one k to the next
	argC     = 40 // first element of the tile
	argCRow  = 48 // bytes from row to row
	argK     = 56 // number of products summed
	argBias  = 64 // first bias
	argFlags = 72 // what happens to the sums
	argLanes = 80 // opmask of the last vector
	argMask  = 88 // sign bits of the last vector, for instruction sets without opmasks
	argAlpha = 96 // scale of the sums

	// Of the kernels that read A through a table.
	argARows    = 104 // offsets of the rows in bytes
	argSegments = 112 // offsets of the segments of k in bytes
	argSegCount = 120 // number of segments
	argSegLen   = 128 // products in a segment
	argCounter  = 136 // scratch: products to go in the segment
	argSegPos   = 144 // the next segment in the table, in bytes; 0 at first

	argBRow = 152 // bytes from B to B, of the kernels with several
)

// Bits of microArgs.flags.
const (
	flagAdd     = 1 << iota // C is added to
	flagBiasRow             // a bias for each row
	flagBiasCol             // a bias for each column
	flagRelu                // negative sums become 0
	flagAlpha               // the sums are scaled
	flagTail                // the last vector is a partial one
)

func emitMicro(c *build.Context, set isa, decl *bytes.Buffer) {
	a := &asm{Context: c, isa: set, elem: f32}
	for rows := 1; rows <= set.maxRows; rows++ {
		for vecs := 1; vecs <= set.vecs; vecs++ {
			microKernel(a, rows, vecs)
			tableKernel(a, rows, vecs)
		}
	}
	for _, name := range []func(rows, vecs int) string{a.microName, a.tableName} {
		declareMicro(a, name, decl)
	}
	severalKernel(a, "strip", true, decl)
	severalKernel(a, "each", false, decl)
}

// emitMicro64 writes the products of float64, which nothing trains in: gradients are checked in it,
// and a report lays out its map. So it has the tiles of the Go loops and no others, with AVX2 for
// AVX-512 too, and no kernels that read A through a table.
func emitMicro64(c *build.Context, decl *bytes.Buffer) {
	set := avx2
	set.maxRows, set.vecs = 4, 1
	a := &asm{Context: c, isa: set, elem: f64}
	for rows := 1; rows <= set.maxRows; rows++ {
		microKernel(a, rows, 1)
	}
	declareMicro(a, a.microName, decl)
}

// declareMicro writes the Go side of a family of kernels.
func declareMicro(a *asm, name func(rows, vecs int) string, decl *bytes.Buffer) {
	family := strings.TrimSuffix(name(0, 0), "x0x0")
	fmt.Fprintf(decl, "\nvar %s = [][]func(*microArgs[%s]){\n", family, a.goType)
	for rows := 1; rows <= a.maxRows; rows++ {
		fmt.Fprint(decl, "{")
		for vecs := 1; vecs <= a.vecs; vecs++ {
			fmt.Fprintf(decl, "%s, ", name(rows, vecs))
		}
		fmt.Fprintln(decl, "},")
	}
	fmt.Fprintln(decl, "}")
	for rows := 1; rows <= a.maxRows; rows++ {
		for vecs := 1; vecs <= a.vecs; vecs++ {
			fmt.Fprintf(decl, "\n//go:noescape\nfunc %s(args *microArgs[%s])\n", name(rows, vecs), a.goType)
		}
	}
}

func (a *asm) microName(rows, vecs int) string {
	return fmt.Sprintf("micro%s%sx%dx%d", a.name, a.short, rows, vecs)
}

func (a *asm) tableName(rows, vecs int) string {
	return fmt.Sprintf("table%s%sx%dx%d", a.name, a.short, rows, vecs)
}

// begin begins a function of microArgs: field is where a field of them is, and get brings one into a register.
func (a *asm) begin(name string) (field func(off int) operand.Mem, get func(off int) reg.GPVirtual) {
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr("func(args uintptr)")
	args := a.Load(a.Param("args"), a.GP64())
	field = func(off int) operand.Mem { return operand.Mem{Base: args, Disp: off} }
	get = func(off int) reg.GPVirtual {
		r := a.GP64()
		a.MOVQ(field(off), r)
		return r
	}
	return field, get
}

// zeros is a tile of sums, rows × vecs vectors of zeros.
func (a *asm) zeros(rows, vecs int) [][]reg.VecVirtual {
	sums := make([][]reg.VecVirtual, rows)
	for i := range sums {
		for range vecs {
			r := a.reg()
			a.zero(r)
			sums[i] = append(sums[i], r)
		}
	}
	return sums
}

// microKernel writes the product of rows rows of A and vecs vectors of columns of B, a
// tile of C that stays in registers over all of k.
func microKernel(a *asm, rows, vecs int) {
	field, get := a.begin(a.microName(rows, vecs))

	sums := a.zeros(rows, vecs)
	flags := get(argFlags)
	a.loadMask(field)

	// Every third row has a pointer; the two after it are reached by index.
	rowStep := get(argARow)
	pointers := []reg.GPVirtual{get(argA)}
	if rows > 3 {
		three := a.GP64()
		a.LEAQ(operand.Mem{Base: rowStep, Index: rowStep, Scale: 2}, three)
		for i := 3; i < rows; i += 3 {
			p := a.GP64()
			a.LEAQ(operand.Mem{Base: pointers[len(pointers)-1], Index: three, Scale: 1}, p)
			pointers = append(pointers, p)
		}
	}
	b, count := get(argB), get(argK)
	aStep, bStep := get(argAStep), get(argBStep)

	loop := func(label string, masked bool) {
		a.TESTQ(count, count)
		a.JZ(operand.LabelRef("done"))
		a.Label(label)
		cols := make([]reg.VecVirtual, vecs)
		for j := range cols {
			cols[j] = a.reg()
			m := operand.Mem{Base: b, Disp: j * a.isa.bytes}
			if masked && j == vecs-1 {
				a.loadMasked(m, cols[j])
			} else {
				a.load(m, cols[j])
			}
		}
		a.ADDQ(bStep, b)
		for i := range rows {
			m := operand.Mem{Base: pointers[i/3]}
			if i%3 > 0 {
				m.Index, m.Scale = rowStep, uint8(i%3)
			}
			v := a.reg()
			a.broadcast(m, v)
			for j := range cols {
				a.fma(v, cols[j], sums[i][j])
			}
		}
		for _, p := range pointers {
			a.ADDQ(aStep, p)
		}
		a.DECQ(count)
		a.JNZ(operand.LabelRef(label))
	}
	if !a.opmask { // with opmasks a partial load costs no more
		a.BTL(operand.U8(5), flags.As32()) // flagTail
		a.JC(operand.LabelRef("partial"))
		loop("full", false)
		a.JMP(operand.LabelRef("done"))
		a.Label("partial")
	}
	loop("part", true)
	a.Label("done")
	a.finish(sums, flags, field, get)
	a.RET()
}

// tableKernel writes a micro-kernel whose rows of A stand at any offsets, and whose k falls
// into segments, contiguous in A and at any offsets too: the product of an
// image-to-columns matrix, that need not be made, with packed columns of B.
func tableKernel(a *asm, rows, vecs int) {
	field, get := a.begin(a.tableName(rows, vecs))
	sums := a.zeros(rows, vecs)
	// All general registers but one hold rows: the counters stay in memory.
	base, table := get(argA), get(argARows)
	pointers := make([]reg.GPVirtual, rows)
	for i := range pointers[:rows-1] {
		pointers[i] = a.GP64()
		a.MOVQ(operand.Mem{Base: table, Disp: 8 * i}, pointers[i])
		a.ADDQ(base, pointers[i])
	}
	pointers[rows-1] = base
	a.ADDQ(operand.Mem{Base: table, Disp: 8 * (rows - 1)}, base)
	b, at := get(argB), a.GP64()
	a.Label("segment")
	a.MOVQ(field(argSegLen), at)
	a.MOVQ(at, field(argCounter))
	a.MOVQ(field(argSegments), at)
	a.ADDQ(field(argSegPos), at)
	a.MOVQ(operand.Mem{Base: at}, at)
	a.ADDQ(operand.U8(8), field(argSegPos))
	a.Label("loop")
	cols := make([]reg.VecVirtual, vecs)
	for j := range cols {
		cols[j] = a.reg()
		a.load(operand.Mem{Base: b, Disp: j * a.isa.bytes}, cols[j])
	}
	a.ADDQ(operand.U32(a.isa.vecs*a.isa.bytes), b) // a packed row, whatever the kernel uses of it
	for i := range rows {
		v := a.reg()
		a.broadcast(operand.Mem{Base: pointers[i], Index: at, Scale: 1}, v)
		for j := range cols {
			a.fma(v, cols[j], sums[i][j])
		}
	}
	a.ADDQ(operand.U8(a.elem.bytes), at)
	a.DECQ(field(argCounter))
	a.JNZ(operand.LabelRef("loop"))
	a.DECQ(field(argSegCount))
	a.JNZ(operand.LabelRef("segment"))
	flags := get(argFlags)
	a.loadMask(field)
	a.finish(sums, flags, field, get)
	a.RET()
}

// severalBs is how many packed Bs one row of A is multiplied with at once: of fewer, additions would wait for one
// another.
const severalBs = 4

// severalKernel writes the products of rows of A with severalBs packed panels of B, argBRow apart. As a strip they are one row of A and
// one of C, across the panels; else each panel has a row of A and one of C of its own.
func severalKernel(a *asm, kind string, strip bool, decl *bytes.Buffer) {
	name := kind + a.name
	fmt.Fprintf(decl, "\n//go:noescape\nfunc %s(args *microArgs[%s])\n", name, a.goType)
	field, get := a.begin(name)
	// four is where the i-th of four things is that stand a step apart.
	four := func(base, step, three reg.GPVirtual, i int) operand.Mem {
		m := operand.Mem{Base: base}
		switch i {
		case 1, 2:
			m.Index, m.Scale = step, uint8(i)
		case 3:
			m.Index, m.Scale = three, 1
		}
		return m
	}
	threeOf := func(step reg.GPVirtual) reg.GPVirtual {
		r := a.GP64()
		a.LEAQ(operand.Mem{Base: step, Index: step, Scale: 2}, r)
		return r
	}
	rows := make([][]reg.VecVirtual, severalBs)
	for i := range rows {
		for range a.vecs {
			r := a.reg()
			a.zero(r)
			rows[i] = append(rows[i], r)
		}
	}
	row, b, aStep, bStep, count := get(argA), get(argB), get(argAStep), get(argBStep), get(argK)
	bRow := get(argBRow)
	threeB := threeOf(bRow)
	var aRow, threeA reg.GPVirtual
	if !strip {
		aRow = get(argARow)
		threeA = threeOf(aRow)
	}
	a.TESTQ(count, count)
	a.JZ(operand.LabelRef("done"))
	a.Label("loop")
	v := a.reg()
	for i, sums := range rows {
		if i == 0 || !strip {
			a.broadcast(four(row, aRow, threeA, i), v)
		}
		for j, sum := range sums {
			m := four(b, bRow, threeB, i)
			m.Disp = j * a.isa.bytes
			a.fma(m, v, sum)
		}
	}
	a.ADDQ(aStep, row)
	a.ADDQ(bStep, b)
	a.DECQ(count)
	a.JNZ(operand.LabelRef("loop"))
	a.Label("done")
	a.loadMask(field)
	sums := rows
	if strip {
		sums = [][]reg.VecVirtual{slices.Concat(rows...)}
	}
	a.finish(sums, get(argFlags), field, get)
	a.RET()
}

// loadMask fetches the mask of the last vector.
func (a *asm) loadMask(field func(int) operand.Mem) {
	if a.opmask {
		lanes, mask := a.GP32(), a.K()
		a.MOVL(field(argLanes), lanes)
		a.KMOVW(lanes, mask)
		a.mask = mask
		return
	}
	p, mask := a.GP64(), a.reg()
	a.MOVQ(field(argMask), p)
	a.VMOVUPS(operand.Mem{Base: p}, mask)
	a.mask = mask
}

// finish applies alpha, C, bias and ReLU to the sums, as the flags say, and stores them.
func (a *asm) finish(sums [][]reg.VecVirtual, flags reg.GPVirtual, field func(int) operand.Mem, get func(int) reg.GPVirtual) {
	last := len(sums[0]) - 1
	when := func(flag int, label string, body func()) {
		a.TESTL(operand.U32(flag), flags.As32())
		a.JZ(operand.LabelRef(label))
		body()
		a.Label(label)
	}
	each := func(do func(i, j int, sum reg.VecVirtual)) {
		for i, row := range sums {
			for j, sum := range row {
				do(i, j, sum)
			}
		}
	}
	tile, rowStep := get(argC), get(argCRow)
	// walk goes over the rows of the tile in C.
	walk := func(do func(i, j int, m operand.Mem, sum reg.VecVirtual)) {
		p := a.GP64()
		a.MOVQ(tile, p)
		for i, row := range sums {
			for j, sum := range row {
				do(i, j, operand.Mem{Base: p, Disp: j * a.isa.bytes}, sum)
			}
			if i < len(sums)-1 {
				a.ADDQ(rowStep, p)
			}
		}
	}
	when(flagAlpha, "noalpha", func() {
		alpha := a.reg()
		a.broadcast(field(argAlpha), alpha)
		each(func(_, _ int, sum reg.VecVirtual) { a.mul(alpha, sum, sum) })
	})
	when(flagAdd, "noadd", func() {
		walk(func(_, j int, m operand.Mem, sum reg.VecVirtual) {
			if j < last {
				a.add(m, sum, sum)
				return
			}
			old := a.reg()
			a.loadMasked(m, old)
			a.add(old, sum, sum)
		})
	})
	when(flagBiasRow, "nobiasrow", func() {
		bias, v := get(argBias), a.reg()
		each(func(i, j int, sum reg.VecVirtual) {
			if j == 0 {
				a.broadcast(operand.Mem{Base: bias, Disp: i * a.elem.bytes}, v)
			}
			a.add(v, sum, sum)
		})
	})
	when(flagBiasCol, "nobiascol", func() {
		bias := get(argBias)
		v := a.reg()
		for j := range sums[0] {
			m := operand.Mem{Base: bias, Disp: j * a.isa.bytes}
			if j < last {
				a.load(m, v)
			} else {
				a.loadMasked(m, v)
			}
			for i := range sums {
				a.add(v, sums[i][j], sums[i][j])
			}
		}
	})
	when(flagRelu, "norelu", func() {
		zero := a.reg()
		a.zero(zero)
		each(func(_, _ int, sum reg.VecVirtual) { a.max(sum, zero, sum) })
	})
	if !a.opmask { // a partial store takes as long as several rows of products, of whole vectors too
		a.TESTL(operand.U32(flagTail), flags.As32())
		a.JNZ(operand.LabelRef("tail"))
		walk(func(_, _ int, m operand.Mem, sum reg.VecVirtual) { a.store(sum, m) })
		a.VZEROUPPER()
		a.RET()
		a.Label("tail")
	}
	walk(func(_, j int, m operand.Mem, sum reg.VecVirtual) {
		if j < last {
			a.store(sum, m)
		} else {
			a.storeMasked(sum, m)
		}
	})
	if a.isa.bytes > 16 {
		a.VZEROUPPER()
	}
}
