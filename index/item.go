package index

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/cpu/loops"
	"medusa/internal/field"
)

// Item is a vector and what is known of it.
type Item struct {
	ID     uint64            // another one for each item
	Vector []float32         // as long as the index's others
	Label  string            // such as a class; empty for none
	Path   string            // such as that of the picture; empty for none
	Meta   map[string]string // more that is known, few and short texts; nil for nothing
}

// check says what is wrong with an item; at is its place among those given.
func (it *Item) check(at, dim int) error {
	vector := field.Name("Vector")
	switch {
	case len(it.Vector) != dim:
		return field.Errorf("index", "", "item %d, ID %d: %s has %d numbers, want %d", at, it.ID, vector, len(it.Vector), dim)
	case !loops.Finite(it.Vector):
		return field.Errorf("index", "", "item %d, ID %d: %s holds a number that is not finite", at, it.ID, vector)
	case len(it.Path) > maxText:
		return field.Errorf("index", "", "item %d, ID %d: %s has %d bytes, at most %d are kept", at, it.ID, field.Name("Path"), len(it.Path), maxText)
	case len(it.Label) > maxText:
		return field.Errorf("index", "", "item %d, ID %d: %s has %d bytes, at most %d are kept", at, it.ID, field.Name("Label"), len(it.Label), maxText)
	}
	size := 0
	for key, value := range it.Meta {
		size += len(key) + len(value)
	}
	if size > maxText {
		return field.Errorf("index", "", "item %d, ID %d: %s has %d bytes, at most %d are kept", at, it.ID, field.Name("Meta"), size, maxText)
	}
	return nil
}

const maxText = math.MaxUint16

// appendRecord writes path and metadata of an item, each text behind its length, the keys in
// order.
func appendRecord(b []byte, it *Item) []byte {
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	text(it.Path)
	b = binary.AppendUvarint(b, uint64(len(it.Meta)))
	for _, key := range slices.Sorted(maps.Keys(it.Meta)) {
		text(key)
		text(it.Meta[key])
	}
	return b
}

// record reads what appendRecord wrote.
type record struct {
	rest []byte
	bad  bool // it is cut off
}

func (r *record) number() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.rest, r.bad = nil, true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *record) text() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return nil
	}
	t := r.rest[:n]
	r.rest = r.rest[n:]
	return t
}

// each calls visit with every key and value, until it returns false.
func (r *record) each(visit func(key, value []byte) bool) {
	for n := r.number(); n > 0 && !r.bad; n-- {
		if key := r.text(); !visit(key, r.text()) {
			return
		}
	}
}

// checkRecord says whether b is the record of an item.
func checkRecord(b []byte) error {
	r := record{rest: b}
	r.text()
	r.each(func(_, _ []byte) bool { return true })
	if r.bad || len(r.rest) > 0 {
		return errors.New("the text of an item is cut off")
	}
	return nil
}
