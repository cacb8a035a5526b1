package datasets

import (
	"fmt"
	"image"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
	"github.com/pkg/errors"
)

// table is a list of pictures in a source.
type table struct {
	*tableText
	columns *columns
	source  source
	name    string // of its file
	base    string // folder that its paths are relative to
	known   bool   // a list of a well-known data set, of whose columns nothing need be told
}

// readTable reads a file of a source.
func readTable(src source, name string, o Options) (*table, error) {
	f, err := openRegular(src, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	choice, err := o.columnChoice()
	if err != nil {
		return nil, err
	}
	text, err := parseText(f, name, choice.header)
	if err != nil {
		return nil, err
	}
	if err := text.takeSolutions(); err != nil {
		return nil, err
	}
	c, err := text.findColumns(choice)
	if err != nil {
		return nil, err
	}
	return &table{tableText: text, columns: c, source: src, name: name, base: path.Dir(name)}, nil
}

// findColumns finds the columns, or says what to do about a header that does not tell.
func (t *tableText) findColumns(choice columnChoice) (*columns, error) {
	c, err := newColumns(t.header, choice, t.rows)
	if err != nil {
		return nil, err
	}
	for _, want := range []string{"path", "label", "split"} {
		if c.at[want] >= 0 {
			continue
		}
		if want != "split" && choice.header == nil {
			if err := t.askForHeader(); err != nil {
				return nil, err
			}
		}
		for _, name := range c.unused {
			if isTypo(strings.ToLower(name), want) {
				return nil, &Question{
					About:   fmt.Sprintf("column %q is unknown; did you mean %q?", name, want),
					Answers: []Answer{{If: "so it is", Settings: []Setting{{"Columns", want + "=" + name}}}},
				}
			}
		}
		if want != "split" {
			return nil, t.askFor(want, c)
		}
	}
	if len(t.rows) == 0 {
		return nil, errors.New("no line below the header, want one a picture")
	}
	if t.promised > 0 && t.promised != len(t.rows) {
		return nil, errors.Errorf("the first line announces %d rows, and there are %d: is the file cut off?", t.promised, len(t.rows))
	}
	return c, nil
}

// askForHeader asks what the columns of a table are that begins with a picture; nil if it
// does not.
func (t *tableText) askForHeader() error {
	picture := slices.IndexFunc(t.header, hasPictureName)
	if picture < 0 {
		return nil
	}
	names := make([]string, len(t.header))
	other := -1
	for i := range names {
		names[i] = unusedColumn
		if i != picture && other < 0 {
			other = i
		}
	}
	names[picture] = "path"
	if other >= 0 {
		names[other] = "label"
	}
	return &Question{
		About:   fmt.Sprintf("the first line, %.80q, is a picture and names no columns", strings.Join(t.header, " ")),
		Answers: []Answer{{If: "these are the columns, in this order", Settings: []Setting{{"Columns", strings.Join(names, ",")}}}},
	}
}

// askFor asks where a column is that a table needs.
func (t *tableText) askFor(want string, c *columns) error {
	q := &Question{About: fmt.Sprintf("no column %q: the header has %s", want, strings.Join(quoteAll(t.header), ", "))}
	example := "NAME"
	if len(c.unused) > 0 && c.unused[0] != "" {
		example = c.unused[0]
	}
	q.Answers = []Answer{{If: "it is called otherwise, such as " + example, Settings: []Setting{{"Columns", want + "=" + example}}}}
	return q
}

// addTo puts the pictures into the parts that their rows name, or into title.
func (t *table) addTo(b *partsByTitle, title string) error {
	way := t.findWay()
	first := make(map[string]tableRow)
	for _, row := range t.rows {
		c, to, err := t.candidate(row.cells, title)
		if err != nil {
			return errors.WithMessagef(err, "line %d", row.line)
		}
		c.name = way.to(t, c.name)
		p, role := b.of(to)
		if role != QueryAndGallery {
			c.role = role
		}
		key := c.name
		if text := c.cutout.text(); text != "" {
			key += "\x00" + text
		}
		if other, twice := first[key]; twice {
			if label := trimCell(t.columns.cell(other.cells, "label")); label != c.class {
				return errors.Errorf("line %d: picture %q is %q here and %q on line %d; which is right?", row.line, printable(c.name), c.class, label, other.line)
			}
		} else {
			first[key] = row
		}
		p.candidates = append(p.candidates, c)
	}
	t.note(b.list()[0], way)
	return nil
}

// note tells what was understood that is not plain.
func (t *table) note(p *part, way tableWay) {
	note := func(what string, examples ...string) {
		p.notes = append(p.notes, Count{What: what, Count: len(examples), Examples: firstFew(examples)})
	}
	var unused []string
	for _, name := range t.columns.unused {
		if name == "" {
			name = "one without a name"
		}
		unused = append(unused, name)
	}
	if len(unused) > 0 && !t.known {
		note("column of the table not used", unused...)
	}
	var renamed []string
	for _, c := range tableColumns {
		if i := t.columns.at[c.name]; i >= 0 && slices.Contains(c.weak, columnKey(t.header[i])) {
			renamed = append(renamed, printable(t.header[i])+" as "+c.name)
		}
	}
	if len(renamed) > 0 && !t.known {
		note("column taken as another", renamed...)
	}
	if t.encoding != "" {
		note("table in "+t.encoding, show(t.source, t.name))
	}
	if (way.prefix != "" || way.ending != "") && !t.known {
		note("paths of the table are completed", "NAME to "+path.Join(way.prefix, "NAME")+way.ending)
	}
	if way.slashed != nil && len(*way.slashed) > 0 {
		note(`path written with \ in place of /`, *way.slashed...)
	}
}

// candidate reads a row.
func (t *table) candidate(row []string, title string) (c candidate, part string, err error) {
	cell := func(name string) string { return trimCell(t.columns.cell(row, name)) }
	c = candidate{name: cell("path"), class: cell("label"), camera: cell("camera"), sequence: cell("sequence"), category: cell("category")}
	if c.name == "" || strings.ContainsRune(c.name, 0) {
		return c, "", errors.Errorf("path %q names no file", c.name)
	}
	if c.class == "" {
		return c, "", errors.Errorf("picture %q has no label", c.name)
	}
	if word := strings.ToLower(cell("split")); word != "" {
		if title = partNames[word]; title == "" {
			return c, "", errors.Errorf("split %q is unknown, want train, val, test, query or gallery", word)
		}
	}
	if title != "train" {
		if c.role, err = t.role(cell("is_query"), cell("is_gallery")); err != nil {
			return c, "", errors.WithMessagef(err, "picture %q", c.name)
		}
	}
	c.cutout, err = t.cutout(row)
	return c, title, err
}

// role reads is_query and is_gallery.
func (t *table) role(query, gallery string) (Role, error) {
	if query == "" && gallery == "" {
		return QueryAndGallery, nil
	}
	q, err := parseBool("is_query", query)
	if err != nil {
		return 0, err
	}
	g, err := parseBool("is_gallery", gallery)
	if err != nil {
		return 0, err
	}
	if t.columns.at["is_query"] < 0 {
		q = !g
	}
	if t.columns.at["is_gallery"] < 0 {
		g = !q
	}
	switch {
	case q && g:
		return QueryAndGallery, nil
	case q:
		return Query, nil
	case g:
		return Gallery, nil
	}
	return 0, errors.New("is neither query nor gallery: give it another split, or one of the two")
}

// parseBool reads yes or no as programs write them; nothing is no.
func parseBool(column, text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "t", "yes", "y", "1", "1.0":
		return true, nil
	case "", "false", "f", "no", "n", "0", "0.0", "nan", "none", "null":
		return false, nil
	}
	return false, errors.Errorf("%s is %q, want true or false", column, text)
}

// cutout is what the row says is taken of its picture.
func (t *table) cutout(row []string) (c cutout, err error) {
	if c.box, err = t.box(row); err == nil {
		c.landmarks, err = t.landmarksOf(row)
	}
	return c, err
}

// box returns the row's box, nil if it has none.
func (t *table) box(row []string) (*image.Rectangle, error) {
	if t.columns.box == nil {
		return nil, nil
	}
	var corner [4]float64
	var names []string
	empty := 0
	for i, at := range t.columns.box {
		names = append(names, t.header[at])
		text := ""
		if at < len(row) {
			text = trimCell(row[at])
		}
		if text == "" || strings.EqualFold(text, "nan") {
			empty++
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(v) > 1<<30 || math.IsNaN(v) {
			return nil, errors.Errorf("%s is %q, want a number of pixels", t.header[at], text)
		}
		corner[i] = v
	}
	if empty == 4 {
		return nil, nil
	}
	if empty > 0 {
		return nil, errors.Errorf("box with empty cells: fill in %s, or none", strings.Join(names, ", "))
	}
	if t.columns.sized {
		corner[2] += corner[0]
		corner[3] += corner[1]
	}
	at := func(i int) int { return int(math.Round(corner[i])) }
	r := image.Rectangle{Min: image.Pt(at(0), at(1)), Max: image.Pt(at(2), at(3))}
	if r.Min.X >= r.Max.X || r.Min.Y >= r.Max.Y {
		return nil, errors.Errorf("box [%d %d %d %d] is empty, want %s < %s and %s < %s", r.Min.X, r.Min.Y, r.Max.X, r.Max.Y, names[0], names[2], names[1], names[3])
	}
	return &r, nil
}

// tableWay is how the paths of a table lead to files.
type tableWay struct {
	prefix, ending string    // put before and behind them
	slashed        *[]string // paths whose \ were taken as /
}

// to returns the file of a path.
func (w tableWay) to(t *table, name string) string {
	full := func(name string) string {
		if filepath.IsAbs(name) {
			return name + w.ending
		}
		return path.Join(t.base, w.prefix, name) + w.ending
	}
	if strings.Contains(name, `\`) {
		if _, err := t.source.stat(full(name)); err != nil {
			forward := full(strings.ReplaceAll(name, `\`, "/"))
			if _, err := t.source.stat(forward); err == nil {
				*w.slashed = append(*w.slashed, printable(name))
				return forward
			}
		}
	}
	return full(name)
}

// findWay looks where some of the pictures are: where the paths say, or in a folder beside
// the table that is named as tables and folders of pictures are, or under a name with an
// ending.
func (t *table) findWay() tableWay {
	plain := tableWay{slashed: new([]string)}
	const looked = 16
	var names []string
	stride := max(1, len(t.rows)/looked)
	for i := 0; i < len(t.rows); i += stride {
		names = append(names, trimCell(t.columns.cell(t.rows[i].cells, "path")))
	}
	hits := func(w tableWay) (n int) {
		for _, name := range names {
			if name == "" || strings.ContainsRune(name, 0) {
				continue
			}
			try := w
			try.slashed = new([]string)
			if info, err := t.source.stat(try.to(t, name)); err == nil && info.Mode().IsRegular() {
				n++
			}
		}
		return n
	}
	if hits(plain) > 0 {
		return plain
	}
	best, most := plain, 0
	for _, prefix := range t.prefixes() {
		for _, ending := range []string{"", ".jpg", ".png", ".jpeg", ".JPEG", ".JPG", ".tif", ".bmp", ".webp"} {
			if prefix == "" && ending == "" {
				continue
			}
			w := tableWay{prefix: prefix, ending: ending, slashed: plain.slashed}
			if n := hits(w); n > most {
				best, most = w, n
			}
		}
		if most == len(names) {
			break
		}
	}
	return best
}

// prefixes are folders that may hold a table's pictures.
func (t *table) prefixes() []string {
	stem := strings.TrimSuffix(path.Base(t.name), path.Ext(t.name))
	list := []string{"", stem}
	const most = 64
	entries, err := t.source.readDir(t.base)
	if err != nil {
		return list
	}
	for _, e := range entries {
		if e.IsDir() && ignoreReason(e.Name()) == "" && e.Name() != stem && len(list) < most {
			list = append(list, e.Name())
		}
	}
	return list
}

// isTypo tells whether name is want but for one or two characters.
func isTypo(name, want string) bool {
	// Two characters more are at most eight bytes: a longer name needs no comparison.
	return len(name) <= len(want)+2*utf8.UTFMax && levenshtein.ComputeDistance(name, want) <= 2
}
