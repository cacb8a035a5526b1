package main

import (
	"bytes"
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The windows' transform of Winograd's convolution, G·g·Gᵀ (tiles.go has the others), is made two rows of elements at a time,
// by a kernel for each two: what the transform writes stays in a near cache until it is multiplied.

// filterPoints are the factors of an even part and an odd one at the points ±√½ and ±√2.
var filterPoints = []struct{ outer, even, odd float64 }{
	{0.5, -2. / 3, -2. / 3 * pointA},
	{2, 1. / 6, pointB / 6},
}

// filterRow is row i of the first axis's transform of the three columns of a window. Instructions of one kind stand together: none
// has to wait long for the one before it.
func (t *transform) filterRow(i int, tap func(row, column int) operand.Mem) (r [3]vec) {
	from := 0
	if i == 5 {
		from = 2
	}
	for column := range r {
		r[column] = t.reg()
		t.load(tap(from, column), r[column])
	}
	if i == 0 || i == 5 {
		return r
	}
	p := filterPoints[(i-1)/2]
	for column := range r {
		t.fma(tap(2, column), t.constant[p.outer], r[column])
	}
	for column := range r {
		t.mul(t.constant[p.even], r[column], r[column])
	}
	for column := range r {
		if i%2 == 1 {
			t.fma(tap(1, column), t.constant[p.odd], r[column])
		} else {
			t.VFNMADD231PS(tap(1, column), t.constant[p.odd], r[column])
		}
	}
	return r
}

// filterAxis transforms three along the second axis to six.
func (t *transform) filterAxis(g [3]vec) [6]vec {
	var plus, minus [2]vec
	for i, p := range filterPoints {
		plus[i] = t.copy(g[0])
		t.fma(t.number(p.outer), g[2], plus[i])
	}
	for i, p := range filterPoints {
		t.mul(t.number(p.even), plus[i], plus[i])
	}
	for i, p := range filterPoints {
		minus[i] = t.copy(plus[i])
		t.fma(t.number(p.odd), g[1], plus[i])
		t.VFNMADD231PS(t.number(p.odd), g[1], minus[i])
	}
	return [6]vec{g[0], plus[0], minus[0], plus[1], minus[1], g[2]}
}

// emitFilter writes the kernels of rows 0 and 1, 2 and 3, and 4 and 5.
func emitFilter(c *build.Context, i isa, decl *bytes.Buffer) {
	fmt.Fprintf(decl, "\nvar tileFilter%s = [filterParts]func(*tileArgs){", i.name)
	for part := range 3 {
		fmt.Fprintf(decl, "tileFilter%d%s, ", part, i.name)
	}
	fmt.Fprintln(decl, "}")
	for part := range 3 {
		filterKernel(c, i, part, decl)
	}
	filterProducts(c, i, decl)
}

// filterKernel writes one of them: taps stand a step apart, and elements too. It calls for the taps of the part's row of
// a window that is read later.
func filterKernel(c *build.Context, i isa, part int, decl *bytes.Buffer) {
	t := &transform{asm: &asm{Context: c, isa: i, elem: f32}, constant: map[float64]reg.VecVirtual{}}
	name := fmt.Sprintf("tileFilter%d%s", part, i.name)
	fmt.Fprintf(decl, "\n//go:noescape\nfunc %s(args *tileArgs)\n", name)
	field, get := t.begin(name)
	for _, p := range filterPoints {
		t.fetch([]float64{p.outer, p.even, p.odd})
	}
	pixels, elements, tap, element, ahead := get(tilePixels), get(tileElements), get(tileTap), get(tileElement), get(tileAhead)
	channels, vectors, to, at := get(tileTiles), c.GP64(), c.GP64(), c.GP64()
	rows := [3]reg.GPVirtual{c.GP64(), c.GP64(), c.GP64()}
	c.Label("channel")
	c.LEAQ(operand.Mem{Base: pixels, Index: ahead, Scale: 1}, to)
	t.rowsOfTaps(to, tap, rows)
	for column := range 3 {
		for line := 0; line < t.isa.vecs*t.isa.bytes; line += 64 {
			m := indexed(rows[part], tap, column)
			m.Disp = line
			c.PREFETCHT0(m)
		}
	}
	t.rowsOfTaps(pixels, tap, rows)
	c.MOVQ(elements, to)
	c.MOVQ(field(tileVectors), vectors)
	c.Label("vector")
	c.MOVQ(to, at)
	for row := 2 * part; row < 2*part+2; row++ {
		in := t.filterRow(row, func(i, column int) operand.Mem { return indexed(rows[i], tap, column) })
		for _, r := range t.filterAxis(in) {
			t.store(r, operand.Mem{Base: at})
			c.ADDQ(element, at)
		}
	}
	for _, r := range append(rows[:], to) {
		c.ADDQ(operand.Imm(uint64(t.isa.bytes)), r)
	}
	c.DECQ(vectors)
	c.JNZ(operand.LabelRef("vector"))
	c.ADDQ(field(tilePixelStep), pixels)
	c.ADDQ(field(tileElementStep), elements)
	c.DECQ(channels)
	c.JNZ(operand.LabelRef("channel"))
	c.VZEROUPPER()
	c.RET()
}

// filterProducts writes the products of windows with a single tile, transformed in registers: one row of elements after the
// other, for each a vector of output channels at a time. They are added to what stands in the products. The windows' rows are so
// read several times, from the nearest cache, and nothing of them is written.
func filterProducts(c *build.Context, i isa, decl *bytes.Buffer) {
	t := &transform{asm: &asm{Context: c, isa: i, elem: f32, constants: map[uint32]operand.Mem{}, vectors: map[uint32]operand.Mem{}}}
	name := "tileProducts" + i.name
	fmt.Fprintf(decl, "\n//go:noescape\nfunc %s(args *tileArgs)\n", name)
	field, get := t.begin(name)
	tap, element, inputs, outputs := get(tileTap), get(tileElement), get(tileElements), get(tileProducts)
	for row := range 6 {
		t.constant = map[float64]reg.VecVirtual{}
		for n, p := range filterPoints {
			if t.opmask || n == (row+1)/2-1 { // there are few registers without opmasks
				t.fetch([]float64{p.outer, p.even, p.odd})
			}
		}
		t.rowProducts(row, field, tap, element, inputs, outputs)
	}
	c.VZEROUPPER()
	c.RET()
}

// rowProducts writes a row of the products. inputs and outputs go on to the next row.
func (t *transform) rowProducts(row int, field func(int) operand.Mem, tap, element, inputs, outputs reg.GPVirtual) {
	label := func(s string) string { return fmt.Sprintf("%s%d", s, row) }
	vectors, from := t.GP64(), t.GP64()
	t.MOVQ(field(tileVectors), vectors)
	t.MOVQ(field(tilePixels), from)
	t.Label(label("vector"))
	sums, at := make([]reg.VecVirtual, 6), t.GP64()
	t.MOVQ(outputs, at)
	for i := range sums {
		sums[i] = t.reg()
		t.load(operand.Mem{Base: at}, sums[i])
		t.ADDQ(field(tileProduct), at)
	}
	rows := [3]reg.GPVirtual{t.GP64(), t.GP64(), t.GP64()}
	t.rowsOfTaps(from, tap, rows)
	ahead := t.GP64() // the taps of a third of the windows that are read later
	t.MOVQ(rows[row/2], ahead)
	t.ADDQ(field(tileAhead), ahead)
	first, fourth := t.GP64(), t.GP64() // inputs
	t.MOVQ(inputs, first)
	t.LEAQ(operand.Mem{Base: element, Index: element, Scale: 2}, fourth)
	t.ADDQ(first, fourth)
	channels := t.GP64()
	t.MOVQ(field(tileTiles), channels)

	t.Label(label("channel"))
	for column := 2 * (row % 2); column < 2+row%2; column++ {
		t.PREFETCHT0(indexed(ahead, tap, column))
	}
	g := t.filterRow(row, func(i, column int) operand.Mem { return indexed(rows[i], tap, column) })
	for i, v := range t.filterAxis(g) {
		x := t.reg()
		t.broadcast(indexed([]reg.GPVirtual{first, fourth}[i/3], element, i%3), x)
		t.fma(x, v, sums[i])
	}
	for _, r := range append(rows[:], ahead) {
		t.ADDQ(operand.U32(windowTaps*t.isa.vecs*t.isa.bytes), r)
	}
	t.ADDQ(operand.U8(4), first)
	t.ADDQ(operand.U8(4), fourth)
	t.DECQ(channels)
	t.JNZ(operand.LabelRef(label("channel")))

	t.MOVQ(outputs, at)
	for _, sum := range sums {
		t.store(sum, operand.Mem{Base: at})
		t.ADDQ(field(tileProduct), at)
	}
	t.ADDQ(operand.U8(t.isa.bytes), outputs)
	t.ADDQ(operand.U8(t.isa.bytes), from)
	t.DECQ(vectors)
	t.JNZ(operand.LabelRef(label("vector")))
	t.MOVQ(field(tileProducts), outputs)
	for range 6 * (row + 1) {
		t.ADDQ(field(tileProduct), outputs)
	}
	for range 6 {
		t.ADDQ(element, inputs)
	}
}

const windowTaps = 9

// rowsOfTaps points to the three rows of a window.
func (t *transform) rowsOfTaps(window, tap reg.GPVirtual, rows [3]reg.GPVirtual) {
	three := t.GP64()
	t.LEAQ(operand.Mem{Base: tap, Index: tap, Scale: 2}, three)
	t.MOVQ(window, rows[0])
	t.LEAQ(operand.Mem{Base: window, Index: three, Scale: 1}, rows[1])
	t.LEAQ(operand.Mem{Base: window, Index: three, Scale: 2}, rows[2])
}

// indexed is the n-th, up to the third, of numbers that stand a step apart.
func indexed(base, step reg.GPVirtual, n int) operand.Mem {
	m := operand.Mem{Base: base}
	if n > 0 {
		m.Index, m.Scale = step, uint8(n)
	}
	return m
}

// number is a constant: in a register if it was fetched, else in memory.
func (t *transform) number(v float64) operand.Op {
	if r, ok := t.constant[v]; ok {
		return r
	}
	return t.factor(v)
}
