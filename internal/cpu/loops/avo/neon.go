package main

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// The kernels of arm64 are those of AVX2, translated: each was thought out once, and gives the same results on both.

// notForNEON are kernels of AVX2 that would gain nothing there: products of shorts are as slow as those of float32.
var notForNEON = []string{"shortTileAVX2", "shortenAVX2"}

func isForNEON(name string) bool {
	return (strings.HasSuffix(name, "pause") || strings.Contains(name, "AVX2")) && !slices.Contains(notForNEON, name)
}

// toNEON writes the arm64 assembly of a file's functions, "" if there are none.
func toNEON(f *ir.File) (string, error) {
	globals := map[string]*ir.Global{weights: laneBits()}
	for _, s := range f.Sections {
		if g, ok := s.(*ir.Global); ok {
			globals[g.Symbol.Name] = g
		}
	}
	var text strings.Builder
	for _, fn := range f.Functions() {
		if !isForNEON(fn.Name) {
			continue
		}
		if err := translate(&text, fn, globals); err != nil {
			return "", fmt.Errorf("%s: %w", fn.Name, err)
		}
	}
	if text.Len() == 0 {
		return "", nil
	}
	body := text.String()
	var data strings.Builder
	for _, name := range slices.Sorted(maps.Keys(globals)) {
		if strings.Contains(body, "$"+name+"<>") {
			printData(&data, globals[name])
		}
	}
	return strings.ReplaceAll("#include \"textflag.h\"\n"+data.String()+body, "AVX2", "NEON"), nil
}

// laneBits is the bit of each lane in a mask of eight.
func laneBits() *ir.Global {
	g := ir.NewStaticGlobal(weights)
	for i := range 8 {
		g.Append(operand.U32(1 << i))
	}
	return g
}

func printData(b *strings.Builder, g *ir.Global) {
	b.WriteByte('\n')
	for _, d := range g.Data {
		fmt.Fprintf(b, "DATA %s+%d(SB)/%d, %s\n", g.Symbol, d.Offset, d.Value.Bytes(), d.Value.Asm())
	}
	fmt.Fprintf(b, "GLOBL %s(SB), RODATA|NOPTR, $%d\n", g.Symbol, g.Size)
}

// translate writes a function, with as many constants in registers as there is room for.
func translate(b *strings.Builder, fn *ir.Function, globals map[string]*ir.Global) error {
	for pins := len(registers[vector128]); ; pins-- {
		l := &lowering{globals: globals, general: map[reg.ID]value{}, vectors: map[reg.ID]*vector{}, pinned: map[string]value{}, pins: pins}
		l.survey(fn)
		l.lower(fn)
		pins = len(l.pinned)
		register, err := l.allocate()
		if err != nil && pins == 0 {
			return err
		}
		if err != nil {
			continue
		}
		fmt.Fprintf(b, "\n// func %s%s\nTEXT ·%s(SB), NOSPLIT, $0-%d\n", fn.Name, fn.Signature, fn.Name, fn.ArgumentBytes())
		for i := range l.code {
			l.code[i].print(b, register)
		}
		return nil
	}
}

// declarations are those of the AVX2 kernels, for NEON.
func declarations(decl []byte) []byte {
	var out [][]byte
	name := regexp.MustCompile(`(?m)^(?:func|var) (\w+)`)
	for _, block := range bytes.Split(decl, []byte("\n\n")) {
		m := name.FindSubmatch(block)
		if m == nil || isForNEON(string(m[1])) {
			out = append(out, bytes.ReplaceAll(block, []byte("AVX2"), []byte("NEON")))
		}
	}
	return bytes.Join(out, []byte("\n\n"))
}
