package datasets

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pkg/errors"
)

// tableText is a table as it is written.
type tableText struct {
	header   []string
	rows     []tableRow
	promised int    // rows that a first line announced; 0 if none did
	encoding string // if it is not UTF-8
}

type tableRow struct {
	cells []string
	line  int
}

const (
	mostColumns = 1 << 12
	blanks      = ' ' // as a separator: any number of them
)

// parseText reads the rows of a table. header is that of a table without one; nil if the
// first row is it.
func parseText(r io.Reader, name string, header []string) (*tableText, error) {
	text, encoding, err := decodeText(r)
	if err != nil {
		return nil, err
	}
	t := &tableText{encoding: encoding}
	if ext := strings.ToLower(path.Ext(name)); ext == ".jsonl" || ext == ".ndjson" {
		if header != nil {
			return nil, errors.New("the columns of a file of JSON lines have their names in each line, and can only be named anew as NAME=NAME")
		}
		return t, t.readJSON(text)
	}
	before, separator, err := t.readPreamble(text)
	if err != nil {
		return nil, err
	}
	if separator == 0 {
		separator = separatorOf(text)
	}
	if separator == blanks {
		err = t.readBlanks(text, before, header)
	} else {
		err = t.readCSV(text, separator, before, header)
	}
	if err == nil && t.header == nil {
		err = errors.New("empty file, want a line with the columns path and label, and one a picture")
	}
	return t, err
}

// readPreamble takes what may stand before a header: "sep=;" as spreadsheets write it, and
// the number of rows. It returns how many lines these took.
func (t *tableText) readPreamble(text *bufio.Reader) (lines int, separator rune, err error) {
	for {
		head, _ := text.Peek(64)
		line, _, whole := bytes.Cut(head, []byte("\n"))
		words := strings.TrimRight(string(line), "\r")
		is, declares := strings.CutPrefix(strings.ToLower(words), "sep=")
		rows, numberErr := strconv.Atoi(strings.TrimSpace(words))
		switch {
		case !whole:
			return lines, separator, nil
		case declares && utf8.RuneCountInString(is) == 1 && separator == 0:
			separator, _ = utf8.DecodeRuneInString(is)
		case strings.TrimSpace(words) == "":
		case numberErr == nil && rows > 0 && t.promised == 0:
			t.promised = rows
		default:
			return lines, separator, nil
		}
		if _, err := text.Discard(len(line) + 1); err != nil {
			return 0, 0, err
		}
		lines++
	}
}

// separatorOf is what occurs most often in the first line, outside of quotes; blanks if
// nothing else does.
func separatorOf(text *bufio.Reader) rune {
	head, _ := text.Peek(4096)
	line, _, _ := bytes.Cut(head, []byte("\n"))
	counts := make(map[rune]int)
	quoted := false
	for _, r := range string(line) {
		if r == '"' {
			quoted = !quoted
		}
		if !quoted {
			counts[r]++
		}
	}
	best := ','
	for _, s := range []rune{';', '\t', '|'} {
		if counts[s] > counts[best] {
			best = s
		}
	}
	if counts[best] == 0 && counts[' '] > 0 {
		return blanks
	}
	return best
}

// readCSV reads rows; before lines were taken already.
func (t *tableText) readCSV(text *bufio.Reader, separator rune, before int, header []string) error {
	reader := csv.NewReader(text)
	reader.Comma = separator
	reader.TrimLeadingSpace = separator != '\t' // with tabs that would swallow empty cells
	if separator == '"' || separator == '\r' || separator == '\n' || separator == utf8.RuneError {
		return errors.Errorf("%q cannot separate columns", separator)
	}
	if header != nil {
		reader.FieldsPerRecord = len(header)
		t.header = header
	}
	for {
		row, err := reader.Read()
		var parse *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &parse) && errors.Is(err, csv.ErrFieldCount) && row != nil && header != nil:
			return errors.Errorf("line %d has %d columns, and %d are named: %s", parse.Line+before, len(row), len(header), strings.Join(header, ", "))
		case errors.As(err, &parse):
			parse.Line += before
			parse.StartLine += before
			return parse
		case err != nil:
			return err
		case len(row) > mostColumns:
			return errors.Errorf("%d columns, want at most %d", len(row), mostColumns)
		}
		line, _ := reader.FieldPos(0)
		t.add(row, line+before)
	}
}

// add appends a row, or takes it as the header.
func (t *tableText) add(cells []string, line int) {
	if t.header == nil {
		for i := range cells {
			cells[i] = trimCell(cells[i])
		}
		t.header = cells
		return
	}
	t.rows = append(t.rows, tableRow{cells, line})
}

// readBlanks reads rows of words.
func (t *tableText) readBlanks(text *bufio.Reader, before int, header []string) error {
	t.header = header
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, longestLine)
	for n := before + 1; lines.Scan(); n++ {
		words, err := splitBlanks(lines.Text())
		switch {
		case err != nil:
			return errors.WithMessagef(err, "line %d", n)
		case len(words) == 0:
			continue
		case len(words) > mostColumns:
			return errors.Errorf("%d columns, want at most %d", len(words), mostColumns)
		case t.header != nil && len(words) != len(t.header):
			return errors.Errorf("line %d has %d words between blanks, want %d: is there a blank in a name? Put it in quotes, or separate by commas", n, len(words), len(t.header))
		}
		t.add(words, n)
	}
	return lines.Err()
}

// splitBlanks cuts a line at blanks outside of double quotes.
func splitBlanks(line string) ([]string, error) {
	if !strings.Contains(line, `"`) {
		return strings.Fields(line), nil
	}
	var words []string
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		if rest[0] == '"' {
			word, after, ok := strings.Cut(rest[1:], `"`)
			if !ok {
				return nil, errors.New("a quote has no end")
			}
			words, rest = append(words, word), after
			continue
		}
		word := strings.Fields(rest)[0]
		words, rest = append(words, word), rest[len(word):]
	}
	return words, nil
}

// readJSON reads one object a line.
func (t *tableText) readJSON(text *bufio.Reader) error {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, longestLine)
	var objects []map[string]any
	var numbers []int
	names := make(map[string]bool)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.UseNumber()
		var object map[string]any
		if err := decoder.Decode(&object); err != nil || decoder.More() {
			return errors.Errorf("line %d is no JSON object: %.60q", n, line)
		}
		for name := range object {
			names[name] = true
		}
		if len(names) > mostColumns {
			return errors.Errorf("%d columns, want at most %d", len(names), mostColumns)
		}
		objects, numbers = append(objects, object), append(numbers, n)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if objects == nil {
		return errors.New("empty file, want a JSON object a line")
	}
	t.header = slices.Sorted(maps.Keys(names))
	for i, object := range objects {
		cells := make([]string, len(t.header))
		for j, name := range t.header {
			cells[j] = jsonCell(object[name])
		}
		t.add(cells, numbers[i])
	}
	return nil
}

// jsonCell is a value as a table has it; lists and objects are none.
func jsonCell(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		if numbers, all := jsonNumbers(nil, v); all && len(numbers) == 2*len(fivePoints{}) { // landmarks
			return strings.Join(numbers, " ")
		}
	}
	return ""
}

// jsonNumbers appends the numbers of a list, which may be of lists, and reports whether there is nothing else in it.
func jsonNumbers(to []string, list []any) (numbers []string, all bool) {
	for _, item := range list {
		switch v := item.(type) {
		case json.Number:
			to = append(to, v.String())
		case []any:
			if to, all = jsonNumbers(to, v); !all {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return to, true
}

// trimCell takes blanks of all kinds and marks without width off both ends, and quotes
// that a blank before them kept from being taken as such.
func trimCell(cell string) string {
	const marks = "\ufeff\u200b\u200c\u2060"
	trim := func(s string) string {
		for {
			t := strings.Trim(strings.TrimSpace(s), marks)
			if t == s {
				return t
			}
			s = t
		}
	}
	cell = trim(cell)
	if len(cell) >= 2 && cell[0] == '"' && cell[len(cell)-1] == '"' {
		cell = trim(cell[1 : len(cell)-1])
	}
	return cell
}
