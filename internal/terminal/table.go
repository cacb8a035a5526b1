package terminal

import (
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"medusa/internal/plain"
)

// Table is rows of cells under a header. It is never wider than the screen: cells of the
// columns in Names are cut in the middle for that, if that is not enough rows become columns, and
// if that is not either each cell has a line.
type Table struct {
	Header []string
	Rows   [][]string
	Right  []int // columns, from 0, whose cells end at one edge: numbers
	Names  []int // columns, from 0, whose cells may be cut
}

// leastName is how many columns a cell that is cut keeps.
const leastName = 8

// Table writes t.
func (s *Screen) Table(t Table) {
	if s.ascii {
		t = t.mapped(func(cell string) string { return plain.ASCII(plain.Text(cell)) })
	}
	s.write(t.render(s.Width()))
}

// mapped is t with other texts in its cells.
func (t Table) mapped(text func(string) string) Table {
	row := func(cells []string) []string {
		out := make([]string, len(cells))
		for i, cell := range cells {
			out[i] = text(cell)
		}
		return out
	}
	rows := t.Rows
	t.Header, t.Rows = row(t.Header), nil
	for _, cells := range rows {
		t.Rows = append(t.Rows, row(cells))
	}
	return t
}

// render is the table in at most room columns, as far as its other cells allow.
func (t Table) render(room int) string {
	switch {
	case t.fits(room):
	case t.turned().fits(room):
		t = t.turned()
	default:
		return t.stacked(room)
	}
	cells := t.cells()
	t.shrink(cells, room)
	w := table.NewWriter()
	style := table.StyleLight
	style.Options.DrawBorder, style.Options.SeparateColumns = false, false
	style.Format.Header = text.FormatDefault // as written
	w.SetStyle(style)
	w.SuppressTrailingSpaces()
	var configs []table.ColumnConfig
	for _, c := range t.Right {
		configs = append(configs, table.ColumnConfig{Number: c + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(rowOf(cells[0]))
	for _, row := range cells[1:] {
		w.AppendRow(rowOf(row))
	}
	return strings.TrimRight(w.Render(), "\n")
}

// cells is a copy of the header and the rows, fit to be shown.
func (t Table) cells() [][]string {
	t = t.mapped(plain.Text)
	return append([][]string{t.Header}, t.Rows...)
}

// turned has a row for each column of t: for a few rows of many columns.
func (t Table) turned() Table {
	var out Table
	for k := range t.Header {
		row := make([]string, 0, 1+len(t.Rows))
		row = append(row, t.Header[k])
		for _, r := range t.Rows {
			cell := ""
			if k < len(r) {
				cell = r[k]
			}
			row = append(row, cell)
		}
		out.Rows = append(out.Rows, row)
	}
	out.Header, out.Rows = out.Rows[0], out.Rows[1:]
	if len(t.Names) > 0 {
		for k := range t.Rows {
			out.Names = append(out.Names, k+1)
		}
	}
	return out
}

// stacked has a line for each cell, below a line for each row: for terminals that hold neither
// the columns nor the rows.
func (t Table) stacked(room int) string {
	cells := t.cells()
	var out []string
	for _, row := range cells[1:] {
		for k := range min(len(row), len(cells[0])) {
			if k == 0 {
				out = append(out, wrapLine(strings.TrimSpace(cells[0][0]+" "+row[0]), room, nil)...)
			}
			if k == 0 || row[k] == "" {
				continue
			}
			line := "  " + cells[0][k] + "  " + row[k]
			if slices.Contains(t.Names, k) {
				line = "  " + cells[0][k] + "  " + Middle(row[k], max(room-width(cells[0][k])-4, leastName))
			}
			out = append(out, wrapLine(line, room, nil)...)
		}
	}
	return strings.Join(out, "\n")
}

// fits reports whether all columns can be cut to room.
func (t Table) fits(room int) bool { return t.shrink(t.cells(), room) }

func rowOf(cells []string) table.Row {
	row := make(table.Row, len(cells))
	for i, c := range cells {
		row[i] = c
	}
	return row
}

// shrink cuts cells of the widest column of Names until all columns fit: headers only where
// it does not help to cut what is below them. It is false if they do not fit all the same.
func (t Table) shrink(cells [][]string, room int) bool {
	widths := make([]int, len(t.Header))
	total := 0
	for k := range widths {
		for _, row := range cells {
			if k < len(row) {
				widths[k] = max(widths[k], width(row[k]))
			}
		}
		total += widths[k] + 2 // and a blank on either side
	}
	for _, wholeHeader := range []bool{true, false} {
		for total > room {
			widest := -1
			for _, k := range t.Names {
				least := leastName
				if wholeHeader {
					least = max(least, width(cells[0][k]))
				}
				if widths[k] > least && (widest < 0 || widths[k] > widths[widest]) {
					widest = k
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
			total--
		}
	}
	for _, row := range cells {
		for k := range row {
			if slices.Contains(t.Names, k) {
				row[k] = Middle(row[k], widths[k])
			}
		}
	}
	return total <= room
}
