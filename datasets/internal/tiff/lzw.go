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

// lzwString is what a code stands for: its first seven bytes, the first one lowest, and above
// them its length, or lzwLong if there are more. 0 is no string.
type lzwString uint64

const (
	lzwOne  = 1 << 56 // byte
	lzwLong = 8
	// lzwShort is above all strings that have room for a byte more.
	lzwShort = (lzwLong - 1) * lzwOne
)

func (s lzwString) length() int { return int(s >> 56) }

// with returns the string with a byte behind it.
func (s lzwString) with(last byte) lzwString {
	if n := s.length(); n < lzwLong-1 {
		return (s + lzwOne) | lzwString(last)<<(8*n&63)
	}
	return s&(lzwOne-1) | lzwLong*lzwOne
}

// Slots of the table behind those of codes: what is entered there is of no code.
const (
	lzwFull  = lzwMost     // the table has room for no more
	lzwFresh = lzwMost + 2 // there is no code before, which could be entered with a byte behind it
)

// lzwUnpacker is what is known between two codes.
type lzwUnpacker struct {
	raw, b  []byte
	at, bit int // in raw, and in b
	width   int // of the next code

	// next is what the string of the code before, with a byte behind it, is entered as; as soon as it
	// is change, more than next changes.
	next, change int
	last         lzwString // of the code before

	strings [lzwFresh + 1]lzwString
	// The string of a code above lzwEnd was written before: it begins at from[code], and ends with
	// the byte at from[code+1].
	from [lzwFresh + 2]int
}

// unpackLZW fills raw. It writes eight bytes for each code, however short its string is: the next
// one overwrites what is too much. So no branch depends on the lengths of short strings, which
// processors cannot foretell, and of most codes nothing is read but bits and one lzwString.
func unpackLZW(raw, b []byte) error {
	if len(b) > 1 && b[0] == 0 && b[1]&1 == 1 {
		return UnsupportedError("LZW as of before 1992, the low bit first")
	}
	var z lzwUnpacker
	z.raw, z.b = raw, b
	for v := range lzwClear {
		z.strings[v] = lzwOne | lzwString(v)
	}
	z.start()
	for {
		z.unpackShort()
		if z.at >= len(raw) {
			return nil
		}
		if err := z.unpackOne(); err != nil {
			return err
		}
	}
}

// start is what a clear code does.
func (z *lzwUnpacker) start() {
	clear(z.strings[lzwEnd+1:])
	z.width, z.next, z.change = 9, lzwFresh, lzwFresh+1
}

// unpackShort unpacks codes as unpackOne does, until there is one of a long string, or with which
// more than next changes, or which is near to the end.
func (z *lzwUnpacker) unpackShort() {
	raw, b := z.raw[:len(z.raw):len(z.raw)], z.b[:len(z.b):len(z.b)]
	at, bit, next, last := z.at, z.bit, z.next, z.last
	if last >= lzwShort {
		return
	}
	unused := uint(64 - z.width)
	for end := z.change - 1; next < end && at+8 <= len(raw); next++ {
		i := uint(bit) >> 3
		if i+8 > uint(len(b)) {
			break
		}
		code := binary.BigEndian.Uint64(b[i:i+8:i+8]) << (bit & 7) >> (unused & 63)
		this := z.strings[code&(lzwMost-1)]
		if this-1 >= lzwShort-1 {
			break
		}
		z.strings[next] = (last + lzwOne) | lzwString(byte(this))<<(8*last.length()&63)
		z.from[next+1] = at
		binary.LittleEndian.PutUint64(raw[at:at+8:at+8], uint64(this))
		at += this.length()
		bit += int(64 - unused)
		last = this
	}
	z.at, z.bit, z.next, z.last = at, bit, next, last
}

// unpackOne unpacks the next code.
func (z *lzwUnpacker) unpackOne() error {
	if z.bit+z.width > 8*len(z.b) {
		return io.ErrUnexpectedEOF
	}
	var three [4]byte
	copy(three[:3], z.b[z.bit>>3:])
	code := int(binary.BigEndian.Uint32(three[:]) << (z.bit & 7) >> (32 - z.width))
	z.bit += z.width
	this := z.strings[code]
	if this == 0 {
		switch {
		case code == lzwClear:
			z.start()
			return nil
		case code == lzwEnd:
			return io.ErrUnexpectedEOF
		case code != z.next:
			return FormatError("LZW: a code that does not stand for anything yet")
		}
		this = z.last.with(byte(z.last)) // which is what will be entered
	}
	z.strings[z.next] = z.last.with(byte(this))
	z.next++
	z.from[z.next] = z.at
	if z.next == z.change {
		z.goOn()
	}
	z.last = this
	z.write(this, code)
	return nil
}

// goOn says what comes after the last entry of its kind.
func (z *lzwUnpacker) goOn() {
	switch {
	case z.next > lzwFresh:
		z.next, z.change = lzwEnd+1, 1<<z.width-1
		z.from[z.next] = z.at
	case z.next > lzwFull:
		z.next = lzwFull
	default:
		if z.width++; z.width == 12 {
			z.change = lzwFull + 1
		} else {
			z.change = 1<<z.width - 1
		}
	}
}

// write writes a string, as far as there is room.
func (z *lzwUnpacker) write(s lzwString, code int) {
	raw, at := z.raw, z.at
	if at+8 <= len(raw) {
		binary.LittleEndian.PutUint64(raw[at:], uint64(s))
	} else {
		for i := range raw[at:] {
			raw[at+i] = byte(s >> (8 * i))
		}
	}
	if s.length() < lzwLong {
		z.at += s.length()
		return
	}
	from, n := z.from[code], z.from[code+1]-z.from[code]+1
	copyAhead(raw, at+lzwLong-1, from+lzwLong-1, at+n)
	z.at += n
}

// copyAhead copies what stands at from to the bytes from at to end, as far as there is room. The
// last byte that it copies may be one that it writes.
func copyAhead(raw []byte, at, from, end int) {
	const few = 32
	end = min(end, len(raw))
	if end-at > few || at+few > len(raw) {
		if at < end {
			copy(raw[at:end], raw[from:])
		}
		return
	}
	for ; at < end; at, from = at+8, from+8 {
		binary.LittleEndian.PutUint64(raw[at:], binary.LittleEndian.Uint64(raw[from:]))
	}
}
