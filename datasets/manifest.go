package datasets

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"image"
	"io"
	"io/fs"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// OpenManifest reads the pictures that a CSV file lists. Its first line names the
// columns, in any order and case:
//
//	path   the picture, relative to the CSV file's folder, or absolute
//	label  the name of its class
//	split  optional: train, val or test, empty meaning train
//	x0, y0, x1, y1  optional: the part of the picture that counts, in pixels of the
//	       upright picture; the corner (x1, y1) lies outside; four empty cells mean the whole
//
// Commas, semicolons or tabs separate. Further columns are named in Summary and not
// used. A row that makes no sense is an error with its line; a picture that cannot be
// read is left out and told, as OpenFolder does.
func OpenManifest(file string, o Options) (Split, error) {
	f, err := fileread.Open(file)
	if err != nil {
		return Split{}, errors.Wrap(err, "datasets: manifest")
	}
	defer f.Close()
	return openManifest(diskSource{filepath.Dir(file)}, f, ".", printable(file), o)
}

// OpenManifestFS is OpenManifest for a file of a file system.
func OpenManifestFS(fsys fs.FS, name string, o Options) (Split, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return Split{}, errors.Wrap(err, "datasets: manifest")
	}
	defer f.Close()
	return openManifest(fsSource{fsys}, f, path.Dir(name), printable(name), o)
}

func openManifest(src source, r io.Reader, dir, origin string, o Options) (Split, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Split{}, err
	}
	parts, err := parseManifest(r)
	if err != nil {
		return Split{}, errors.WithMessagef(err, "datasets: manifest %s", origin)
	}
	for _, p := range parts {
		for i := range p.candidates {
			if c := &p.candidates[i]; !filepath.IsAbs(c.name) {
				c.name = path.Join(dir, c.name)
			}
		}
	}
	return openParts(src, o, origin, "manifest", parts)
}

// manifest is the state of parsing one.
type manifest struct {
	columns map[string]int
	parts   map[string]*part
}

// parseManifest returns the parts that a manifest lists, in the order train, val, test.
func parseManifest(r io.Reader) ([]*part, error) {
	buffered := bufio.NewReader(r)
	if mark, _ := buffered.Peek(3); bytes.Equal(mark, []byte("\xef\xbb\xbf")) {
		buffered.Discard(3) // as spreadsheets write it
	}
	reader := csv.NewReader(buffered)
	reader.Comma = separator(buffered)
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("empty file, want a line with the columns path and label")
	}
	if err != nil {
		return nil, err
	}
	m := manifest{parts: make(map[string]*part)}
	unused, err := m.readHeader(header)
	if err != nil {
		return nil, err
	}
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err // it names the line
		}
		if err := m.readRow(row); err != nil {
			line, _ := reader.FieldPos(0)
			return nil, errors.WithMessagef(err, "line %d", line)
		}
	}
	var parts []*part
	for _, title := range []string{"train", "val", "test"} {
		if p := m.parts[title]; p != nil {
			parts = append(parts, p)
		}
	}
	if parts == nil {
		return nil, errors.New("no line below the header, want one a picture")
	}
	noteColumns(parts[0], unused)
	return parts, nil
}

func noteColumns(p *part, unused []string) {
	if len(unused) > 0 {
		p.notes = append(p.notes, Count{What: "column of the manifest not used", Count: len(unused), Examples: firstFew(unused)})
	}
}

// separator is what occurs most often in the first line.
func separator(r *bufio.Reader) rune {
	head, _ := r.Peek(4096)
	head, _, _ = bytes.Cut(head, []byte("\n"))
	best := ','
	for _, s := range []rune{';', '\t'} {
		if bytes.Count(head, []byte(string(s))) > bytes.Count(head, []byte(string(best))) {
			best = s
		}
	}
	return best
}

var manifestColumns = []string{"path", "label", "split", "x0", "y0", "x1", "y1"}

// readHeader finds the columns and returns the names of those that are not used. A
// name that looks like a misspelt one of ours is refused.
func (m *manifest) readHeader(header []string) (unused []string, err error) {
	m.columns = make(map[string]int)
	for i, name := range header {
		key := strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(manifestColumns, key) {
			unused = append(unused, printable(name))
			continue
		}
		if _, twice := m.columns[key]; twice {
			return nil, errors.Errorf("column %q stands twice in the header", key)
		}
		m.columns[key] = i
	}
	for _, want := range manifestColumns {
		if _, ok := m.columns[want]; ok {
			continue
		}
		for _, name := range unused {
			if len(want) > 2 && slip(strings.ToLower(name), want) {
				return nil, errors.Errorf("column %q is unknown; did you mean %q?", name, want)
			}
		}
		if want == "path" || want == "label" {
			return nil, errors.Errorf("no column %q: the header has %s; rename the one that is meant", want, strings.Join(quoteAll(header), ", "))
		}
	}
	corners := 0
	for _, name := range manifestColumns[3:] {
		if _, ok := m.columns[name]; ok {
			corners++
		}
	}
	if corners != 0 && corners != 4 {
		return nil, errors.Errorf("%d of the four columns x0, y0, x1, y1: a box needs all", corners)
	}
	return unused, nil
}

func quoteAll(names []string) []string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return quoted
}

// cell returns the row's text in a column, or "" if there is no such column.
func (m *manifest) cell(row []string, column string) string {
	i, ok := m.columns[column]
	if !ok {
		return ""
	}
	return row[i]
}

func (m *manifest) readRow(row []string) error {
	c := candidate{name: m.cell(row, "path"), class: m.cell(row, "label")}
	if c.name == "" || strings.ContainsRune(c.name, 0) {
		return errors.Errorf("path %q names no file", c.name)
	}
	if strings.TrimSpace(c.class) == "" {
		return errors.Errorf("picture %q has no label", c.name)
	}
	word := strings.ToLower(strings.TrimSpace(m.cell(row, "split")))
	title := "train"
	if word != "" {
		if title = partNames[word]; title == "" {
			return errors.Errorf("split %q is unknown, want train, val or test", word)
		}
	}
	box, err := m.box(row)
	if err != nil {
		return err
	}
	c.box = box
	if m.parts[title] == nil {
		m.parts[title] = &part{title: title}
	}
	m.parts[title].candidates = append(m.parts[title].candidates, c)
	return nil
}

// box returns the row's box, nil if it has none.
func (m *manifest) box(row []string) (*image.Rectangle, error) {
	var corner [4]int
	empty := 0
	for i, name := range manifestColumns[3:] {
		text := strings.TrimSpace(m.cell(row, name))
		if text == "" {
			empty++
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(v) > 1<<30 || math.IsNaN(v) {
			return nil, errors.Errorf("%s is %q, want a number of pixels", name, text)
		}
		corner[i] = int(math.Round(v))
	}
	if empty == 4 {
		return nil, nil
	}
	if empty > 0 {
		return nil, errors.New("box with empty cells: fill in x0, y0, x1 and y1, or none")
	}
	if corner[0] >= corner[2] || corner[1] >= corner[3] {
		return nil, errors.Errorf("box %s is empty, want x0 < x1 and y0 < y1", fmt.Sprint(corner))
	}
	r := image.Rect(corner[0], corner[1], corner[2], corner[3])
	return &r, nil
}

// slip tells whether name is want but for one or two characters.
func slip(name, want string) bool {
	// Two characters more are at most eight bytes: a longer name needs no comparison.
	return len(name) <= len(want)+2*utf8.UTFMax && levenshtein.ComputeDistance(name, want) <= 2
}
