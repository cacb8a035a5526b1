package jpeg

const (
	lookBits = 10 // that are looked up at once
	longest  = 16 // bits of a code
)

// huffman is a table of codes. looked has an entry for whatever the next lookBits bits are; it
// is 0 where the code that they begin with is longer.
type huffman struct {
	looked  [1 << lookBits]entry
	most    [longest + 1]int32 // the largest code of each length; −1: none
	offset  [longest + 1]int32 // from a code to the place of its value
	values  [256]byte
	defined bool
}

// entry is what a code stands for: from the lowest bit on, 8 bits of how many bits to take for
// the code and the number behind it, 8 bits of the code's value, whose lower half is the
// number's size if the code is not of a mean, and 8 bits of the code's own length. The top bit
// is set if there is a number.
type entry uint32

const hasNumber = 1 << 31

func newEntry(length int, value byte) entry {
	size := entry(value & 15)
	e := entry(length)<<16 | entry(value)<<8 | (entry(length) + size)
	if size > 0 {
		e |= hasNumber
	}
	return e
}

func (e entry) bits() uint   { return uint(e & 63) }
func (e entry) value() byte  { return byte(e >> 8) }
func (e entry) size() uint   { return uint(e >> 8 & 15) }
func (e entry) skip() int    { return int(e >> 12 & 15) }
func (e entry) length() uint { return uint(e >> 16 & 31) }

// number is what the bits that begin with the code say behind it: section F.2.2.1. The size
// must not be 0. A first bit of 0 says that the number is negative, and that its bits are
// inverted.
func (e entry) number(bits uint64) int32 {
	bits <<= e.length()
	negative := ^(int64(bits) >> 63)
	magnitude := (bits ^ uint64(negative)) >> ((64 - e.size()) & 63)
	return (int32(magnitude) ^ int32(negative)) - int32(negative)
}

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
			if rest := lookBits - length; rest >= 0 {
				e := newEntry(length, h.values[at])
				for follow := range 1 << rest {
					h.looked[int(code)<<rest|follow] = e
				}
			}
			code++
			at++
		}
		code <<= 1
	}
	return true
}

// next returns the value of the next code; ok is false if there is none such. At least 16 bits
// are left behind it.
func (h *huffman) next(r *bitReader) (value byte, ok bool) {
	if r.n < 2*longest {
		r.fill()
	}
	e := h.looked[r.have>>(64-lookBits)]
	if e == 0 {
		e = h.search(r.have)
	}
	r.have <<= e.length()
	r.n -= e.length()
	return e.value(), e != 0
}

// search finds the code that bits begin with and that is too long to be looked up; 0: none.
func (h *huffman) search(bits uint64) entry {
	for length := lookBits + 1; length <= longest; length++ {
		if code := int32(bits >> (64 - length)); code <= h.most[length] {
			return newEntry(length, h.values[(code+h.offset[length])&255])
		}
	}
	return 0
}

// extend gives size bits their sign: section F.2.2.1.
func extend(v int32, size uint8) int32 {
	if v < 1<<size>>1 {
		v += -1<<size + 1
	}
	return v
}
