package datasets

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// rowReader reads a table or a list row by row.
type rowReader struct {
	header  []string
	columns *columns
	early   []tableRow               // rows that were read to find the columns
	read    func() (tableRow, error) // what follows
}

// next is the next row. At the end the error is io.EOF.
func (r *rowReader) next() (tableRow, error) {
	if len(r.early) > 0 {
		row := r.early[0]
		r.early = r.early[1:]
		return row, nil
	}
	return r.read()
}

// lookedRows is how many rows are looked at to find the columns, and where the pictures are.
const lookedRows = 16

// list hands on the pictures of a table or a list, as their rows are read.
func (l *lister) list(r *bufio.Reader, name string, base diskSource) {
	fail := func(err error) { l.fail(errors.WithMessagef(err, "datasets: table %s", printable(name))) }
	rows, err := openRows(r, name, l.options)
	if err != nil {
		fail(err)
		return
	}
	t := &table{tableText: &tableText{header: rows.header, rows: slices.Clone(rows.early)}, columns: rows.columns, source: base, name: filepath.Base(name), base: "."}
	way := t.findWay()
	if base.root != "" && !t.leads(way) {
		here := *t
		here.source = diskSource{}
		if w := (tableWay{slashed: new([]string)}); here.leads(w) {
			t, way = &here, w
		}
	}
	t.rows = nil
	for !l.stopped {
		row, err := rows.next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fail(err)
			return
		}
		c, err := t.picture(row.cells)
		if err != nil {
			fail(errors.WithMessagef(err, "line %d", row.line))
			return
		}
		c.name, c.from = way.to(t, c.name), t.source
		l.give(streamed{candidate: c, named: true}, nil)
	}
}

// leads reports whether a way leads to a file from one of the rows.
func (t *table) leads(w tableWay) bool {
	return slices.ContainsFunc(t.rows, func(row tableRow) bool {
		_, err := t.source.stat(w.to(t, trimCell(t.columns.cell(row.cells, "path"))))
		return err == nil
	})
}

// picture is candidate of a row that need not say a class.
func (t *table) picture(row []string) (c candidate, err error) {
	cell := func(name string) string { return trimCell(t.columns.cell(row, name)) }
	c = candidate{name: cell("path"), class: cell("label"), camera: cell("camera"), sequence: cell("sequence"), category: cell("category")}
	c.noClass = c.class == ""
	if c.name == "" || strings.ContainsRune(c.name, 0) {
		return c, errors.Errorf("path %q names no file", c.name)
	}
	c.cutout, err = t.cutout(row)
	return c, err
}

// openRows finds out how a table or list is written.
func openRows(r io.Reader, name string, o Options) (*rowReader, error) {
	choice, err := o.columnChoice()
	if err != nil {
		return nil, err
	}
	text, _, err := decodeText(r)
	if err != nil {
		return nil, err
	}
	rows := &rowReader{}
	head, _ := text.Peek(headBytes)
	if ext := strings.ToLower(filepath.Ext(name)); ext == ".jsonl" || ext == ".ndjson" || bytes.HasPrefix(bytes.TrimSpace(head), []byte("{")) {
		rows.readObjects(text)
		if err := rows.lookAhead(); err != nil {
			return nil, err
		}
		return rows, rows.find(choice)
	}
	before, separator, err := (&tableText{}).readPreamble(text)
	if err != nil {
		return nil, err
	}
	if separator == 0 {
		separator = separatorOf(text)
	}
	head, _ = text.Peek(headBytes)
	line, _, _ := strings.Cut(string(head), "\n")
	line = strings.TrimRight(line, "\r")
	cells := cellsOf(line, separator)
	switch {
	case choice.header != nil:
		rows.header = choice.header
		choice = columnChoice{align: choice.align}
	case separator == blanks && isLandmarkHeader(cells):
		rows.header = append([]string{"path"}, cells...)
		if _, err := text.ReadString('\n'); err != nil {
			return nil, errors.New("no line below the header, want one a picture")
		}
		before++
	case choice.called != nil, pathColumn(cells):
		rows.header = nil // the first row is it
	case isHeaderless(cells, line):
		return nil, (&tableText{header: cells}).askForHeader()
	default:
		rows.header, rows.columns = []string{"path"}, &columns{at: map[string]int{"path": 0, "label": -1}}
		rows.readLines(text, before)
		return rows, rows.lookAhead()
	}
	if separator == blanks {
		rows.readWords(text, before)
	} else if err := rows.readCells(text, separator, before); err != nil {
		return nil, err
	}
	if rows.header == nil {
		first, err := rows.read()
		if err != nil {
			return nil, err
		}
		rows.header = first.cells
		for i := range rows.header {
			rows.header[i] = trimCell(rows.header[i])
		}
	}
	if err := rows.lookAhead(); err != nil {
		return nil, err
	}
	return rows, rows.find(choice)
}

// lookAhead reads the first rows.
func (r *rowReader) lookAhead() error {
	for len(r.early) < lookedRows {
		row, err := r.read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		r.early = append(r.early, row)
	}
	return nil
}

// find finds the columns.
func (r *rowReader) find(choice columnChoice) (err error) {
	if r.columns, err = newColumns(r.header, choice, r.early); err != nil {
		return err
	}
	if r.columns.at["path"] < 0 {
		return (&tableText{header: r.header}).askFor("path", r.columns)
	}
	return nil
}

// pathColumn reports whether one of the cells of a header is called as paths are.
func pathColumn(cells []string) bool {
	return slices.ContainsFunc(cells, func(cell string) bool { return isPathName(columnKey(cell)) }) && !slices.ContainsFunc(cells, hasPictureName)
}

// isHeaderless reports whether the first line is a row of several cells, and no path with commas in it.
func isHeaderless(cells []string, line string) bool {
	if len(cells) < 2 || hasPictureName(line) || !slices.ContainsFunc(cells, hasPictureName) {
		return false
	}
	_, err := os.Stat(line)
	return err != nil
}

// cellsOf cuts a line.
func cellsOf(line string, separator rune) []string {
	var cells []string
	var err error
	if separator == blanks {
		cells, err = splitBlanks(line)
	} else {
		r := csv.NewReader(strings.NewReader(line))
		r.Comma, r.TrimLeadingSpace = separator, separator != '\t'
		cells, err = r.Read()
	}
	if err != nil {
		return []string{line}
	}
	return cells
}

// scanned reads lines that are not empty; before were read already.
func (r *rowReader) scanned(text io.Reader, before int, cells func(line string, number int) ([]string, error)) {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, longestLine)
	n := before
	r.read = func() (tableRow, error) {
		for lines.Scan() {
			n++
			if line := strings.TrimRight(lines.Text(), "\r"); strings.TrimSpace(line) != "" {
				row, err := cells(line, n)
				return tableRow{row, n}, err
			}
		}
		if err := lines.Err(); err != nil {
			return tableRow{}, errors.Wrapf(err, "line %d", n+1)
		}
		return tableRow{}, io.EOF
	}
}

// readLines reads lines that are paths.
func (r *rowReader) readLines(text io.Reader, before int) {
	r.scanned(text, before, func(line string, _ int) ([]string, error) { return []string{line}, nil })
}

// readWords reads words between blanks.
func (r *rowReader) readWords(text io.Reader, before int) {
	r.scanned(text, before, func(line string, n int) ([]string, error) {
		words, err := splitBlanks(line)
		if err == nil && r.header != nil && len(words) != len(r.header) {
			err = errors.Errorf("%d words between blanks, want %d: is there a blank in a name? Put it in quotes, or separate by commas", len(words), len(r.header))
		}
		return words, errors.WithMessagef(err, "line %d", n)
	})
}

// readCells reads cells between separators.
func (r *rowReader) readCells(text io.Reader, separator rune, before int) error {
	if separator == '"' || separator == '\r' || separator == '\n' || separator == '\uFFFD' {
		return errors.Errorf("%q cannot separate columns", separator)
	}
	reader := csv.NewReader(text)
	reader.Comma, reader.TrimLeadingSpace = separator, separator != '\t' // with tabs that would swallow empty cells
	reader.FieldsPerRecord = len(r.header)
	r.read = func() (tableRow, error) {
		cells, err := reader.Read()
		var parse *csv.ParseError
		switch {
		case errors.As(err, &parse):
			parse.Line += before
			parse.StartLine += before
			return tableRow{}, parse
		case err != nil:
			return tableRow{}, err
		case len(cells) > mostColumns:
			return tableRow{}, errors.Errorf("%d columns, want at most %d", len(cells), mostColumns)
		}
		line, _ := reader.FieldPos(0)
		return tableRow{cells, line + before}, nil
	}
	return nil
}

// readObjects reads a JSON object a line; the first says which columns there are.
func (r *rowReader) readObjects(text io.Reader) {
	r.scanned(text, 0, func(line string, n int) ([]string, error) {
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		var object map[string]any
		if err := decoder.Decode(&object); err != nil || decoder.More() || len(object) > mostColumns {
			return nil, errors.Errorf("line %d is no JSON object: %.60q", n, line)
		}
		if r.header == nil {
			r.header = slices.Sorted(maps.Keys(object))
		}
		cells := make([]string, len(r.header))
		for i, name := range r.header {
			cells[i] = jsonCell(object[name])
		}
		return cells, nil
	})
}
