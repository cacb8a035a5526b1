package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// threes are the instructions of amd64 that are one of arm64, lane by lane. Go writes the second operand of amd64 first.
var threes = map[string][2]string{
	"VADDPS": {"fadd", "4s"}, "VADDPD": {"fadd", "2d"}, "VSUBPS": {"fsub", "4s"}, "VSUBPD": {"fsub", "2d"}, "VDIVPS": {"fdiv", "4s"},
	"VANDPS": {"and", "16b"}, "VANDPD": {"and", "16b"}, "VPAND": {"and", "16b"}, "VORPS": {"orr", "16b"}, "VPOR": {"orr", "16b"},
	"VXORPS": {"eor", "16b"}, "VPADDD": {"add", "4s"}, "VPSUBD": {"sub", "4s"}, "VPCMPEQD": {"cmeq", "4s"},
}

var twos = map[string][2]string{
	"VSQRTPS": {"fsqrt", "4s"}, "VCVTPS2DQ": {"fcvtns", "4s"}, "VCVTDQ2PS": {"scvtf", "4s"},
}

// shuffles are those of pairs of vectors, within each half; the operands stand the other way round in arm64.
var shuffles = map[string][2]string{
	"VUNPCKLPS": {"zip1", "4s"}, "VUNPCKHPS": {"zip2", "4s"}, "VUNPCKLPD": {"zip1", "2d"}, "VUNPCKHPD": {"zip2", "2d"}, "VHADDPS": {"faddp", "4s"},
}

var shifts = map[string]string{"VPSLLD": "shl", "VPSRLD": "ushr", "VPSRAD": "sshr"}

// vectorial translates instructions of the vector registers.
func (l *lowering) vectorial(i *ir.Instruction) bool {
	return l.moves(i) || l.lanewise(i) || l.products(i) || l.across(i) || l.widening(i) || l.toGeneral(i)
}

// lanewise translates what each lane does for itself.
func (l *lowering) lanewise(i *ir.Instruction) bool {
	ops := i.Operands
	if isZeroing(i) {
		for _, t := range l.target(ops[2]) {
			l.zero(t)
		}
		return true
	}
	if len(ops) == 0 || !isVector(ops[len(ops)-1]) {
		return false
	}
	to := l.target(ops[len(ops)-1])
	n := len(to)
	if op, ok := threes[i.Opcode]; ok {
		second, first := l.source(ops[0], n), l.source(ops[1], n)
		for h, t := range to {
			l.v(op[0], op[1], t, first[h], second[h])
		}
		return true
	}
	if op, ok := twos[i.Opcode]; ok {
		for h, v := range l.source(ops[0], n) {
			l.v(op[0], op[1], to[h], v)
		}
		return true
	}
	if name, ok := shifts[i.Opcode]; ok {
		for h, v := range l.source(ops[1], n) {
			l.shift(name, immediate(ops[0]), to[h], v)
		}
		return true
	}
	switch i.Opcode {
	case "VROUNDPS":
		if immediate(ops[0]) != 8 {
			panic("neon: a rounding that is not to the nearest")
		}
		for h, v := range l.source(ops[1], n) {
			l.v("frintn", "4s", to[h], v)
		}
	case "VMAXPS", "VMINPS", "VMAXPD":
		l.extreme(i.Opcode, l.source(ops[1], n), l.source(ops[0], n), to)
	case "VCMPPS":
		l.compare(immediate(ops[0]), l.source(ops[2], n), l.source(ops[1], n), to)
	case "VBLENDVPS":
		mask, yes, no := l.source(ops[0], n), l.source(ops[1], n), l.source(ops[2], n)
		for h, t := range to {
			l.choose(mask[h], yes[h], no[h], t)
		}
	default:
		return false
	}
	return true
}

// extreme is the larger or the smaller of two vectors, as amd64 has it: the second one where one is NaN or both are 0.
func (l *lowering) extreme(opcode string, first, second, to []value) {
	form := "4s"
	if opcode == "VMAXPD" {
		form = "2d"
	}
	for h, t := range to {
		mask := l.value(vector128)
		if opcode == "VMINPS" {
			l.v("fcmgt", form, mask, second[h], first[h])
		} else {
			l.v("fcmgt", form, mask, first[h], second[h])
		}
		l.choose(mask, first[h], second[h], t)
	}
}

// choose is yes where the mask's bits are set, and no elsewhere.
func (l *lowering) choose(mask, yes, no, to value) {
	switch to {
	case no:
		l.v("bit", "16b", to, yes, mask)
	case yes:
		l.v("bif", "16b", to, no, mask)
	default:
		t := l.value(vector128)
		l.copy(t, mask)
		l.v("bsl", "16b", t, yes, no)
		l.copy(to, t)
	}
}

// compare makes masks of a comparison by number.
func (l *lowering) compare(predicate int, x, y, to []value) {
	for h, t := range to {
		a, b := x[h], y[h]
		name, not := "", false
		switch predicate {
		case 0, 4:
			name, not = "fcmeq", predicate == 4
		case 1, 5: // a < b
			name, not = "fcmgt", predicate == 5
			a, b = b, a
		case 2, 6: // a ≤ b
			name, not = "fcmge", predicate == 6
			a, b = b, a
		case 3, 7: // one is NaN, neither is
			name, not = "fcmeq", predicate == 3
			if a != b {
				panic("neon: an order of two vectors")
			}
		case 9, 13:
			name, not = "fcmge", predicate == 9
		case 10, 14:
			name, not = "fcmgt", predicate == 10
		default:
			panic(fmt.Sprintf("neon: predicate %d", predicate))
		}
		if !not {
			l.v(name, "4s", t, a, b)
			continue
		}
		m := l.value(vector128)
		l.v(name, "4s", m, a, b)
		l.v("mvn", "16b", t, m)
	}
}

// products translates multiplications, by an element where a factor has equal lanes and nothing else needs it whole.
func (l *lowering) products(i *ir.Instruction) bool {
	ops := i.Operands
	form := "4s"
	name := map[string]string{
		"VFMADD231PS": "fmla", "VFMADD231PD": "fmla", "VFNMADD231PS": "fmls", "VMULPS": "fmul", "VMULPD": "fmul", "VFMADD213PS": "fmla",
	}[i.Opcode]
	if name == "" {
		return false
	}
	if i.Opcode[len(i.Opcode)-1] == 'D' {
		form = "2d"
	}
	to := l.target(ops[2])
	n := len(to)
	if i.Opcode != "VFMADD213PS" {
		x, y := l.source(ops[0], n), l.source(ops[1], n)
		for h, t := range to {
			l.product(name, form, t, x[h], y[h], l.isLane(ops[0]), l.isLane(ops[1]))
		}
		return true
	}
	sum, x := l.source(ops[0], n), l.source(ops[1], n)
	for h, y := range to {
		t := l.value(vector128)
		l.copy(t, sum[h])
		l.product(name, form, t, x[h], y, l.isLane(ops[1]), false)
		l.copy(y, t)
	}
	return true
}

func (l *lowering) isLane(op operand.Op) bool {
	return isVector(op) && l.vectors[op.(reg.Register).ID()].lane
}

func (l *lowering) product(name, form string, to, x, y value, xLane, yLane bool) {
	if xLane && yLane {
		whole := l.value(vector128)
		l.odd("dup v%0.4s, v%1.s[0]", whole, x)
		x, xLane = whole, false
	}
	if xLane {
		x, y, yLane = y, x, true
	}
	if !yLane {
		l.v(name, form, to, x, y)
		return
	}
	element := map[string]string{"4s": "s[0]", "2d": "d[0]"}[form]
	l.odd(fmt.Sprintf("%s v%%0.%s, v%%1.%s, v%%2.%s", name, form, form, element), to, x, y)
}
