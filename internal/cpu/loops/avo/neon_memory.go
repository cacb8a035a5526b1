package main

import (
	"fmt"
	"math/bits"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// address brings an address into a register and a displacement.
func (l *lowering) address(m operand.Mem) (base value, disp int) {
	if m.Base == reg.StaticBase {
		base = l.value(general)
		l.g(fmt.Sprintf("MOVD $%s+%d(SB), R%%0", m.Symbol, m.Disp), base)
		return base, 0
	}
	base = l.gp(m.Base)
	if m.Index != nil && m.Scale != 0 {
		sum := l.value(general)
		l.g(fmt.Sprintf("ADD R%%1<<%d, R%%2, R%%0", bits.TrailingZeros8(m.Scale)), sum, l.gp(m.Index), base)
		base = sum
	}
	return base, m.Disp
}

// pointer brings an address into a register.
func (l *lowering) pointer(m operand.Mem) value {
	base, disp := l.address(m)
	if disp == 0 {
		return base
	}
	p := l.value(general)
	l.g(fmt.Sprintf("ADD $%d, R%%1, R%%0", disp), p, base)
	return p
}

// place is how memory is written down, given the operand for its base, and the values for that: none for a parameter.
func (l *lowering) place(m operand.Mem) (at func(base string) string, values []value) {
	if m.Base == reg.FramePointer {
		return func(string) string { return fmt.Sprintf("%s+%d(FP)", m.Symbol, m.Disp) }, nil
	}
	base, disp := l.address(m)
	return func(base string) string { return fmt.Sprintf("%d(R%s)", disp, base) }, []value{base}
}

// lea computes an address.
func (l *lowering) lea(m operand.Mem, to value) {
	base, disp := l.address(m)
	if disp != 0 {
		l.g(fmt.Sprintf("ADD $%d, R%%1, R%%0", disp), to, base)
		return
	}
	l.emit(instr{text: "MOVD R%1, R%0", values: []value{to, base}, writes: 1, copies: true})
}

// loadHalves loads one or two vectors that stand one behind the other.
func (l *lowering) loadHalves(m operand.Mem, to []value) {
	base, disp := l.address(m)
	if len(to) == 1 {
		l.g(fmt.Sprintf("FMOVQ %d(R%%1), F%%0", disp), to[0], base)
		return
	}
	l.emit(instr{text: fmt.Sprintf("FLDPQ %d(R%%2), (F%%0, F%%1)", disp), values: []value{to[0], to[1], base}, writes: 2})
}

func (l *lowering) storeHalves(from []value, m operand.Mem) {
	base, disp := l.address(m)
	if len(from) == 1 {
		l.emit(instr{text: fmt.Sprintf("FMOVQ F%%0, %d(R%%1)", disp), values: []value{from[0], base}, effect: true})
		return
	}
	l.emit(instr{text: fmt.Sprintf("FSTPQ (F%%0, F%%1), %d(R%%2)", disp), values: []value{from[0], from[1], base}, effect: true})
}

// partly visits the pieces of a masked transfer of two vectors, or of one: whole vectors, two words, and one. NEON has no masks; a
// mask is always of the first words, and becomes their number.
func (l *lowering) partly(count value, halves []value, whole func(), quad func(v value), part func(n int, v value, disp int)) {
	done := l.newLabel("moved")
	if len(halves) == 2 {
		less := l.newLabel("less")
		l.goTo(less, "TBZ $3, R%0", count)
		whole()
		l.goTo(done, "B")
		l.label(less)
	}
	low := l.newLabel("low")
	l.goTo(low, "TBZ $2, R%0", count)
	quad(halves[0])
	if len(halves) == 2 {
		l.fewWords(count, done, func(n int) { part(n, halves[1], 16) })
	}
	l.goTo(done, "B")
	l.label(low)
	l.fewWords(count, done, func(n int) { part(n, halves[0], 0) })
	l.label(done)
}

// fewWords visits the cases of 3, 2 and 1 words.
func (l *lowering) fewWords(count value, done string, part func(n int)) {
	odd, two := l.newLabel("odd"), l.newLabel("two")
	l.goTo(odd, "TBZ $1, R%0", count)
	l.goTo(two, "TBZ $0, R%0", count)
	part(3)
	l.goTo(done, "B")
	l.label(two)
	part(2)
	l.goTo(done, "B")
	l.label(odd)
	l.goTo(done, "TBZ $0, R%0", count)
	part(1)
}

// moveOf is the instruction that moves one word, or two of two or three.
func moveOf(words int) string {
	if words == 1 {
		return "FMOVS"
	}
	return "FMOVD"
}

// loadMasked loads the first count words, and zeros for the others.
func (l *lowering) loadMasked(m operand.Mem, count value, to []value) {
	base := l.pointer(m)
	for _, v := range to {
		l.zero(v)
	}
	whole := func() {
		l.emit(instr{text: "FLDPQ (R%2), (F%0, F%1)", values: []value{to[0], to[1], base}, writes: 2})
	}
	l.partly(count, to, whole,
		func(v value) { l.g("FMOVQ (R%1), F%0", v, base) },
		func(n int, v value, disp int) {
			l.g(fmt.Sprintf("%s %d(R%%1), F%%0", moveOf(n), disp), v, base)
			if n == 3 {
				third := l.value(general)
				l.g(fmt.Sprintf("ADD $%d, R%%1, R%%0", disp+8), third, base)
				l.emit(instr{text: "VLD1 (R%1), V%0.S[2]", values: []value{v, third}, writes: 1, tied: true})
			}
		})
}

// storeMasked stores the first count words.
func (l *lowering) storeMasked(from []value, count value, m operand.Mem) {
	base := l.pointer(m)
	store := func(text string, values ...value) { l.emit(instr{text: text, values: values, effect: true}) }
	l.partly(count, from, func() { store("FSTPQ (F%0, F%1), (R%2)", from[0], from[1], base) },
		func(v value) { store("FMOVQ F%0, (R%1)", v, base) },
		func(n int, v value, disp int) {
			store(fmt.Sprintf("%s F%%0, %d(R%%1)", moveOf(n), disp), v, base)
			if n == 3 {
				third := l.value(general)
				l.g(fmt.Sprintf("ADD $%d, R%%1, R%%0", disp+8), third, base)
				store("VST1 V%0.S[2], (R%1)", v, third)
			}
		})
}

// countOf makes the number of words of a mask from the mask.
func (l *lowering) countOf(mask []value, count value) {
	t := l.value(vector128)
	if len(mask) == 2 {
		l.v("add", "4s", t, mask[0], mask[1])
		l.odd("addv s%0, v%1.4s", t, t)
	} else {
		l.odd("addv s%0, v%1.4s", t, mask[0])
	}
	l.odd("mov w%0, v%1.s[0]", count, t)
	l.g("NEGW R%1, R%0", count, count) // a mask of all bits is −1
}
