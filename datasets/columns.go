package datasets

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/pkg/errors"
)

// column is what one column of a table can say. Its name is what a table should call it. If no column
// has that name, one of the names in usual is taken, and else one of those in weak, which may mean
// something else too.
type column struct {
	name        string
	usual, weak []string // as columnKey writes them
}

// The columns of a table besides its boxes.
var tableColumns = []column{
	{name: "path",
		usual: []string{"image", "file", "filename", "img", "imagepath", "imgpath", "filepath", "imagename", "imgname", "imagefile", "relativepath", "fname", "photo", "picture"},
		weak:  []string{"imageid", "imgid", "id"}},
	{name: "label",
		usual: []string{"class", "target", "classid", "labelid", "classname", "labelname", "identity", "personid", "itemid", "pid", "individualid", "predictionstring"},
		weak:  []string{"id", "category", "species"}},
	{name: "split", usual: []string{"set", "subset", "partition", "evaluationstatus"}},
	{name: "is_query"},
	{name: "is_gallery"},
	{name: "camera", usual: []string{"cam", "cameraid", "camid"}},
	{name: "sequence", usual: []string{"sequenceid", "seq", "tracklet"}},
	{name: "category", usual: []string{"supercategory", "superclass", "superclassid"}},
	{name: landmarksColumn, usual: []string{"landmark", "keypoints", "kps"}},
}

// boxColumns are the names under which boxes are written: two corners, or with sized a
// corner, width and height. needs, if it is there, asks for all four.
var boxColumns = []struct {
	names [4]string
	needs []string
	sized bool
}{
	{names: [4]string{"x0", "y0", "x1", "y1"}, needs: []string{"x0", "y0"}},
	{names: [4]string{"x1", "y1", "x2", "y2"}, needs: []string{"x2", "y2"}},
	{names: [4]string{"xmin", "ymin", "xmax", "ymax"}},
	{names: [4]string{"bboxx1", "bboxy1", "bboxx2", "bboxy2"}},
	{names: [4]string{"left", "top", "right", "bottom"}},
	{names: [4]string{"x", "y", "w", "h"}, sized: true},
	{names: [4]string{"x", "y", "width", "height"}, sized: true},
}

// columnKey is a column's name without what people write in many ways: case, blanks, lines
// and dots.
func columnKey(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// columnChoice is Options.Columns.
type columnChoice struct {
	header []string          // of a table that has none; nil otherwise
	called map[string]string // our name → the table's
	align  bool              // landmarks are looked for
}

// unusedColumn stands for a column that is not used.
const unusedColumn = "-"

func parseColumns(text string) (columnChoice, error) {
	var c columnChoice
	if strings.TrimSpace(text) == "" {
		return c, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		ours, theirs, renamed := strings.Cut(strings.TrimSpace(item), "=")
		ours, theirs = strings.TrimSpace(ours), strings.TrimSpace(theirs)
		if !renamed {
			c.header = append(c.header, ours)
			continue
		}
		if !slices.ContainsFunc(tableColumns, func(t column) bool { return t.name == ours }) || theirs == "" {
			return c, errors.Errorf("%q, want one of %s, = and the name in the header", item, strings.Join(columnNames(), ", "))
		}
		if c.called == nil {
			c.called = make(map[string]string)
		}
		if _, twice := c.called[ours]; twice {
			return c, errors.Errorf("%s is given twice", ours)
		}
		c.called[ours] = theirs
	}
	if c.header != nil && c.called != nil {
		return c, errors.Errorf("%q mixes the names of all columns in order, for a table without a header, with NAME=NAME for one that has a header", text)
	}
	if c.header == nil {
		return c, nil
	}
	for _, want := range []string{"path", "label"} {
		if f, err := newColumns(c.header, columnChoice{}, nil); err != nil || f.at[want] < 0 {
			if err == nil {
				err = errors.Errorf("no %s among %s", want, strings.Join(quoteAll(c.header), ", "))
			}
			return c, err
		}
	}
	return c, nil
}

// columnChoice is what o says about columns.
func (o Options) columnChoice() (columnChoice, error) {
	c, err := parseColumns(o.Columns)
	c.align = o.Align == AlignArcFace
	return c, err
}

func columnNames() []string {
	var names []string
	for _, c := range tableColumns {
		names = append(names, c.name)
	}
	return names
}

// columns says where in a row stands what.
type columns struct {
	at        map[string]int // name of tableColumns → index, -1 if there is none
	box       []int          // four indices, or nil
	landmarks []int          // one or ten indices, or nil
	sized     bool           // the box is a corner, width and height
	unused    []string
}

// cell returns the row's text in a column, or "" if there is no such column.
func (c *columns) cell(row []string, name string) string {
	if i, known := c.at[name]; known && i >= 0 && i < len(row) {
		return row[i]
	}
	return ""
}

// newColumns finds the columns of a header. Where two could be meant, the rows may show
// that it makes no difference; otherwise it asks back.
func newColumns(header []string, choice columnChoice, rows []tableRow) (*columns, error) {
	keys := make([]string, len(header))
	for i, name := range header {
		keys[i] = columnKey(name)
		if j := slices.Index(keys[:i], keys[i]); j >= 0 && keys[i] != "" {
			return nil, errors.Errorf("column %q stands twice in the header", header[i])
		}
	}
	c := &columns{at: make(map[string]int)}
	taken := make([]bool, len(header))
	for _, t := range tableColumns {
		if c.at[t.name] = -1; t.name == landmarksColumn && !choice.align {
			continue
		}
		i, err := t.find(header, keys, taken, choice, rows)
		if err != nil {
			return nil, err
		}
		c.at[t.name] = i
		if i >= 0 {
			taken[i] = true
		}
	}
	if err := c.findBox(keys, taken); err != nil {
		return nil, err
	}
	if choice.align {
		if err := c.findLandmarks(keys, taken); err != nil {
			return nil, err
		}
	}
	for i, name := range header {
		if !taken[i] && name != unusedColumn {
			c.unused = append(c.unused, printable(name))
		}
	}
	return c, nil
}

// find returns the index of a column, -1 if there is none.
func (t column) find(header, keys []string, taken []bool, choice columnChoice, rows []tableRow) (int, error) {
	if theirs, ok := choice.called[t.name]; ok {
		i := slices.IndexFunc(header, func(h string) bool { return strings.TrimSpace(h) == theirs })
		if i < 0 {
			i = slices.Index(keys, columnKey(theirs))
		}
		if i < 0 {
			return 0, errors.Errorf("no column %q, which is to be the %s: the header has %s", theirs, t.name, strings.Join(quoteAll(header), ", "))
		}
		return i, nil
	}
	named := func(i int) bool { // whoever named columns may mean this one for something else
		for _, theirs := range choice.called {
			if columnKey(theirs) == keys[i] {
				return true
			}
		}
		return false
	}
	for _, names := range [][]string{{columnKey(t.name)}, t.usual, t.weak} {
		var found []int
		for i, key := range keys {
			if !taken[i] && !named(i) && slices.Contains(names, key) {
				found = append(found, i)
			}
		}
		if len(found) == 1 || len(found) > 1 && oneToOne(rows, found) {
			return found[0], nil
		}
		if len(found) > 1 {
			return 0, t.ask(header, found)
		}
	}
	return -1, nil
}

// ask asks which of several columns is meant.
func (t column) ask(header []string, found []int) error {
	var names []string
	q := &Question{}
	for _, i := range found {
		names = append(names, strconv.Quote(header[i]))
		q.Answers = append(q.Answers, Answer{If: "it is " + printable(header[i]), Settings: []Setting{{"Columns", t.name + "=" + header[i]}}})
	}
	q.About = fmt.Sprintf("the columns %s could each be the %s", strings.Join(names, " and "), t.name)
	return q
}

// oneToOne reports whether columns part the rows alike, as a number and a name of the same
// class do.
func oneToOne(rows []tableRow, found []int) bool {
	if len(rows) == 0 {
		return false
	}
	for _, other := range found[1:] {
		there, back := make(map[string]string), make(map[string]string)
		for _, r := range rows {
			if max(found[0], other) >= len(r.cells) {
				return false
			}
			a, b := trimCell(r.cells[found[0]]), trimCell(r.cells[other])
			if x, ok := there[a]; ok && x != b {
				return false
			}
			if x, ok := back[b]; ok && x != a {
				return false
			}
			there[a], back[b] = b, a
		}
	}
	return true
}

// findBox finds the columns of boxes.
func (c *columns) findBox(keys []string, taken []bool) error {
	for _, b := range boxColumns {
		var at []int
		needed := false
		for _, name := range b.names {
			if i := slices.Index(keys, name); i >= 0 && !taken[i] {
				at = append(at, i)
				needed = needed || slices.Contains(b.needs, name)
			}
		}
		if len(at) == 4 {
			c.box, c.sized = at, b.sized
			for _, i := range at {
				taken[i] = true
			}
			return nil
		}
		if needed {
			return errors.Errorf("%d of the four columns %s: a box needs all", len(at), strings.Join(b.names[:], ", "))
		}
	}
	return nil
}

func quoteAll(names []string) []string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return quoted
}
