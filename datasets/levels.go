package datasets

import (
	"fmt"
	"image"
	"image/draw"
	"strconv"
	"strings"

	"medusa/internal/field"

	"medusa/datasets/internal/deep"
)

// Files of more than 8 bits often do not say which value is white: cameras of 12 bits
// write 0 … 4095 into 16. One range for the whole set keeps its pictures comparable.

// span is a range of values, the low end of which becomes black and the high end white.
type span struct{ low, high float64 }

func (s span) String() string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	return number(s.low) + "/" + number(s.high)
}

// RangeAuto and RangeFull are values of Options.Range beside numbers.
const (
	RangeAuto = "auto"
	RangeFull = "full"
)

// rangeRule says how one kind of values is read: by a span, in full, or as found.
type rangeRule struct {
	auto, full bool
	given      span
}

func (r rangeRule) String() string {
	switch {
	case r.auto:
		return RangeAuto
	case r.full:
		return RangeFull
	}
	return r.given.String()
}

// rangeRules are for values of 16 bits, and for all that have no largest one (floating
// point, signed, 32 bits).
type rangeRules [2]rangeRule

const (
	kindWhole = iota // 16 bits
	kindReal
)

// ValidRange reports whether text is a value of Options.Range.
func ValidRange(text string) bool {
	_, err := parseRange(text)
	return err == nil
}

// parseRange reads Options.Range.
func parseRange(text string) (rules rangeRules, err error) {
	parts := strings.Split(text, ",")
	if len(parts) > 2 {
		return rules, errRange(text)
	}
	for i, part := range parts {
		r, ok := parseRule(part)
		if !ok {
			return rules, errRange(text)
		}
		rules[i], rules[kindReal] = r, r
	}
	return rules, nil
}

func errRange(text string) error {
	return wrongOption("%s is %.40q, want %s, %s, or LOW/HIGH such as 0/4095; two of them with a comma between are for 16 bits and for floating point",
		field.Name("Range"), text, RangeAuto, RangeFull)
}

func parseRule(text string) (rangeRule, bool) {
	switch text {
	case "", RangeAuto:
		return rangeRule{auto: true}, true
	case RangeFull:
		return rangeRule{full: true}, true
	}
	low, high, both := strings.Cut(text, "/")
	l, err1 := strconv.ParseFloat(low, 64)
	h, err2 := strconv.ParseFloat(high, 64)
	// A difference that is no finite number above 0 divides nothing.
	ok := both && err1 == nil && err2 == nil && h > l && h-l <= 1e300
	return rangeRule{given: span{l, h}}, ok
}

// extent is what the values of a deep picture span.
type extent struct {
	kind      int
	low, high float64
	odd       int // values that are not finite
	deep      bool
	full      span
}

// extentOf looks at the values of a picture.
func extentOf(p picture) extent {
	if !p.deep {
		return extent{}
	}
	if m, ok := p.Image.(*deep.Image); ok {
		e := extent{kind: kindReal, deep: true, full: span{m.Full[0], m.Full[1]}}
		if low, high, odd, ok := m.Extent(); ok {
			e.low, e.high, e.odd = low, high, odd
		} else {
			e.odd = odd
		}
		return e
	}
	e := extent{kind: kindWhole, deep: true, full: span{0, 65535}, high: float64(p.announced)}
	e.high = max(e.high, float64(largest16(p.Image)))
	return e
}

// largest16 is the largest value of colour.
func largest16(img image.Image) (most uint16) {
	at := func(p []byte) uint16 { return uint16(p[0])<<8 | uint16(p[1]) }
	switch m := img.(type) {
	case *image.Gray16:
		for p := m.Pix; len(p) >= 2; p = p[2:] {
			most = max(most, at(p))
		}
	case *image.RGBA64:
		for p := m.Pix; len(p) >= 8; p = p[8:] {
			most = max(most, at(p), at(p[2:]), at(p[4:]))
		}
	case *image.NRGBA64:
		for p := m.Pix; len(p) >= 8; p = p[8:] {
			most = max(most, at(p), at(p[2:]), at(p[4:]))
		}
	}
	return most
}

// join widens e to hold o.
func (e *extent) join(o extent) {
	if !o.deep {
		return
	}
	if !e.deep {
		*e = o
		return
	}
	e.low, e.high, e.odd = min(e.low, o.low), max(e.high, o.high), e.odd+o.odd
	e.full = span{min(e.full.low, o.full.low), max(e.full.high, o.full.high)}
}

// spanOf decides what becomes black and white of values of one kind that lie in e.
func (r rangeRule) spanOf(e extent) span {
	switch {
	case !r.auto && !r.full:
		return r.given
	case r.full || !e.deep:
		return e.full
	case e.kind == kindWhole:
		// The depths that cameras and scanners have.
		for _, bits := range []int{8, 10, 12, 14} {
			if most := float64(int(1)<<bits - 1); e.high <= most {
				return span{0, most}
			}
		}
		return span{0, 65535}
	case e.low >= 0 && e.high <= 1:
		return span{0, 1}
	case e.low >= 0 && e.high <= 255:
		return span{0, 255}
	case e.low == e.high:
		return span{e.low, e.low + max(1, e.low/2, -e.low/2)}
	}
	return span{e.low, e.high}
}

// settle brings a deep picture to the full range of 16 bits and its colours to sRGB. What
// lies outside of s becomes black or white.
func (p *picture) settle(s span) {
	if !p.deep {
		return
	}
	p.deep = false
	if m, ok := p.Image.(*image.RGBA64); ok && !m.Opaque() { // colours are multiplied by alpha
		straight := image.NewNRGBA64(m.Bounds())
		draw.Draw(straight, straight.Bounds(), m, m.Bounds().Min, draw.Src)
		p.Image = straight
	}
	if m, ok := p.Image.(*deep.Image); ok {
		p.Image = m.Levels(s.low, s.high)
	} else if s != (span{0, 65535}) {
		stretch16(p.Image, s)
	}
	p.convert()
}

// stretch16 maps s to 0 … 65535, in place; alpha stays.
func stretch16(img image.Image, s span) {
	var table [65536]uint16
	for v := range table {
		share := (float64(v) - s.low) / (s.high - s.low)
		table[v] = uint16(min(max(share, 0), 1)*65535 + 0.5)
	}
	put := func(p []byte) {
		v := table[uint16(p[0])<<8|uint16(p[1])]
		p[0], p[1] = byte(v>>8), byte(v)
	}
	colours := func(pix []byte) {
		for p := pix; len(p) >= 8; p = p[8:] {
			put(p)
			put(p[2:])
			put(p[4:])
		}
	}
	switch m := img.(type) {
	case *image.Gray16:
		for p := m.Pix; len(p) >= 2; p = p[2:] {
			put(p)
		}
	case *image.RGBA64:
		colours(m.Pix)
	case *image.NRGBA64:
		colours(m.Pix)
	}
}

// spans are the ranges in use, by kind.
type spans [2]span

// assumed is what pictures are read by before all of them are known: what most sets are, if
// nothing is given.
func (r rangeRules) assumed() spans {
	s := spans{kindWhole: {0, 65535}, kindReal: {0, 1}}
	for kind, rule := range r {
		if !rule.auto && !rule.full {
			s[kind] = rule.given
		}
	}
	return s
}

// decideSpans returns what the pictures in outcomes are to be read by.
func (r rangeRules) decideSpans(outcomes []outcome) (s spans, seen [2]extent) {
	for _, o := range outcomes {
		if o.err == nil && o.extent.deep {
			seen[o.extent.kind].join(o.extent)
		}
	}
	for kind := range s {
		s[kind] = r[kind].spanOf(seen[kind])
	}
	return s, seen
}

// resolved is the text of Options.Range by which another set is read as this one was.
func (r rangeRules) resolved(s spans, seen [2]extent) string {
	text := make([]string, len(r))
	for kind, rule := range r {
		if text[kind] = rule.String(); rule.auto && seen[kind].deep {
			text[kind] = s[kind].String()
		}
	}
	if text[0] == text[1] {
		return text[0]
	}
	return strings.Join(text, ",")
}

// dimmest is the part of the range below which a picture is told to be nearly black: 12 bits
// among 16.
const dimmest = 16

// noteLevels tells how deep pictures were read.
func noteLevels(r *report, g *gatherer, outcomes []outcome, offset int) {
	if g.options.eachAlone {
		return // there is no range that all are read by
	}
	var stretched [2][]string
	var cut, odd, dim []string
	for i, o := range outcomes {
		if o.err != nil || !o.extent.deep {
			continue
		}
		e, s, path := o.extent, g.spans[o.extent.kind], g.store.path(offset+i)
		if s != e.full {
			stretched[e.kind] = append(stretched[e.kind], path)
		}
		if e.low < s.low || e.high > s.high {
			cut = append(cut, path)
		}
		if e.odd > 0 {
			odd = append(odd, path)
		}
		if g.rules[kindWhole].auto && e.kind == kindWhole && e.high > 0 && e.high <= s.high/dimmest {
			dim = append(dim, path)
		}
	}
	for kind, what := range []string{"16 bits", "floating point or signed numbers"} {
		why := "as asked for"
		if g.rules[kind].auto {
			why = "which these pictures use"
		}
		s := g.spans[kind]
		r.note(fmt.Sprintf("picture of %s, read from %g (black) to %g (white), %s", what, s.low, s.high, why), stretched[kind]...)
	}
	r.note("picture of 16 bits that is nearly black: it uses a sixteenth or less of the range of these pictures", dim...)
	r.note("picture with values outside of its range, made black or white", cut...)
	r.note("picture with values that are no finite numbers, made black (white if +infinite)", odd...)
}
