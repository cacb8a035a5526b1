package embeddings

import (
	"bufio"
	"encoding/csv"
	"io"
	"strconv"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// column is a column of a table that is no number of the embedding.
type column struct {
	name string
	of   func(*Item) *string
}

var columns = []column{
	{"id", func(i *Item) *string { return &i.ID }},
	{"path", func(i *Item) *string { return &i.Path }},
	{"label", func(i *Item) *string { return &i.Label }},
}

// columnsOf are the columns that a file has.
func (c *content) columnsOf() (out []column) {
	there := map[string]bool{"id": c.ided > 0, "path": true, "label": c.labelled > 0}
	for _, col := range columns {
		if there[col.name] {
			out = append(out, col)
		}
	}
	return out
}

func writeCSV(w io.Writer, c *content) error {
	out := csv.NewWriter(bufio.NewWriterSize(w, 1<<18))
	cols := c.columnsOf()
	row := make([]string, len(cols)+c.Dim)
	for i, col := range cols {
		row[i] = col.name
	}
	for i := range c.Dim {
		row[len(cols)+i] = "e" + strconv.Itoa(i)
	}
	if err := out.Write(row); err != nil {
		return err
	}
	var values []float32
	err := c.each(func(items []Item, vectors []byte) error {
		values = floatsOf(vectors, values)
		for n := range items {
			for i, col := range cols {
				row[i] = *col.of(&items[n])
			}
			for i, v := range values[n*c.Dim : (n+1)*c.Dim] {
				row[len(cols)+i] = strconv.FormatFloat(float64(v), 'g', -1, 32)
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
		return nil
	})
	if out.Flush(); err == nil {
		err = out.Error()
	}
	return err
}

func readCSV(path string) (*Set, error) {
	file, err := fileread.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseCSV(bufio.NewReaderSize(file, 1<<18))
}

func parseCSV(r io.Reader) (*Set, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty, want a line that names the columns")
	}
	if err != nil {
		return nil, err
	}
	s := &Set{}
	var named []func(*Item) *string // of each column; nil of a number
	for _, name := range header {
		named = append(named, nil)
		for _, col := range columns {
			if col.name == name {
				named[len(named)-1] = col.of
			}
		}
		if named[len(named)-1] == nil {
			if name != "e"+strconv.Itoa(s.Dim) {
				return nil, errors.Errorf("column %.40q, want id, path, label or e%d", name, s.Dim)
			}
			s.Dim++
		}
	}
	if s.Dim == 0 {
		return nil, errors.New("no columns e0, e1 … of embeddings")
	}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, err
		}
		var item Item
		for i, cell := range row {
			if named[i] != nil {
				*named[i](&item) = string([]byte(cell)) // not the whole line
				continue
			}
			v, err := strconv.ParseFloat(cell, 32)
			if err != nil {
				line, _ := in.FieldPos(i)
				return nil, errors.Errorf("line %d, column %s: %.40q is no number that float32 can hold", line, header[i], cell)
			}
			s.Vectors = append(s.Vectors, float32(v))
		}
		s.Items = append(s.Items, item)
	}
}
