package index

import "bytes"

// Filter says which items a search may find: those for which all of it holds. The zero value
// holds for every item.
type Filter struct {
	Labels []string          // the label is one of these; nil for any
	Meta   map[string]string // these keys have these values; nil for any
	// Where holds for the item; nil for any. It is called once for each item for which the rest
	// holds, by one goroutine. Its Vector is nil.
	Where func(Item) bool
}

func (f *Filter) any() bool { return f.Labels == nil && len(f.Meta) == 0 && f.Where == nil }

// hidden is the rows that a search is not to find, and how many it may.
func (s *snapshot) hidden(f *Filter) ([]*mask, int) {
	if f.any() {
		return s.removed, s.live
	}
	wanted := make([]bool, len(s.labels))
	for i, l := range s.labels {
		wanted[i] = f.Labels == nil
		for _, name := range f.Labels {
			wanted[i] = wanted[i] || name == l
		}
	}
	out, left := make([]*mask, len(s.chunks)), 0
	for i, c := range s.chunks {
		out[i] = new(mask)
		for at, l := range c.labels {
			if wanted[l] && !s.removed[i].has(at) && f.holds(s, c, at) {
				left++
				continue
			}
			out[i][at>>6] |= 1 << (at & 63)
		}
	}
	return out, left
}

// holds reports whether all but the label of a row is as the filter says.
func (f *Filter) holds(s *snapshot, c *chunk, at int) bool {
	if len(f.Meta) > 0 {
		r, found := c.record(at), 0
		r.text()
		r.each(func(key, value []byte) bool {
			want, ok := f.Meta[string(key)]
			if ok && bytes.Equal(value, []byte(want)) {
				found++
			}
			return true
		})
		if found < len(f.Meta) {
			return false
		}
	}
	return f.Where == nil || f.Where(s.facts(c, at))
}
