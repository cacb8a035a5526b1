package datasets

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/csv"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// tableOfNumbers says what the columns of a table of vectors are.
type tableOfNumbers struct {
	header              bool // the first line names the columns
	label, split, title int  // columns; -1 if there is none. title names the row, such as a path
	numbers             []int
}

// errNoNames is of a table that is all numbers: which of them is the label nobody can tell.
var errNoNames = errors.New("a table of vectors needs a first line that names the columns, with one called label")

// isVectorTable reports whether the first lines of a file are a table of vectors: a column of
// labels and otherwise numbers, at least two and more than all other columns together; or
// numbers alone, which openTable refuses.
func isVectorTable(path string) bool {
	file, err := fileread.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return false
	}
	_, _, err = readTableHead(bufio.NewReaderSize(file, 1<<20))
	return err == nil || errors.Is(err, errNoNames)
}

// readTableHead looks at the first two lines, without taking them, and finds the separator
// and the columns.
func readTableHead(text *bufio.Reader) (separator rune, t tableOfNumbers, err error) {
	head, _ := text.Peek(1 << 20)
	lines := bytes.SplitN(head, []byte("\n"), 3)
	if len(lines) < 2 || !looksLikeText(head[:min(len(head), 512)]) {
		return 0, t, errors.New("no table of numbers: want two lines at least")
	}
	for _, separator = range []rune{',', ';', '\t'} {
		var rows [2][]string
		for i := range rows {
			r := csv.NewReader(bytes.NewReader(lines[i]))
			r.Comma, r.TrimLeadingSpace = separator, separator != '\t'
			if rows[i], err = r.Read(); err != nil {
				break
			}
		}
		if err == nil && len(rows[0]) == len(rows[1]) && len(rows[0]) > 2 {
			t, err = columnsOfNumbers(rows[0], rows[1])
			return separator, t, err
		}
	}
	return 0, t, errors.New("no table of numbers: want a column label and one for each number of a vector")
}

// columnsOfNumbers tells the columns by the first line and the one below it.
func columnsOfNumbers(first, second []string) (t tableOfNumbers, err error) {
	t = tableOfNumbers{label: -1, split: -1, title: -1}
	if isFaceTable(first) {
		return t, errors.New("a list of pairs of faces")
	}
	var texts []int
	for i := range first {
		if isLabelName(first[i]) || !isNumber(first[i]) && isNumber(second[i]) {
			t.header = true
		}
		if !isNumber(second[i]) {
			texts = append(texts, i)
		}
	}
	for i, name := range first {
		switch key := columnKey(name); {
		case !t.header:
		case isPathName(key):
			return t, errors.Errorf("column %q names pictures", name)
		case isLabelName(name) && t.label < 0:
			t.label = i
		case key == "split" || key == "set" || key == "subset" || key == "partition":
			t.split = i
		case slices.Contains(texts, i) && t.title < 0:
			t.title = i
		}
	}
	if t.label < 0 && len(texts) == 1 && t.split < 0 {
		t.label, t.title = texts[0], -1
	}
	if t.label < 0 && !t.header && len(texts) == 0 {
		return t, errNoNames
	}
	if t.label < 0 {
		return t, errors.New("no column of labels: name it label in the first line")
	}
	for i := range first {
		if i != t.label && i != t.split && i != t.title && isNumber(second[i]) && !(t.header && meansOther(columnKey(first[i]))) {
			t.numbers = append(t.numbers, i)
		}
	}
	if len(t.numbers) < 2 || 2*len(t.numbers) < len(first)-3 {
		return t, errors.Errorf("%d columns of numbers beside the labels, want one for each number of a vector", len(t.numbers))
	}
	return t, nil
}

func isNumber(cell string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(cell), 32)
	return err == nil
}

// isPathName reports whether a column of that key names files.
func isPathName(key string) bool {
	path := tableColumns[slices.IndexFunc(tableColumns, func(c column) bool { return c.name == "path" })]
	return key == path.name || slices.Contains(path.usual, key)
}

// meansOther reports whether a column of that key counts the rows, or says what a column of
// a table of pictures says.
func meansOther(key string) bool {
	if slices.Contains([]string{"", "id", "index", "unnamed0", "row"}, key) {
		return true
	}
	return slices.ContainsFunc(tableColumns, func(c column) bool { return key == columnKey(c.name) || slices.Contains(c.usual, key) })
}

// openTable loads a table of vectors.
func (f vectorFile) openTable(o Options) (*labelled, error) {
	file, _, err := f.lasting()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text := bufio.NewReaderSize(file, 1<<20)
	separator, t, err := readTableHead(text)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(text)
	r.Comma, r.TrimLeadingSpace, r.ReuseRecord = separator, separator != '\t', true
	l := &labelled{vectors: &vectors{name: printable(f.path)}}
	values, titles, err := t.read(r, l)
	if err != nil {
		return nil, err
	}
	if titles != nil {
		l.vectors.paths = func(row int) string { return printable(titles[row]) }
	}
	l.vectors.matrix = matrix{
		from: bytes.NewReader(values), rows: len(l.labels.of), cols: len(t.numbers),
		element: element{size: 4, order: binary.LittleEndian, kind: floating},
	}
	return l, nil
}

// read takes the rows of a table.
func (t tableOfNumbers) read(r *csv.Reader, l *labelled) (values []byte, titles []string, err error) {
	labels := newLabeller(0)
	for first := true; ; first = false {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		if first && t.header {
			continue
		}
		line, _ := r.FieldPos(0)
		label := strings.TrimSpace(row[t.label])
		if label == "" {
			return nil, nil, errors.Errorf("line %d has no label", line)
		}
		labels.add(label)
		for _, i := range t.numbers {
			v, err := strconv.ParseFloat(strings.TrimSpace(row[i]), 32)
			if err != nil {
				return nil, nil, errors.Errorf("line %d, column %d: %.40q is no number that float32 can hold", line, i+1, row[i])
			}
			values = binary.LittleEndian.AppendUint32(values, math.Float32bits(float32(v)))
		}
		if t.title >= 0 {
			titles = append(titles, strings.Clone(row[t.title]))
		}
		if t.split >= 0 {
			name := strings.ToLower(strings.TrimSpace(row[t.split]))
			part := partNames[cmp.Or(name, "train")]
			if part == "" {
				return nil, nil, errors.Errorf("line %d is of the part %.40q, want train, val or test", line, row[t.split])
			}
			l.splits = append(l.splits, part)
		}
	}
	l.labels = labels.sorted()
	return values, titles, nil
}

// indexOf reads a number below n.
func indexOf(text string, n int) (int, bool) {
	i, err := strconv.Atoi(text)
	return i, err == nil && i >= 0 && i < n
}
