package tiff

import (
	"encoding/binary"
	"io"
)

// LZW as of TIFF 6.0, section 13: codes of 9 to 12 bits, the high bit first, which grow one
// code earlier than they would have to.

const (
	lzwClear = 256
	lzwEnd   = 257
	lzwMost  = 4096 // codes
)

// unpackLZW fills raw. The string of each code above lzwEnd was written before: it is what one
// code became and the byte behind that.
func unpackLZW(raw, b []byte) error {
	if len(b) > 1 && b[0] == 0 && b[1]&1 == 1 {
		return UnsupportedError("LZW as of before 1992, the low bit first")
	}
	var begins [lzwMost]int // of the strings in raw
	var lengths [lzwMost]int
	var bits uint64
	have, width, next := 0, 9, lzwEnd+1
	at, last := 0, -1 // last: where the last code's string begins
	for at < len(raw) {
		for have < width {
			if len(b) >= 4 {
				bits, b, have = bits<<32|uint64(binary.BigEndian.Uint32(b)), b[4:], have+32
				break
			}
			if len(b) == 0 {
				return io.ErrUnexpectedEOF
			}
			bits, b, have = bits<<8|uint64(b[0]), b[1:], have+8
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
			begins[next], lengths[next] = last, at-last+1
			next++
			if next == 1<<width-1 && width < 12 {
				width++
			}
		}
		last = at
		if code < lzwClear {
			raw[at] = byte(code)
			at++
			continue
		}
		from := begins[code]
		n := min(lengths[code], len(raw)-at)
		if from+n > at || n < 16 { // the newest string ends with a byte that is only now written
			for i := range n {
				raw[at+i] = raw[from+i]
			}
		} else {
			copy(raw[at:at+n], raw[from:])
		}
		at += n
	}
	return nil
}
