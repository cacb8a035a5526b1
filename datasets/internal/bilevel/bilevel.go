// Package bilevel packs many drawings of one size, in ink on paper, far tighter than
// one file each can: about a fifth of what 1-bit PNGs take. Each pixel is coded with
// the probability that sixteen neighbours give it, learnt on the way, as JBIG does
// (ITU-T T.82); a row like the one above takes a single decision.
package bilevel

import (
	"encoding/binary"

	"github.com/pkg/errors"
)

const (
	margin     = 4            // blank pixels around a drawing, so that every pixel has neighbours
	headerSize = 8            // height, width, drawings
	maxSide    = 1<<16 - 1    // of a drawing
	rowFlags   = 1 << 16      // index of the first context for "row as above"
	contexts   = rowFlags + 2 // one for each neighbourhood, and two for rows
	maxPixels  = 1 << 28      // of all drawings of a code together
)

// model is the state that encoder and decoder share.
type model struct {
	height, width, stride int
	table                 []context
	page                  []byte // the drawing with margins, one byte a pixel
}

func newModel(height, width int) *model {
	m := &model{height: height, width: width, stride: width + 2*margin, table: make([]context, contexts)}
	for i := range m.table {
		m.table[i] = even
	}
	m.page = make([]byte, (height+2)*m.stride)
	return m
}

// row returns row y of the page with its margins, from −2 on.
func (m *model) row(y int) []byte { return m.page[(y+2)*m.stride : (y+3)*m.stride] }

// A coder takes or gives the pixels of a page, in order.
type coder interface {
	// flag codes whether a row is like the one above.
	flag(c *context, same int) int
	// row codes the pixels of one row from its neighbourhoods in the two rows above.
	row(m *model, above2, above, here []byte)
	// failure is why no more rows can be coded, or nil.
	failure() error
}

// code codes one page. It stops at the row that fails: a few bytes can tell of millions of pixels.
func (m *model) code(by coder) error {
	last := 0
	for y := range m.height {
		if err := by.failure(); err != nil {
			return err
		}
		above, here := m.row(y-1), m.row(y)
		same := by.flag(&m.table[rowFlags+last], equal(above, here))
		if last = same; same == 1 {
			copy(here, above)
			continue
		}
		by.row(m, m.row(y-2), above, here)
	}
	return by.failure()
}

// The neighbourhood of a pixel x is
//
//	  2 2 2 2 2
//	1 1 1 1 1 1 1
//	0 0 0 0 x
//
// start returns those of the rows above as they stand before the first pixel.
func start(above2, above []byte) (n2, n1 int) {
	n2 = int(above2[margin])<<1 | int(above2[margin+1])
	n1 = int(above[margin])<<2 | int(above[margin+1])<<1 | int(above[margin+2])
	return n2, n1
}

func (e *encoder) flag(c *context, same int) int {
	e.put(c, same)
	return same
}

func (e *encoder) row(m *model, above2, above, here []byte) {
	n2, n1 := start(above2, above)
	n0 := 0
	for x := margin; x < margin+m.width; x++ {
		n2 = (n2<<1 | int(above2[x+2])) & 31
		n1 = (n1<<1 | int(above[x+3])) & 127
		v := int(here[x])
		e.put(&m.table[n2<<11|n1<<4|n0], v)
		n0 = (n0<<1 | v) & 15
	}
}

func (d *decoder) flag(c *context, _ int) int { return d.get(c) }

// row is get for each pixel, with the decoder's state in registers.
func (d *decoder) row(m *model, above2, above, here []byte) {
	n2, n1 := start(above2, above)
	n0 := 0
	table := (*[contexts]context)(m.table)
	code, width := d.code, d.width
	for x := margin; x < margin+m.width; x++ {
		n2 = (n2<<1 | int(above2[x+2])) & 31
		n1 = (n1<<1 | int(above[x+3])) & 127
		c := &table[n2<<11|n1<<4|n0]
		part := width >> 16 * c.ink()
		v := 0
		if code < part {
			width = part
			v = 1
		} else {
			code -= part
			width -= part
		}
		c.update(v)
		if width < renormalise {
			d.code, d.width = code, width
			d.renormalise()
			code, width = d.code, d.width
		}
		here[x] = byte(v)
		n0 = (n0<<1 | v) & 15
	}
	d.code, d.width = code, width
}

func equal(a, b []byte) int {
	if string(a) == string(b) {
		return 1
	}
	return 0
}

// Encode packs drawings of height×width, one byte a pixel: 1 for ink, 0 for paper.
func Encode(height, width int, drawings [][]byte) ([]byte, error) {
	if height < 1 || width < 1 || height > maxSide || width > maxSide {
		return nil, errors.Errorf("bilevel: drawings of %d×%d, want 1 … %d a side", width, height, maxSide)
	}
	if !fits(height, width, len(drawings)) {
		return nil, errors.Errorf("bilevel: %d drawings of %d×%d, want at most %d pixels", len(drawings), width, height, maxPixels)
	}
	m, e := newModel(height, width), newEncoder()
	for i, d := range drawings {
		if len(d) != height*width {
			return nil, errors.Errorf("bilevel: drawing %d has %d pixels, want %d", i, len(d), height*width)
		}
		for y := range height {
			copy(m.row(y)[margin:], d[y*width:(y+1)*width])
		}
		if err := m.code(e); err != nil {
			return nil, err
		}
	}
	head := make([]byte, headerSize)
	binary.BigEndian.PutUint16(head, uint16(height))
	binary.BigEndian.PutUint16(head[2:], uint16(width))
	binary.BigEndian.PutUint32(head[4:], uint32(len(drawings)))
	return append(head, e.finish()...), nil
}

// fits reports whether so many drawings have no more pixels than a code may hold. It asks for one
// where there are none, since there is memory for one in any case.
func fits(height, width, drawings int) bool { return max(drawings, 1) <= maxPixels/(height*width) }

// Size returns the size and the number of the drawings that code holds.
func Size(code []byte) (height, width, drawings int, err error) {
	if len(code) < headerSize {
		return 0, 0, 0, errors.New("bilevel: code is cut off")
	}
	height = int(binary.BigEndian.Uint16(code))
	width = int(binary.BigEndian.Uint16(code[2:]))
	drawings = int(binary.BigEndian.Uint32(code[4:]))
	if height < 1 || width < 1 || !fits(height, width, drawings) {
		return 0, 0, 0, errors.Errorf("bilevel: header tells of %d drawings of %d×%d", drawings, width, height)
	}
	return height, width, drawings, nil
}

// Decode unpacks code. It calls visit with each drawing in turn, one byte a pixel, which
// is valid until visit returns, and stops at visit's first error.
func Decode(code []byte, visit func(i int, drawing []byte) error) error {
	height, width, drawings, err := Size(code)
	if err != nil {
		return err
	}
	m, d := newModel(height, width), newDecoder(code[headerSize:])
	drawing := make([]byte, height*width)
	for i := range drawings {
		if err := m.code(d); err != nil {
			return err
		}
		for y := range height {
			copy(drawing[y*width:(y+1)*width], m.row(y)[margin:])
		}
		if err := visit(i, drawing); err != nil {
			return err
		}
	}
	return nil
}
