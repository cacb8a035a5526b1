package tiff

import (
	"io"
	"strings"
	"sync"
)

// CCITT's codes of bilevel pictures: ITU-T T.4 (Group 3, of one and two dimensions) and
// T.6 (Group 4), and TIFF 6.0, section 10 (Group 3 without ends of lines).

// The codes of runs of 0 … 63 pixels, then those of 64, 128 … 2560, which are followed by
// one of the former.
const (
	whiteCodes = "00110101 000111 0111 1000 1011 1100 1110 1111 10011 10100 00111 01000 001000 000011 110100 " +
		"110101 101010 101011 0100111 0001100 0001000 0010111 0000011 0000100 0101000 0101011 0010011 " +
		"0100100 0011000 00000010 00000011 00011010 00011011 00010010 00010011 00010100 00010101 00010110 " +
		"00010111 00101000 00101001 00101010 00101011 00101100 00101101 00000100 00000101 00001010 " +
		"00001011 01010010 01010011 01010100 01010101 00100100 00100101 01011000 01011001 01011010 " +
		"01011011 01001010 01001011 00110010 00110011 00110100 11011 10010 010111 0110111 00110110 " +
		"00110111 01100100 01100101 01101000 01100111 011001100 011001101 011010010 011010011 011010100 " +
		"011010101 011010110 011010111 011011000 011011001 011011010 011011011 010011000 010011001 " +
		"010011010 011000 010011011 00000001000 00000001100 00000001101 000000010010 000000010011 " +
		"000000010100 000000010101 000000010110 000000010111 000000011100 000000011101 000000011110 " +
		"000000011111"
	blackCodes = "0000110111 010 11 10 011 0011 0010 00011 000101 000100 0000100 0000101 0000111 00000100 00000111 " +
		"000011000 0000010111 0000011000 0000001000 00001100111 00001101000 00001101100 00000110111 " +
		"00000101000 00000010111 00000011000 000011001010 000011001011 000011001100 000011001101 " +
		"000001101000 000001101001 000001101010 000001101011 000011010010 000011010011 000011010100 " +
		"000011010101 000011010110 000011010111 000001101100 000001101101 000011011010 000011011011 " +
		"000001010100 000001010101 000001010110 000001010111 000001100100 000001100101 000001010010 " +
		"000001010011 000000100100 000000110111 000000111000 000000100111 000000101000 000001011000 " +
		"000001011001 000000101011 000000101100 000001011010 000001100110 000001100111 0000001111 " +
		"000011001000 000011001001 000001011011 000000110011 000000110100 000000110101 0000001101100 " +
		"0000001101101 0000001001010 0000001001011 0000001001100 0000001001101 0000001110010 " +
		"0000001110011 0000001110100 0000001110101 0000001110110 0000001110111 0000001010010 " +
		"0000001010011 0000001010100 0000001010101 0000001011010 0000001011011 0000001100100 " +
		"0000001100101 00000001000 00000001100 00000001101 000000010010 000000010011 000000010100 " +
		"000000010101 000000010110 000000010111 000000011100 000000011101 000000011110 000000011111"
)

// The codes of two dimensions: a pass, a pair of runs, or the distance of a change from
// the one above.
const (
	pass = iota
	horizontal
	vertical // and −3 … +3 added: the distance is mode − vertical
)

var modeCodes = map[string]int{"0001": pass, "001": horizontal, "1": vertical, "011": vertical + 1, "000011": vertical + 2,
	"0000011": vertical + 3, "010": vertical - 1 + 7, "000010": vertical - 2 + 7, "0000010": vertical - 3 + 7}

const longestCode = 13

// code is what the next longestCode bits begin with: a value, and its length; 0 for none.
type code struct{ value, length int16 }

type codeTable [1 << longestCode]code

func (t *codeTable) add(bits string, value int) {
	at := 0
	for _, b := range bits {
		at = at<<1 | int(b-'0')
	}
	rest := longestCode - len(bits)
	for i := range 1 << rest {
		t[at<<rest|i] = code{int16(value), int16(len(bits))}
	}
}

// tables are of white runs, black runs and modes.
var tables = sync.OnceValue(func() *[3]codeTable {
	var t [3]codeTable
	for colour, codes := range []string{whiteCodes, blackCodes} {
		for i, bits := range strings.Fields(codes) {
			run := i
			if i >= 64 {
				run = 64 * (i - 63)
			}
			t[colour].add(bits, run)
		}
	}
	for bits, mode := range modeCodes {
		t[2].add(bits, mode)
	}
	return &t
})

// fax reads the rows of a strip.
type fax struct {
	data   []byte
	at     int // bit
	width  int
	tables *[3]codeTable
	above  []int // where the row above changes its colour; white first
	row    []int
}

// decodeFax fills raw with rows of bits, 1 for black.
func decodeFax(raw, data []byte, compression, width, rows int, twoDimensions bool) error {
	f := &fax{data: data, width: width, tables: tables()}
	rowBytes := (width + 7) / 8
	for y := range rows {
		f.above, f.row = f.row, f.above[:0]
		var err error
		switch {
		case compression == group4:
			err = f.readTwo()
		case compression == huffman:
			f.at = (f.at + 7) / 8 * 8
			err = f.readOne()
		default:
			err = f.readGroup3(twoDimensions)
		}
		if err != nil {
			return err
		}
		paint(raw[y*rowBytes:(y+1)*rowBytes], f.row, width)
	}
	return nil
}

// readGroup3 reads a row behind an end of line, which may be missing in one dimension.
func (f *fax) readGroup3(twoDimensions bool) error {
	ended := f.skipEnd()
	if !twoDimensions {
		return f.readOne()
	}
	if !ended {
		return FormatError("CCITT: an end of line is missing")
	}
	tag := f.peek() >> (longestCode - 1)
	if f.at++; tag == 1 {
		return f.readOne()
	}
	return f.readTwo()
}

// skipEnd goes behind an end of line, if there is one: at least 11 zeros and a one.
func (f *fax) skipEnd() bool {
	zeros := 0
	for at := f.at; at < 8*len(f.data); at++ {
		if f.data[at/8]&(0x80>>(at%8)) != 0 {
			if zeros >= 11 {
				f.at = at + 1
				return true
			}
			return false
		}
		zeros++
	}
	return false
}

// peek returns the next longestCode bits; zeros behind the end.
func (f *fax) peek() int {
	v := 0
	for i := range 3 {
		v <<= 8
		if at := f.at/8 + i; at < len(f.data) {
			v |= int(f.data[at])
		}
	}
	return v >> (24 - longestCode - f.at%8) & (1<<longestCode - 1)
}

func (f *fax) next(table int) (int, error) {
	c := f.tables[table][f.peek()]
	if f.at += int(c.length); f.at > 8*len(f.data) || c.length == 0 && f.at+longestCode > 8*len(f.data) {
		return 0, io.ErrUnexpectedEOF
	}
	if c.length == 0 {
		return 0, FormatError("CCITT: no code of the table")
	}
	return int(c.value), nil
}

// run reads the length of a run.
func (f *fax) run(colour int) (int, error) {
	total := 0
	for {
		n, err := f.next(colour)
		if err != nil {
			return 0, err
		}
		if total += n; total > f.width {
			return 0, FormatError("CCITT: a run beyond the end of its row")
		}
		if n < 64 {
			return total, nil
		}
	}
}

// change notes that the colour changes at x.
func (f *fax) change(x int) error {
	if x > f.width || len(f.row) > 0 && x < f.row[len(f.row)-1] || x < 0 {
		return FormatError("CCITT: a change of colour outside of its row")
	}
	f.row = append(f.row, x)
	return nil
}

// readOne reads a row of one dimension.
func (f *fax) readOne() error {
	for x, colour := 0, 0; x < f.width; colour ^= 1 {
		n, err := f.run(colour)
		if err != nil {
			return err
		}
		x += n
		if err := f.change(x); err != nil {
			return err
		}
	}
	return nil
}

// readTwo reads a row by its differences from the one above. In T.6's words: x is a0, b1
// the first change above that is right of it and to the other colour, b2 the next.
func (f *fax) readTwo() error {
	x, colour, above := -1, 0, 0
	for x < f.width {
		mode, err := f.next(2)
		if err != nil {
			return err
		}
		// Changes above of even place are to black: they count while the colour is white.
		for above > 0 && f.changeAbove(above-1) > x {
			above--
		}
		for f.changeAbove(above) < f.width && (f.changeAbove(above) <= x || above%2 != colour) {
			above++
		}
		switch mode {
		case pass:
			x = f.changeAbove(above + 1)
			continue
		case horizontal:
			x = max(x, 0)
			for range 2 {
				n, err := f.run(colour)
				if err != nil {
					return err
				}
				x += n
				if err := f.change(x); err != nil {
					return err
				}
				colour ^= 1
			}
			continue
		}
		distance := mode - vertical
		if distance > 3 {
			distance -= 7
		}
		to := f.changeAbove(above) + distance
		if to < x {
			return FormatError("CCITT: a change of colour outside of its row")
		}
		if err := f.change(to); err != nil {
			return err
		}
		x, colour = to, colour^1
	}
	return nil
}

// changeAbove is where change i of the row above stands; behind the last, its end.
func (f *fax) changeAbove(i int) int {
	if i < len(f.above) {
		return f.above[i]
	}
	return f.width
}

// paint sets the bits between every second change and the next.
func paint(row []byte, changes []int, width int) {
	for i := 0; i < len(changes); i += 2 {
		from, to := changes[i], width
		if i+1 < len(changes) {
			to = changes[i+1]
		}
		for from < to && from%8 != 0 {
			row[from/8] |= 0x80 >> (from % 8)
			from++
		}
		for ; from+8 <= to; from += 8 {
			row[from/8] = 0xff
		}
		for ; from < to; from++ {
			row[from/8] |= 0x80 >> (from % 8)
		}
	}
}
