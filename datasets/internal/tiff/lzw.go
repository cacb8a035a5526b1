package tiff

import "io"

// LZW as of TIFF 6.0, section 13: codes of 9 to 12 bits, the high bit first, which grow one
// code earlier than they would have to.

const (
	lzwClear = 256
	lzwEnd   = 257
	lzwMost  = 4096 // codes
)

// lzwTable holds the strings of codes: each is another one and a byte.
type lzwTable struct {
	prefix, length [lzwMost]uint16
	suffix, first  [lzwMost]byte
}

func newLZWTable() *lzwTable {
	t := &lzwTable{}
	for i := range 256 {
		t.length[i], t.suffix[i], t.first[i] = 1, byte(i), byte(i)
	}
	return t
}

// write puts the string of code at the start of to, as far as it fits, and returns its
// length.
func (t *lzwTable) write(to []byte, code int) int {
	n := int(t.length[code])
	for i := n - 1; i >= 0; i-- {
		if i < len(to) {
			to[i] = t.suffix[code]
		}
		code = int(t.prefix[code])
	}
	return n
}

// unpackLZW fills raw.
func unpackLZW(raw, b []byte) error {
	if len(b) > 1 && b[0] == 0 && b[1]&1 == 1 {
		return UnsupportedError("LZW as of before 1992, the low bit first")
	}
	t := newLZWTable()
	var bits uint32
	have, width, next, last := 0, 9, lzwEnd+1, -1
	for len(raw) > 0 {
		for have < width {
			if len(b) == 0 {
				return io.ErrUnexpectedEOF
			}
			bits, b, have = bits<<8|uint32(b[0]), b[1:], have+8
		}
		have -= width
		code := int(bits>>have) & (1<<width - 1)
		switch {
		case code == lzwClear:
			width, next, last = 9, lzwEnd+1, -1
			continue
		case code == lzwEnd:
			return io.ErrUnexpectedEOF
		case last < 0 && code > lzwEnd, last >= 0 && code > next, code == next && next == lzwMost:
			return FormatError("LZW: a code that does not stand for anything yet")
		}
		if last >= 0 && next < lzwMost {
			begin := code
			if code == next { // the string that begins as the last one, and ends so too
				begin = last
			}
			t.prefix[next], t.suffix[next], t.first[next], t.length[next] = uint16(last), t.first[begin], t.first[last], t.length[last]+1
			next++
			if next == 1<<width-1 && width < 12 {
				width++
			}
		}
		raw = raw[min(t.write(raw, code), len(raw)):]
		last = code
	}
	return nil
}
