package datasets

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pkg/errors"

	"medusa/internal/npy"
)

// labelling is the class of each of many rows.
type labelling struct {
	of    []int32  // row → index of names
	names []string // in ascending order, of numbers by their value
}

// labeller numbers the names of classes in the order in which they come up.
type labeller struct {
	of     []int32
	names  []string
	number map[string]int32
}

func newLabeller(rows int) *labeller {
	return &labeller{of: make([]int32, 0, rows), number: make(map[string]int32)}
}

func (l *labeller) add(name string) {
	n, known := l.number[name]
	if !known {
		n = int32(len(l.names))
		name = strings.Clone(name) // not the whole line that it may be cut from
		l.number[name] = n
		l.names = append(l.names, name)
	}
	l.of = append(l.of, n)
}

// sorted brings the names into order: numbers, if all of them are, by their value.
func (l *labeller) sorted() labelling {
	values := make(map[string]int64, len(l.names))
	for _, name := range l.names {
		v, err := strconv.ParseInt(name, 10, 64)
		if err != nil || strconv.FormatInt(v, 10) != name {
			values = nil
			break
		}
		values[name] = v
	}
	out := labelling{of: l.of, names: slices.Clone(l.names)}
	slices.SortFunc(out.names, func(a, b string) int {
		return cmp.Or(cmp.Compare(values[a], values[b]), strings.Compare(a, b))
	})
	rank := make([]int32, len(l.names))
	for r, name := range out.names {
		rank[l.number[name]] = int32(r)
	}
	for i, n := range out.of {
		out.of[i] = rank[n]
	}
	return out
}

// labelsOfArray reads an array (N) of numbers or texts as NumPy writes it.
func labelsOfArray(r io.Reader, h npy.Header) (labelling, error) {
	if len(h.Shape) != 1 && !(len(h.Shape) == 2 && h.Shape[1] == 1) {
		return labelling{}, errors.Errorf("labels of shape %v, want one number or text a vector", h.Shape)
	}
	text, size, err := labelReader(h.Descr)
	if err != nil {
		return labelling{}, err
	}
	buffered := bufio.NewReaderSize(r, 1<<16)
	l := newLabeller(0)
	cell := make([]byte, size)
	for i := range h.Shape[0] {
		if _, err := io.ReadFull(buffered, cell); err != nil {
			return labelling{}, errors.Errorf("the labels are cut off at %d of %d", i, h.Shape[0])
		}
		name, err := text(cell)
		if err != nil {
			return labelling{}, errors.WithMessagef(err, "label %d", i)
		}
		l.add(name)
	}
	return l.sorted(), nil
}

// labelReader says how a label of NumPy's type descr is read, and its size in bytes.
func labelReader(descr string) (text func([]byte) (string, error), size int, err error) {
	if width, ok := strings.CutPrefix(descr, "<U"); ok { // 4 bytes a sign, padded with zeros
		n, err := strconv.Atoi(width)
		if err != nil || n < 1 || n > 1<<16 {
			return nil, 0, errors.Errorf("labels of type %q", descr)
		}
		return utf32Text, 4 * n, nil
	}
	if width, ok := strings.CutPrefix(descr, "|S"); ok {
		n, err := strconv.Atoi(width)
		if err != nil || n < 1 || n > 1<<18 {
			return nil, 0, errors.Errorf("labels of type %q", descr)
		}
		return func(b []byte) (string, error) { return string(bytes.TrimRight(b, "\x00")), nil }, n, nil
	}
	e, err := elementOf(descr)
	if err != nil {
		return nil, 0, errors.Errorf("labels of type %q, want whole numbers or texts (in NumPy: labels.astype(str))", descr)
	}
	return func(b []byte) (string, error) { return e.label(b) }, e.size, nil
}

// label is a number that names a class: a whole one, however it is written.
func (e element) label(b []byte) (string, error) {
	if e.isWhole() {
		if e.kind == unsigned {
			return strconv.FormatUint(e.bits(b), 10), nil
		}
		return strconv.FormatInt(e.whole(b), 10), nil
	}
	v := e.float64(b)
	if v != float64(int64(v)) {
		return "", errors.Errorf("%v is no whole number, and cannot name a class", v)
	}
	return strconv.FormatInt(int64(v), 10), nil
}

func utf32Text(b []byte) (string, error) {
	var text []byte
	for ; len(b) >= 4; b = b[4:] {
		r := rune(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24)
		if r == 0 {
			break
		}
		if !utf8.ValidRune(r) {
			return "", errors.New("the text is damaged")
		}
		text = utf8.AppendRune(text, r)
	}
	return string(text), nil
}

// labelsOfText reads a label a line; a table's first column, whose header may be there or not.
func labelsOfText(r io.Reader, rows int) (labelling, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord, c.LazyQuotes, c.TrimLeadingSpace = -1, true, true, true
	var all []string
	first := true
	l := newLabeller(rows)
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return labelling{}, errors.Wrap(err, "labels")
		}
		if len(record) > 1 {
			return labelling{}, errors.Errorf("labels: line %d has %d columns, want the label alone", len(l.of)+1, len(record))
		}
		name := strings.TrimSpace(record[0])
		if first && isLabelName(name) {
			all = append(all, name)
			first = false
			continue
		}
		first = false
		l.add(name)
	}
	if len(all) == 1 && len(l.of) == rows-1 { // it was a class after all
		again := newLabeller(rows)
		again.add(all[0])
		for _, n := range l.of {
			again.add(l.names[n])
		}
		l = again
	}
	return l.sorted(), nil
}

// isLabelName reports whether a header calls its column so that it holds the classes.
func isLabelName(name string) bool {
	key := columnKey(name)
	if key == "label" || key == "labels" {
		return true
	}
	for _, c := range tableColumns {
		if c.name == "label" {
			return slices.Contains(c.usual, key)
		}
	}
	return false
}
