package main

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lowering translates a function of AVX2 to NEON. A register of AVX2 becomes two, so that the results are those of AVX2,
// lane by lane and sum by sum; one whose lanes are all equal becomes one.
type lowering struct {
	program
	globals  map[string]*ir.Global
	general  map[reg.ID]value
	vectors  map[reg.ID]*vector
	pinned   map[string]value // constants in memory that are loaded at the start
	pins     int              // how many may be
	flags    flags
	labelled int
}

// flags is what the next conditional branch of amd64 looks at.
type flags struct {
	kind string // compare, value (is 0), bit or order
	v    value
	bit  int
}

func (l *lowering) emit(in instr) { l.code = append(l.code, in) }

// g writes an instruction of Go's assembler, whose first operand it writes.
func (l *lowering) g(text string, values ...value) {
	l.emit(instr{text: text, values: values, writes: 1})
}

// goTo branches to a label, on what the text says.
func (l *lowering) goTo(label, text string, values ...value) {
	l.emit(instr{text: text, values: values, to: label, ends: text == "B", effect: true})
}

func (l *lowering) label(name string) { l.emit(instr{label: name}) }

func (l *lowering) newLabel(name string) string {
	l.labelled++
	return fmt.Sprintf("%s%d", name, l.labelled)
}

// gp is the value of a general register.
func (l *lowering) gp(op operand.Op) value {
	r := op.(reg.Register)
	v, ok := l.general[r.ID()]
	if !ok {
		v = l.value(general)
		l.general[r.ID()] = v
	}
	return v
}

// lower translates all of a function.
func (l *lowering) lower(f *ir.Function) {
	for _, n := range f.Nodes {
		switch n := n.(type) {
		case ir.Label:
			l.label(string(n))
		case *ir.Instruction:
			if !l.control(n) && !l.scalar(n) && !l.vectorial(n) {
				panic(fmt.Sprintf("neon: %s: no translation of %s with %d operands", f.Name, n.Opcode, len(n.Operands)))
			}
		}
	}
}

// conditions are the branches after a comparison.
var conditions = map[string]string{
	"JZ": "BEQ", "JNZ": "BNE", "JL": "BLT", "JLT": "BLT", "JGE": "BGE", "JG": "BGT", "JGT": "BGT", "JB": "BLO", "JAE": "BHS",
}

// control translates branches and returns.
func (l *lowering) control(i *ir.Instruction) bool {
	switch i.Opcode {
	case "VZEROUPPER":
		return true
	case "RET":
		l.emit(instr{text: "RET", ends: true, effect: true})
		return true
	case "PAUSE":
		l.emit(instr{text: "YIELD", effect: true})
		return true
	case "JMP":
		l.goTo(i.Operands[0].Asm(), "B")
		return true
	}
	if !strings.HasPrefix(i.Opcode, "J") {
		return false
	}
	to := i.Operands[0].Asm()
	switch l.flags.kind {
	case "compare":
		l.goTo(to, conditions[i.Opcode])
	case "value":
		l.goTo(to, map[string]string{"JZ": "CBZ R%0", "JNZ": "CBNZ R%0"}[i.Opcode], l.flags.v)
	case "bit":
		set := map[string]string{"JZ": "TBZ", "JCC": "TBZ", "JNZ": "TBNZ", "JC": "TBNZ"}[i.Opcode]
		l.goTo(to, fmt.Sprintf("%s $%d, R%%0", set, l.flags.bit), l.flags.v)
	case "order": // JPC: neither is NaN
		l.goTo(to, map[string]string{"JPC": "BVC"}[i.Opcode])
	}
	return true
}

// compares writes an instruction that sets the flags.
func (l *lowering) compares(writes int, text string, values ...value) {
	l.emit(instr{text: text, values: values, writes: writes, effect: true})
	l.flags = flags{kind: "compare"}
}

func isConstant(op operand.Op) bool { _, ok := op.(operand.Constant); return ok }

func isRegister(op operand.Op) bool { _, ok := op.(reg.Register); return ok }

// immediate is a constant's number.
func immediate(op operand.Op) int {
	var n int
	if _, err := fmt.Sscanf(op.Asm(), "$%v", &n); err != nil {
		panic(err)
	}
	return n
}

// scalar translates instructions of the general registers.
func (l *lowering) scalar(i *ir.Instruction) bool {
	ops := i.Operands
	switch i.Opcode {
	case "MOVQ", "MOVL":
		l.move(i.Opcode == "MOVL", ops[0], ops[1])
	case "LEAQ":
		l.lea(ops[0].(operand.Mem), l.gp(ops[1]))
	case "ADDQ", "ADDL", "SUBQ", "ANDQ", "ANDL", "IMULQ":
		l.arithmetic(i.Opcode, ops[0], ops[1])
	case "INCQ":
		l.g("ADD $1, R%1, R%0", l.gp(ops[0]), l.gp(ops[0]))
	case "DECQ", "DECL":
		l.arithmetic("SUBQ", operand.U8(1), ops[0])
	case "NEGQ":
		l.g("NEG R%1, R%0", l.gp(ops[0]), l.gp(ops[0]))
	case "SHRQ":
		v := l.gp(ops[1])
		l.g(fmt.Sprintf("LSR $%d, R%%1, R%%0", immediate(ops[0])), v, v)
		l.flags = flags{kind: "value", v: v}
	case "XORQ":
		if ops[0] != ops[1] {
			return false
		}
		l.g("MOVD $0, R%0", l.gp(ops[0]))
	case "CMPQ":
		if isConstant(ops[1]) {
			l.compares(0, fmt.Sprintf("CMP $%d, R%%0", immediate(ops[1])), l.gp(ops[0]))
		} else {
			l.compares(0, "CMP R%0, R%1", l.gp(ops[1]), l.gp(ops[0]))
		}
	case "TESTQ", "TESTL":
		l.flags = flags{kind: "value", v: l.gp(ops[1])}
		if isConstant(ops[0]) {
			mask := uint(immediate(ops[0]))
			if bits.OnesCount(mask) != 1 {
				panic("neon: a test of several bits")
			}
			l.flags.kind, l.flags.bit = "bit", bits.TrailingZeros(mask)
		} else if ops[0] != ops[1] {
			return false
		}
	case "BTL", "BTQ":
		l.flags = flags{kind: "bit", v: l.gp(ops[1]), bit: immediate(ops[0])}
	case "BSFL":
		v := l.gp(ops[1])
		l.g("RBIT R%1, R%0", v, l.gp(ops[0]))
		l.g("CLZ R%1, R%0", v, v)
	case "POPCNTL":
		l.popCount(l.gp(ops[0]), l.gp(ops[1]))
	case "PREFETCHT0":
		base, disp := l.address(ops[0].(operand.Mem))
		l.emit(instr{text: fmt.Sprintf("PRFM %d(R%%0), PLDL1KEEP", disp), values: []value{base}, effect: true})
	default:
		return false
	}
	return true
}

// move translates a copy between general registers, constants and memory, of 64 bits or 32.
func (l *lowering) move(half bool, from, to operand.Op) {
	load, store := "MOVD", "MOVD"
	if half {
		load, store = "MOVWU", "MOVW"
	}
	m, stores := to.(operand.Mem)
	switch {
	case stores:
		at, base := l.place(m)
		l.emit(instr{text: store + " R%0, " + at("%1"), values: append([]value{l.gp(from)}, base...), effect: true})
	case isConstant(from):
		l.g(fmt.Sprintf("MOVD $%d, R%%0", immediate(from)), l.gp(to))
	case isRegister(from) && !half:
		l.emit(instr{text: "MOVD R%1, R%0", values: []value{l.gp(to), l.gp(from)}, writes: 1, copies: true})
	case isRegister(from):
		l.g("MOVWU R%1, R%0", l.gp(to), l.gp(from))
	default:
		l.load(load, from.(operand.Mem), l.gp(to))
	}
}

func (l *lowering) load(name string, m operand.Mem, to value) {
	at, base := l.place(m)
	l.g(name+" "+at("%1")+", R%0", append([]value{to}, base...)...)
}

// arithmetic translates to = to op from, where one of them may be in memory.
func (l *lowering) arithmetic(opcode string, from, to operand.Op) {
	name := map[string]string{"ADDQ": "ADD", "ADDL": "ADDW", "SUBQ": "SUBS", "ANDQ": "AND", "ANDL": "ANDW", "IMULQ": "MUL"}[opcode]
	target := value(0)
	m, stored := to.(operand.Mem)
	if stored {
		target = l.value(general)
		l.load("MOVD", m, target)
	} else {
		target = l.gp(to)
	}
	text, values := name+" R%2, R%1, R%0", []value{target, target}
	switch f := from.(type) {
	case operand.Constant:
		text = fmt.Sprintf("%s $%d, R%%1, R%%0", name, immediate(f))
	case operand.Mem:
		v := l.value(general)
		l.load("MOVD", f, v)
		values = append(values, v)
	default:
		values = append(values, l.gp(f))
	}
	if name == "SUBS" {
		l.compares(1, text, values...)
	} else {
		l.g(text, values...)
		l.flags = flags{kind: "value", v: target}
	}
	if stored {
		at, base := l.place(m)
		l.emit(instr{text: "MOVD R%0, " + at("%1"), values: append([]value{target}, base...), effect: true})
	}
}

// popCount counts the bits of a number.
func (l *lowering) popCount(from, to value) {
	v := l.value(vector128)
	l.g("FMOVD R%1, F%0", v, from)
	l.v("cnt", "8b", v, v)
	l.odd("addv b%0, v%1.8b", v, v)
	l.g("FMOVD F%1, R%0", to, v)
}
