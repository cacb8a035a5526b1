package bilevel

import "github.com/pkg/errors"

// context is what is known about the pixels that came after one neighbourhood: the
// probability of ink in its upper 22 bits, and how many were seen, up to a limit, in
// its lower 10.
type context uint32

const (
	countBits  = 10
	countLimit = 255 // afterwards old pixels are forgotten slowly
	even       = context(1 << 31)
)

// reciprocals[n] is 2¹⁶ ÷ (n + 1.5): the weight of a new pixel after n others.
var reciprocals = func() (table [countLimit + 1]int64) {
	for n := range table {
		table[n] = 2 << 16 / int64(2*n+3)
	}
	return table
}()

// ink returns the probability of ink as 1 … 65535 of 65536.
func (c context) ink() uint32 { return min(max(uint32(c)>>16, 1), 1<<16-1) }

// update takes a pixel in.
func (c *context) update(bit int) {
	n := *c & (1<<countBits - 1)
	p := int64(*c >> countBits)
	target := int64(bit) * (1<<22 - 1)
	p += (target - p) * reciprocals[n&countLimit] >> 16
	if n < countLimit {
		n++
	}
	*c = context(p)<<countBits | n
}

// The coder is G. Martin's range coder ("Range encoding", 1979) with the carry kept
// back: code words are numbers, of which each pixel takes a part of the interval in
// proportion to its probability.
const renormalise = 1 << 24

type encoder struct {
	low     uint64
	width   uint32
	held    byte // last byte not yet written: a carry may still change it
	pending int  // bytes not yet written, held and 0xff after it
	out     []byte
}

func newEncoder() *encoder { return &encoder{width: 1<<32 - 1, pending: 1} }

func (e *encoder) put(c *context, bit int) {
	part := e.width >> 16 * c.ink()
	if bit == 1 {
		e.width = part
	} else {
		e.low += uint64(part)
		e.width -= part
	}
	c.update(bit)
	for e.width < renormalise {
		e.width <<= 8
		e.shift()
	}
}

// shift moves the upper byte of low out.
func (e *encoder) shift() {
	if carry := byte(e.low >> 32); carry != 0 || e.low < 0xff000000 {
		for b := e.held; e.pending > 0; e.pending-- {
			e.out = append(e.out, b+carry)
			b = 0xff
		}
		e.held = byte(e.low >> 24)
	}
	e.pending++
	e.low = e.low << 8 & (1<<32 - 1)
}

// finish returns the code.
func (e *encoder) finish() []byte {
	for range 5 {
		e.shift()
	}
	return e.out
}

func (e *encoder) failure() error { return nil }

type decoder struct {
	code, width uint32
	in          []byte
	err         error
}

func newDecoder(in []byte) *decoder {
	d := &decoder{width: 1<<32 - 1, in: in}
	for range 5 { // the encoder's first byte is always 0
		d.code = d.code<<8 | d.next()
	}
	return d
}

func (d *decoder) failure() error { return d.err }

func (d *decoder) next() uint32 {
	if len(d.in) == 0 {
		d.err = errors.New("bilevel: code is cut off")
		return 0
	}
	b := d.in[0]
	d.in = d.in[1:]
	return uint32(b)
}

func (d *decoder) get(c *context) int {
	part := d.width >> 16 * c.ink()
	bit := 0
	if d.code < part {
		d.width = part
		bit = 1
	} else {
		d.code -= part
		d.width -= part
	}
	c.update(bit)
	d.renormalise()
	return bit
}

// renormalise takes bytes in until the interval is wide enough again.
func (d *decoder) renormalise() {
	for d.width < renormalise {
		d.width <<= 8
		d.code = d.code<<8 | d.next()
	}
}
