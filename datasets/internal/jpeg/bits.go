package jpeg

import "encoding/binary"

// bitReader reads the bits of a scan. Behind its end there are zeros: whoever reads asks
// overrun now and then whether it has read any.
type bitReader struct {
	data    []byte
	at      int
	have    uint64 // bits that were taken from data, from the top on
	n       int    // how many, the zeros included
	missing int    // zeros that were put behind the end
}

// fill makes sure that there are more than 48 bits.
func (r *bitReader) fill() {
	if r.at+8 <= len(r.data) {
		next := binary.BigEndian.Uint64(r.data[r.at:])
		if !hasFF(next) {
			r.have |= next >> r.n
			bytes := (64 - r.n) >> 3
			r.at += bytes
			r.n += bytes << 3
			return
		}
	}
	r.fillSlowly()
}

// hasFF reports whether a byte of v is 0xff.
func hasFF(v uint64) bool {
	return (^v-0x0101010101010101)&v&0x8080808080808080 != 0
}

// fillSlowly leaves out the zeros behind 0xff, and stops in front of a marker.
func (r *bitReader) fillSlowly() {
	r.have &^= 1<<(64-r.n) - 1 // what fill read ahead
	for r.n <= 56 {
		if r.at >= len(r.data) || r.data[r.at] == 0xff && (r.at+1 >= len(r.data) || r.data[r.at+1] != 0) {
			r.missing += 8
			r.n += 8
			continue
		}
		b := r.data[r.at]
		r.at++
		if b == 0xff {
			r.at++
		}
		r.have |= uint64(b) << (56 - r.n)
		r.n += 8
	}
}

// take returns the next count bits, of which there must be enough; count is 1 … 16.
func (r *bitReader) take(count uint8) int32 {
	v := int32(r.have >> (64 - count))
	r.have <<= count
	r.n -= int(count)
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

// overrun reports whether more was read than there is.
func (r *bitReader) overrun() bool { return r.n < r.missing }

// atMarker reports whether all bytes up to a marker were read.
func (r *bitReader) atMarker() bool {
	r.fill()
	return r.n-r.missing >= 0 && r.n-r.missing < 8 && r.at+1 < len(r.data) && r.data[r.at] == 0xff && r.data[r.at+1] != 0xff
}

const (
	lookBits = 10 // that are looked up at once
	longest  = 16 // bits of a code
)

// huffman is a table of codes. looked says what the next lookBits bits begin with, from the
// lowest bit on: 8 bits of the number of bits to take, 8 bits of the code's value, and if the
// number that follows the code is known too, 1 in bit 16 and the number above; 0 where the
// code is longer.
type huffman struct {
	looked  [1 << lookBits]uint32
	most    [longest + 1]int32 // the largest code of each length; −1: none
	offset  [longest + 1]int32 // from a code to the place of its value
	values  [256]byte
	defined bool
}

const numberIsKnown = 1 << 16

// readTables reads definitions of codes. Lengths that are not those of a tree are refused.
func (d *decoder) readTables(body []byte) bool {
	for len(body) > 0 {
		if len(body) < 17 {
			return false
		}
		class, to := body[0]>>4, body[0]&15
		if class > 1 || to > 3 || d.isBaseline && to > 1 {
			return false
		}
		h := &d.tables[class][to]
		n := 0
		for _, count := range body[1:17] {
			n += int(count)
		}
		if n == 0 || n > 256 || len(body) < 17+n {
			return false
		}
		if !h.define([longest]byte(body[1:17]), body[17:17+n]) {
			return false
		}
		body = body[17+n:]
	}
	return true
}

func (h *huffman) define(counts [longest]byte, values []byte) bool {
	*h = huffman{defined: true}
	copy(h.values[:], values)
	code, at := int32(0), int32(0)
	for i, count := range counts {
		length := i + 1
		h.most[length], h.offset[length] = -1, at-code
		if count > 0 {
			h.most[length] = code + int32(count) - 1
			if h.most[length] >= 1<<length {
				return false
			}
		}
		for range count {
			if length <= lookBits {
				h.look(uint32(code), length, h.values[at])
			}
			code++
			at++
		}
		code <<= 1
	}
	return true
}

// look enters a code for all that can follow it.
func (h *huffman) look(code uint32, length int, value byte) {
	rest := lookBits - length
	size := int(value & 15)
	for follow := range uint32(1) << rest {
		entry := uint32(length) | uint32(value)<<8
		if size > 0 && size <= rest {
			number := extend(int32(follow>>(rest-size)), uint8(size))
			entry = uint32(length+size) | uint32(value)<<8 | numberIsKnown | uint32(number)<<17
		}
		h.looked[code<<rest|follow] = entry
	}
}

// extend gives size bits their sign: section F.2.2.1.
func extend(v int32, size uint8) int32 {
	if v < 1<<size>>1 {
		v += -1<<size + 1
	}
	return v
}

// next returns the value of the next code; ok is false if there is none such. At least 16 bits
// are left behind it.
func (h *huffman) next(r *bitReader) (value byte, ok bool) {
	if r.n < 2*longest {
		r.fill()
	}
	if e := h.looked[r.have>>(64-lookBits)]; e != 0 {
		length := uint8(e)
		if e&numberIsKnown != 0 {
			length -= uint8(e>>8) & 15
		}
		r.have <<= length
		r.n -= int(length)
		return byte(e >> 8), true
	}
	value, length := h.search(r.have)
	r.have <<= length
	r.n -= int(length)
	return value, length > 0
}

// search finds the code that bits begin with, length by length; length is 0 if there is none.
func (h *huffman) search(bits uint64) (value byte, length uint8) {
	for length := uint8(1); length <= longest; length++ {
		if code := int32(bits >> (64 - length)); code <= h.most[length] {
			return h.values[(code+h.offset[length])&255], length
		}
	}
	return 0, 0
}
