package jpeg

import (
	"bytes"
	"encoding/binary"
)

// bitReader reads the bits of a segment: what lies between two markers, without the zeros
// that stand behind each 0xff. Behind its end there are zeros: whoever reads asks overrun now
// and then whether it has read any.
type bitReader struct {
	data []byte // and padding zeros
	at   int    // in data, or behind it
	have uint64 // the next bits, from the top on
	n    uint   // how many of them count: 0 … 63
}

// padding is how many zeros follow a segment, so that eight bytes can be read at once.
const padding = 8

// fill makes sure that there are at least 56 bits.
func (r *bitReader) fill() { r.have, r.n, r.at = filled(r.data, r.have, r.n, r.at) }

// filled is fill for a reader whose fields are in registers. No branch depends on how many bits
// there are: what it puts behind them may be there already, and then is the same.
func filled(data []byte, have uint64, n uint, at int) (uint64, uint, int) {
	if at+8 <= len(data) {
		have |= binary.BigEndian.Uint64(data[at:at+8:at+8]) >> (n & 63)
	}
	return have, n | 56, at + int((63-n)>>3)
}

// take returns the next count bits, of which there must be enough; count is 1 … 16.
func (r *bitReader) take(count uint8) int32 {
	v := int32(r.have >> ((64 - count) & 63))
	r.have <<= count & 63
	r.n -= uint(count)
	return v
}

// bit returns the next bit.
func (r *bitReader) bit() bool {
	if r.n == 0 {
		r.fill()
	}
	set := int64(r.have) < 0
	r.have <<= 1
	r.n--
	return set
}

// left is how many bits were not read; less than 0 if more were read than there are.
func (r *bitReader) left() int { return 8*(len(r.data)-padding-r.at) + int(r.n) }

// overrun reports whether more was read than there is.
func (r *bitReader) overrun() bool { return r.left() < 0 }

// atEnd reports whether the last byte was read, in part or in full.
func (r *bitReader) atEnd() bool { return r.left() >= 0 && r.left() < 8 }

// openSegment makes bits read what stands before the next marker, and moves at there. It
// reports whether there is a marker.
func (d *decoder) openSegment() bool {
	coded := d.file[d.at:]
	end := nextMarker(coded)
	if end < 0 {
		return false
	}
	d.at += end
	if cap(d.segment) < end+padding {
		d.segment = make([]byte, 0, end+padding)
	}
	clean := d.segment[:0]
	for coded = coded[:end]; ; {
		i := bytes.IndexByte(coded, 0xff)
		if i < 0 {
			break
		}
		clean = append(clean, coded[:i+1]...)
		coded = coded[i+2:] // with its zero: else this would be the marker
	}
	clean = append(clean, coded...)
	d.bits = bitReader{data: append(clean, make([]byte, padding)...)}
	return true
}

// nextMarker returns where in b the next marker is: 0xff, and not 0 behind it; −1: nowhere.
func nextMarker(b []byte) int {
	for at := 0; ; at += 2 {
		i := bytes.IndexByte(b[at:], 0xff)
		if i < 0 || at+i+1 >= len(b) {
			return -1
		}
		if at += i; b[at+1] != 0 {
			return at
		}
	}
}
