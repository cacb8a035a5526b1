package datasets

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// tablesBeside are the tables that lie in a folder of pictures.
type tablesBeside struct {
	use   []*table // that say more than the folders do
	equal []string // that list the pictures but say what the folders say too
	err   error    // what is wrong with the only one; nil if there are several, or one is used
}

// tableNames are the endings of tables that are looked for.
var tableNames = []string{".csv", ".tsv", ".jsonl", ".ndjson"}

// largestBeside bounds a table that nobody asked to read, in bytes.
const largestBeside = 256 << 20

// tables looks for tables, once.
func (d *directory) tables() *tablesBeside {
	if d.found != nil {
		return d.found
	}
	d.found = &tablesBeside{}
	const most = 32
	var wrong []error
	for _, name := range d.files {
		lower := strings.ToLower(name)
		if !slices.Contains(tableNames, path.Ext(lower)) || strings.Contains(lower, "submission") || len(d.found.use) == most {
			continue
		}
		if info, err := d.source.stat(d.at(name)); err != nil || info.Size() > largestBeside {
			d.found.equal = append(d.found.equal, show(d.source, d.at(name)))
			continue
		}
		t, err := readTable(d.source, d.at(name), d.options)
		if err != nil {
			wrong = append(wrong, errors.WithMessagef(err, "table %s", printable(name)))
			continue
		}
		switch there, more := t.against(); {
		case !there: // a table of something else
		case more:
			d.found.use = append(d.found.use, t)
		default:
			d.found.equal = append(d.found.equal, show(d.source, d.at(name)))
		}
	}
	if len(wrong) == 1 && d.found.use == nil {
		d.found.err = wrong[0]
	}
	return d.found
}

// against compares a table with the folders around the pictures: whether some of its
// pictures are there, and whether it says more than the folders do.
func (t *table) against() (there, more bool) {
	way := t.findWay()
	labelOf := make(map[string]string) // folder → label
	for i, row := range t.rows {
		name := way.to(t, trimCell(t.columns.cell(row.cells, "path")))
		if !there && i%max(1, len(t.rows)/64) == 0 {
			if _, err := t.source.stat(name); err == nil {
				there = true
			}
		}
		dir, label := path.Dir(name), trimCell(t.columns.cell(row.cells, "label"))
		if other, ok := labelOf[dir]; ok && other != label {
			more = true
		}
		labelOf[dir] = label
	}
	for _, name := range []string{"split", "is_query", "is_gallery"} {
		more = more || t.columns.at[name] >= 0
	}
	return there, more || t.columns.box != nil || t.columns.landmarks != nil
}

// hasTable reports whether a table lies in the folder that says more than its folders do.
func hasTable(d *directory) bool { return len(d.tables().use) > 0 }

// readTableBeside reads it; of several, each must be named as a part.
func readTableBeside(d *directory) (*offer, error) {
	b := newPartsByTitle()
	if err := b.addTable(d, "train"); err != nil {
		return nil, err
	}
	var names []string
	for _, t := range d.tables().use {
		names = append(names, path.Base(t.name))
	}
	return &offer{kind: "folder", table: true, layout: "table " + printable(strings.Join(names, ", ")), parts: b.list()}, nil
}

// addTable adds the pictures of a folder's tables; title is the part of those that name
// none.
func (b *partsByTitle) addTable(d *directory, title string) error {
	use := d.tables().use
	if len(use) > 1 {
		use = preferMetadata(use)
	}
	seen := make(map[string]bool)
	for _, t := range use {
		own := title
		if len(use) > 1 {
			stem := strings.ToLower(strings.TrimSuffix(path.Base(t.name), path.Ext(t.name)))
			if own = partNames[stem]; own == "" || seen[own] {
				return askWhichTable(use)
			}
			seen[own] = true
		}
		if err := t.addTo(b, own); err != nil {
			return errors.WithMessagef(err, "table %s", printable(path.Base(t.name)))
		}
	}
	return nil
}

// preferMetadata takes metadata.csv or metadata.jsonl, as Hugging Face names it, alone.
func preferMetadata(use []*table) []*table {
	for _, t := range use {
		if strings.HasPrefix(strings.ToLower(path.Base(t.name)), "metadata.") {
			return []*table{t}
		}
	}
	return use
}

func askWhichTable(use []*table) error {
	q := &Question{}
	var names []string
	for _, t := range use {
		names = append(names, printable(path.Base(t.name)))
		q.Answers = append(q.Answers, Answer{If: path.Base(t.name) + " is meant", Settings: []Setting{{"Path", show(t.source, t.name)}}})
	}
	q.About = fmt.Sprintf("the tables %s all list these pictures", strings.Join(names, ", "))
	return q
}

// noteTables tells of tables that were passed over.
func (d *directory) noteTables(of *offer) {
	if d.found == nil || len(of.parts) == 0 {
		return
	}
	if n := len(d.found.equal); n > 0 {
		p := of.parts[0]
		p.notes = append(p.notes, Count{What: "table beside the folders that was not read", Count: n, Examples: firstFew(d.found.equal)})
	}
}
