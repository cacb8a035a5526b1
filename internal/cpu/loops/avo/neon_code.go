package main

import (
	"fmt"
	"strconv"
	"strings"
)

// A value is a virtual register of arm64.
type value int

// class is the kind of register that a value needs.
type class uint8

const (
	general class = iota
	vector128
)

// An instr is an instruction of arm64, or a label.
type instr struct {
	text   string  // in the words of Go's assembler, or with a word in those of GNU's; %0, %1 … are operands' numbers
	word   uint32  // the encoding without the operands; 0 if Go's assembler knows the instruction
	values []value // operands
	writes int     // how many of them, the first, are written
	tied   bool    // the first is read, too
	effect bool    // it does more than write operands
	copies bool    // it is a move of the second operand to the first
	label  string  // of a label
	to     string  // where it branches
	ends   bool    // the next instruction does not follow
}

// reads is the operands that are read.
func (in *instr) reads() []value {
	if in.tied {
		return in.values
	}
	return in.values[in.writes:]
}

// defs is the operands that are written.
func (in *instr) defs() []value { return in.values[:in.writes] }

// words encode the vector instructions, here of register 0 alone; Go's assembler lacks most of them. The operands' numbers
// stand at bits 0, 5 and 16.
var words = map[string]uint32{
	"fadd.4s": 0x4e20d400, "fadd.2d": 0x4e60d400, "fsub.4s": 0x4ea0d400, "fsub.2d": 0x4ee0d400,
	"fmul.4s": 0x6e20dc00, "fmul.2d": 0x6e60dc00, "fdiv.4s": 0x6e20fc00,
	"fmla.4s": 0x4e20cc00, "fmla.2d": 0x4e60cc00, "fmls.4s": 0x4ea0cc00,
	"fcmeq.4s": 0x4e20e400, "fcmge.4s": 0x6e20e400, "fcmgt.4s": 0x6ea0e400, "fcmgt.2d": 0x6ee0e400,
	"and.16b": 0x4e201c00, "orr.16b": 0x4ea01c00, "eor.16b": 0x6e201c00,
	"bsl.16b": 0x6e601c00, "bit.16b": 0x6ea01c00, "bif.16b": 0x6ee01c00,
	"add.4s": 0x4ea08400, "sub.4s": 0x6ea08400, "cmeq.4s": 0x6ea08c00, "addp.4s": 0x4ea0bc00, "faddp.4s": 0x6e20d400,
	"zip1.4s": 0x4e803800, "zip2.4s": 0x4e807800, "zip1.2d": 0x4ec03800, "zip2.2d": 0x4ec07800,
	"uzp1.4s": 0x4e801800, "uzp2.4s": 0x4e805800,
	"fsqrt.4s": 0x6ea1f800, "frintn.4s": 0x4e218800, "fcvtns.4s": 0x4e21a800, "scvtf.4s": 0x4e21d800, "scvtf.2d": 0x4e61d800,
	"mvn.16b": 0x6e205800, "cnt.8b": 0x0e205800,
}

// oddWords encode those whose operands differ in form.
var oddWords = map[string]uint32{
	"fmla v%0.4s, v%1.4s, v%2.s[0]": 0x4f801000,
	"fmla v%0.2d, v%1.2d, v%2.d[0]": 0x4fc01000,
	"fmls v%0.4s, v%1.4s, v%2.s[0]": 0x4f805000,
	"fmul v%0.4s, v%1.4s, v%2.s[0]": 0x4f809000,
	"fmul v%0.2d, v%1.2d, v%2.d[0]": 0x4fc09000,
	"smull v%0.4s, v%1.4h, v%2.4h":  0x0e60c000,
	"smull2 v%0.4s, v%1.8h, v%2.8h": 0x4e60c000,
	"fcvtl v%0.2d, v%1.2s":          0x0e617800,
	"fcvtl2 v%0.2d, v%1.4s":         0x4e617800,
	"sshll v%0.2d, v%1.2s, #0":      0x0f20a400,
	"sshll2 v%0.2d, v%1.4s, #0":     0x4f20a400,
	"sshll v%0.4s, v%1.4h, #0":      0x0f10a400,
	"sshll2 v%0.4s, v%1.8h, #0":     0x4f10a400,
	"sshll v%0.8h, v%1.8b, #0":      0x0f08a400,
	"sshll2 v%0.8h, v%1.16b, #0":    0x4f08a400,
	"dup v%0.4s, v%1.s[0]":          0x4e040400,
	"dup v%0.2d, v%1.d[0]":          0x4e080400,
	"addv s%0, v%1.4s":              0x4eb1b800,
	"addv b%0, v%1.8b":              0x0e31b800,
	"mov w%0, v%1.s[0]":             0x0e043c00,
	"movi v%0.2d, #0":               0x6f00e400,
	"mov v%0.16b, v%1.16b":          0x4ea01c00,
	"ins v%0.s[1], v%1.s[0]":        0x6e0c0400,
}

// print writes the instruction with registers for its values.
func (in *instr) print(b *strings.Builder, register []int) {
	if in.label != "" {
		fmt.Fprintf(b, "%s:\n", in.label)
		return
	}
	var pairs []string
	for i, v := range in.values {
		pairs = append(pairs, "%"+strconv.Itoa(i), strconv.Itoa(register[v]))
	}
	text := strings.NewReplacer(pairs...).Replace(in.text)
	if in.to != "" {
		if len(in.values) > 0 {
			text += ","
		}
		text += " " + in.to
	}
	if in.word == 0 {
		fmt.Fprintf(b, "\t%s\n", text)
		return
	}
	word := in.word
	for i, v := range in.values {
		word |= uint32(register[v]) << []int{0, 5, 16}[i]
	}
	fmt.Fprintf(b, "\tWORD $0x%08x // %s\n", word, text)
}
