package npy

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/pkg/errors"
)

// Header says what an array file holds.
type Header struct {
	Descr   string // type of the elements as NumPy writes it, such as <f4
	Fortran bool   // whether columns lie one after the other, not rows
	Shape   []int
	Offset  int64 // of the first element in the file
}

// Magic is how every array file begins.
const Magic = "\x93NUMPY"

// maxHeader bounds the header's text; NumPy's own reader refuses more than 10,000 characters.
const maxHeader = 1 << 16

// Read reads the header at the beginning of r.
func Read(r io.Reader) (h Header, err error) {
	start := make([]byte, 8)
	if _, err := io.ReadFull(r, start); err != nil {
		return h, cutOff(err)
	}
	if string(start[:6]) != Magic {
		return h, errors.Errorf("npy: the file begins with %q, want %q: it is no array of NumPy", start[:6], Magic)
	}
	wide := 2
	switch start[6] {
	case 1:
	case 2, 3:
		wide = 4
	default:
		return h, errors.Errorf("npy: version %d.%d of the format is unknown, want 1 to 3", start[6], start[7])
	}
	size := make([]byte, 4)
	if _, err := io.ReadFull(r, size[:wide]); err != nil {
		return h, cutOff(err)
	}
	n := binary.LittleEndian.Uint32(size)
	if n > maxHeader {
		return h, errors.Errorf("npy: a header of %d bytes is announced, want at most %d: the file is damaged", n, maxHeader)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, cutOff(err)
	}
	h, err = parse(string(text))
	h.Offset = int64(8 + wide + len(text))
	return h, err
}

func cutOff(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("npy: the header is cut off")
	}
	return errors.Wrap(err, "npy: header")
}

// parse reads the header's text, a Python dictionary such as
// {'descr': '<f4', 'fortran_order': False, 'shape': (60000, 512), }.
func parse(text string) (h Header, err error) {
	p := &parser{rest: strings.TrimRight(text, " \n")}
	seen := map[string]bool{}
	p.expect("{")
	for p.err == nil && !p.accept("}") {
		key := p.text()
		p.expect(":")
		if seen[key] {
			return h, errors.Errorf("npy: header: %q stands there twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			if p.peek("[") {
				return h, errors.New("npy: the array is of records with named fields, want one of numbers or texts")
			}
			h.Descr = p.text()
		case "fortran_order":
			h.Fortran = p.boolean()
		case "shape":
			h.Shape = p.shape()
		default:
			p.fail("key %q is unknown", key)
		}
		if !p.accept(",") && !p.peek("}") {
			p.fail("want a comma at %q", p.excerpt())
		}
	}
	switch {
	case p.err != nil:
		return h, p.err
	case p.rest != "":
		return h, errors.Errorf("npy: header: %q stands behind its end", p.excerpt())
	case len(seen) != 3:
		return h, errors.New("npy: header: want descr, fortran_order and shape")
	}
	return h, nil
}

type parser struct {
	rest string
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = errors.Errorf("npy: header: "+format, args...)
	}
}

func (p *parser) excerpt() string { return p.rest[:min(len(p.rest), 20)] }

func (p *parser) peek(sign string) bool {
	p.rest = strings.TrimLeft(p.rest, " ")
	return strings.HasPrefix(p.rest, sign)
}

func (p *parser) accept(sign string) bool {
	if !p.peek(sign) {
		return false
	}
	p.rest = p.rest[len(sign):]
	return true
}

func (p *parser) expect(sign string) {
	if !p.accept(sign) {
		p.fail("want %q at %q", sign, p.excerpt())
	}
}

// text reads a quoted text; types and keys have no escapes.
func (p *parser) text() string {
	quote := "'"
	if p.peek(`"`) {
		quote = `"`
	}
	p.expect(quote)
	inside, rest, found := strings.Cut(p.rest, quote)
	if !found {
		p.fail("a text has no end")
		return ""
	}
	p.rest = rest
	return inside
}

func (p *parser) boolean() bool {
	if p.accept("True") {
		return true
	}
	p.expect("False")
	return false
}

// maxElements bounds the size of an array, so that products of sizes do not overflow.
const maxElements = 1 << 48

func (p *parser) shape() []int {
	shape := []int{}
	total := int64(1)
	p.expect("(")
	for p.err == nil && !p.accept(")") {
		p.peek("")
		end := 0
		for end < len(p.rest) && p.rest[end] >= '0' && p.rest[end] <= '9' {
			end++
		}
		n, err := strconv.ParseInt(p.rest[:end], 10, 64)
		if err != nil || n > maxElements || n > 0 && total > maxElements/n {
			p.fail("the shape has a size of %q", p.excerpt())
			break
		}
		total *= max(n, 1)
		shape = append(shape, int(n))
		p.rest = strings.TrimPrefix(p.rest[end:], "L") // Python 2's long numbers
		if !p.accept(",") && !p.peek(")") {
			p.fail("want a comma at %q", p.excerpt())
		}
	}
	return shape
}
