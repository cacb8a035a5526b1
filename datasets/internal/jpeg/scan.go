package jpeg

// zigzag is where coefficients stand in a block, in the order in which they are stored.
var zigzag = [64]uint8{
	0, 8, 1, 2, 9, 16, 24, 17, 10, 3, 4, 11, 18, 25, 32, 40,
	33, 26, 19, 12, 5, 6, 13, 20, 27, 34, 41, 48, 56, 49, 42, 35,
	28, 21, 14, 7, 15, 22, 29, 36, 43, 50, 57, 58, 51, 44, 37, 30,
	23, 31, 38, 45, 52, 59, 60, 53, 46, 39, 47, 54, 61, 62, 55, 63,
}

// scan is what the header of a scan says.
type scan struct {
	*decoder
	of         []scanned
	first, end int   // coefficients, in zigzag order: first … end
	low        uint8 // bits that are still to come
	isRefining bool  // adds a bit to coefficients that are known
	endRun     int   // blocks, after this one, whose band is over
}

// scanned is a component in a scan.
type scanned struct {
	*component
	dc, ac *huffman
	level  int32 // of the last block
}

// scan reads a scan, and leaves d.at at the marker behind it.
func (d *decoder) scan(body []byte) bool {
	s := scan{decoder: d, end: 63}
	if !s.header(body) {
		return false
	}
	if d.grey == nil && d.colour == nil {
		d.allocate()
	}
	if !d.openSegment() {
		return false
	}
	if len(s.of) == 1 {
		if !s.single() {
			return false
		}
	} else if !s.interleaved() {
		return false
	}
	return s.endRun == 0 && d.bits.atEnd() && d.file[d.at+1] != 0xff
}

func (s *scan) header(body []byte) bool {
	if s.components == nil || len(body) < 6 || len(body) != 4+2*int(body[0]) || int(body[0]) > len(s.components) {
		return false
	}
	units := 0
	for i := range int(body[0]) {
		id, tables := body[1+2*i], body[2+2*i]
		dc, ac := tables>>4, tables&15
		if dc > 3 || ac > 3 || s.isBaseline && (dc > 1 || ac > 1) {
			return false
		}
		one := scanned{dc: &s.tables[0][dc], ac: &s.tables[1][ac]}
		for j := range s.components {
			if s.components[j].id == id {
				one.component = &s.components[j]
			}
		}
		if one.component == nil {
			return false
		}
		for _, other := range s.of {
			if other.component == one.component {
				return false
			}
		}
		units += one.h * one.v
		s.of = append(s.of, one)
	}
	const most = 10 // blocks in a unit: section B.2.3
	if len(s.components) > 1 && units > most {
		return false
	}
	if s.isProgressive {
		return s.band(body[len(body)-3:])
	}
	for _, c := range s.of {
		if !c.dc.defined || !c.ac.defined {
			return false
		}
	}
	return true
}

// band reads which coefficients, and which of their bits, a scan of a progressive file has.
func (s *scan) band(b []byte) bool {
	s.first, s.end = int(b[0]), int(b[1])
	high := b[2] >> 4
	s.low, s.isRefining = b[2]&15, high != 0
	if s.first == 0 && s.end != 0 || s.first > s.end || s.end > 63 || s.first != 0 && len(s.of) != 1 || s.isRefining && high != s.low+1 {
		return false
	}
	for i := range s.of {
		c := &s.of[i]
		if s.first == 0 && !s.isRefining && !c.dc.defined || s.first > 0 && !c.ac.defined {
			return false
		}
		if c.coefficients == nil {
			c.coefficients = make([]block, s.across*s.down*c.h*c.v)
		}
	}
	return true
}

// interleaved reads units of blocks of several components.
func (s *scan) interleaved() bool {
	for unit, y := 0, 0; y < s.down; y++ {
		for x := range s.across {
			for i := range s.of {
				c := &s.of[i]
				for j := range c.h * c.v {
					if !s.block(c, c.h*x+j%c.h, c.v*y+j/c.h) {
						return false
					}
				}
			}
			if unit++; !s.restart(unit, s.across*s.down) {
				return false
			}
		}
		if s.bits.overrun() {
			return false
		}
	}
	return true
}

// single reads the blocks of one component that are not all padding, row by row. Each block is
// a unit: section A.2.2. (image/jpeg takes as many for a unit as in scans of all components,
// and so does not find the restart markers of progressive files of subsampled colour.)
func (s *scan) single() bool {
	c := &s.of[0]
	across, down := min(s.across*c.h, (s.width+7)/8), min(s.down*c.v, (s.height+7)/8)
	for unit, y := 0, 0; y < down; y++ {
		for x := range across {
			if !s.block(c, x, y) {
				return false
			}
			if unit++; !s.restart(unit, across*down) {
				return false
			}
		}
		if s.bits.overrun() {
			return false
		}
	}
	return true
}

// restart reads a restart marker if one is due after so many units of all.
func (s *scan) restart(units, all int) bool {
	if s.interval == 0 || units%s.interval != 0 || units == all {
		return true
	}
	if !s.bits.atEnd() || s.file[s.at+1] != firstRestart+byte((units/s.interval-1)&7) {
		return false
	}
	s.at += 2
	if !s.openSegment() {
		return false
	}
	for i := range s.of {
		s.of[i].level = 0
	}
	s.endRun = 0
	return true
}

// block reads block (x, y) of a component.
func (s *scan) block(c *scanned, x, y int) bool {
	if !s.isProgressive {
		return s.sequential(c, x, y)
	}
	b := &c.coefficients[y*s.across*c.h+x]
	switch {
	case s.first == 0 && s.isRefining:
		if s.bits.bit() {
			b[0] |= 1 << s.low
		}
		return true
	case s.first == 0:
		level, ok := s.readLevel(c)
		b[0] = level << s.low
		return ok
	case s.isRefining:
		return s.refine(b, c.ac)
	}
	return s.readBand(b, c.ac)
}

// readLevel returns the coefficient of a block's mean: section F.2.2.1.
func (s *scan) readLevel(c *scanned) (int32, bool) {
	r := &s.bits
	size, ok := c.dc.next(r)
	if !ok || size > 16 {
		return 0, false
	}
	if size > 0 {
		c.level += extend(r.take(size), size)
	}
	return c.level, true
}

// sequential reads a whole block, and draws it.
func (s *scan) sequential(c *scanned, x, y int) bool {
	level, ok := s.readLevel(c)
	if !ok {
		return false
	}
	scale := &s.quantisation[c.quantisation]
	var b block
	b[0] = level * scale[0]
	isFlat := true // all but the mean are 0
	h := c.ac
	r := &s.bits
	data, have, n, next := r.data, r.have, r.n, r.at
	for at := 1; at < 64; at++ {
		have, n, next = filled(data, have, n, next)
		e := h.looked[have>>(64-lookBits)]
		if e < hasNumber {
			if e == 0 {
				e = h.search(have)
			}
			if e.size() == 0 {
				have <<= e.length()
				n -= e.length()
				switch {
				case e == 0 || e.skip() > 0 && e.skip() < 15:
					return false
				case e.skip() == 15:
					at += 15
					continue
				}
				break
			}
		}
		if at += e.skip(); uint(at) > 63 {
			return false
		}
		to := zigzag[at] & 63
		b[to] = e.number(have) * scale[at]
		isFlat = false
		have <<= e.bits()
		n -= e.bits()
	}
	r.have, r.n, r.at = have, n, next
	inverse(&b, isFlat, c.pix[8*(y*c.stride+x):], c.stride)
	return true
}

// readBand reads the first bits of a band: section G.1.2.2.
func (s *scan) readBand(b *block, h *huffman) bool {
	if s.endRun > 0 {
		s.endRun--
		return true
	}
	r := &s.bits
	for at := s.first; at <= s.end; at++ {
		value, ok := h.next(r)
		if !ok {
			return false
		}
		skip, size := int(value>>4), value&15
		switch {
		case size > 0:
			if at += skip; at > s.end {
				return false
			}
			b[zigzag[at]] = extend(r.take(size), size) << s.low
		case skip == 15:
			at += 15
		default:
			s.readEndRun(skip)
			s.endRun-- // this block
			return true
		}
	}
	return true
}

// readEndRun reads in how many blocks, this one included, the band is over.
func (s *scan) readEndRun(size int) {
	s.endRun = 1 << size
	if size > 0 {
		s.endRun += int(s.bits.take(uint8(size)))
	}
}

// refine reads one more bit of a band: section G.1.2.3.
func (s *scan) refine(b *block, h *huffman) bool {
	at := s.first
	r := &s.bits
	for ; s.endRun == 0 && at <= s.end; at++ {
		value, ok := h.next(r)
		if !ok {
			return false
		}
		skip, size := int(value>>4), value&15
		number := int32(0)
		switch size {
		case 0:
			if skip != 15 {
				s.readEndRun(skip)
			}
		case 1:
			if number = 1 << s.low; !r.bit() {
				number = -number
			}
		default:
			return false
		}
		if s.endRun > 0 {
			break
		}
		if at = s.refineKnown(b, at, skip); at > s.end {
			return false
		}
		if number != 0 {
			b[zigzag[at]] = number
		}
	}
	if s.endRun > 0 {
		s.endRun--
		s.refineKnown(b, at, -1)
	}
	return true
}

// refineKnown refines coefficients from at on, up to the one after skip zeros; −1: to the end
// of the band.
func (s *scan) refineKnown(b *block, at, skip int) int {
	r := &s.bits
	for ; at <= s.end; at++ {
		v := &b[zigzag[at]]
		if *v == 0 {
			if skip == 0 {
				break
			}
			skip--
			continue
		}
		if !r.bit() {
			continue
		}
		if *v > 0 {
			*v += 1 << s.low
		} else {
			*v -= 1 << s.low
		}
	}
	return at
}

// reconstruct draws the blocks of a progressive file that are not all padding.
func (d *decoder) reconstruct() {
	first := d.components[0]
	for i := range d.components {
		c := &d.components[i]
		if c.coefficients == nil {
			continue
		}
		scale := &d.quantisation[c.quantisation]
		for y := 0; y*8*first.v < d.height*c.v; y++ {
			for x := 0; x*8*first.h < d.width*c.h; x++ {
				b := &c.coefficients[y*d.across*c.h+x]
				others := int32(0)
				for at, to := range zigzag {
					v := b[to&63]
					b[to&63] = v * scale[at]
					if at > 0 {
						others |= v
					}
				}
				inverse(b, others == 0, c.pix[8*(y*c.stride+x):], c.stride)
			}
		}
	}
}
