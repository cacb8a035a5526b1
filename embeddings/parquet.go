package embeddings

import (
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// parquetRow is an embedding as a row of a .parquet.
type parquetRow struct {
	ID        string    `parquet:"id,optional,snappy"`
	Path      string    `parquet:"path,optional,snappy"`
	Label     string    `parquet:"label,optional,snappy,dict"`
	Embedding []float32 `parquet:"embedding,list"`
}

// rowGroupBytes is about how much of a .parquet is held in memory while it is written. Tests lower it.
var rowGroupBytes = 32 << 20

func writeParquet(w io.Writer, c *content) error {
	out := parquet.NewGenericWriter[parquetRow](w,
		parquet.KeyValueMetadata(modelKey, c.Model), parquet.CreatedBy("medusa", "1", ""),
		parquet.MaxRowsPerRowGroup(int64(max(1, rowGroupBytes/(4*c.Dim+100)))))
	var values []float32
	var rows []parquetRow
	err := c.each(func(items []Item, vectors []byte) error {
		values, rows = floatsOf(vectors, values), rows[:0]
		for n, item := range items {
			rows = append(rows, parquetRow{item.ID, item.Path, item.Label, values[n*c.Dim : (n+1)*c.Dim]})
		}
		_, err := out.Write(rows)
		return err
	})
	if e := out.Close(); err == nil {
		err = e
	}
	return err
}

func readParquet(path string) (*Set, error) {
	file, err := fileread.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return parseParquet(file, info.Size())
}

// parseParquet reads a .parquet of size bytes.
func parseParquet(r io.ReaderAt, size int64) (s *Set, err error) {
	defer func() { // the library panics on some damaged files
		if p := recover(); p != nil {
			s, err = nil, errors.Errorf("the file is damaged: %v", p)
		}
	}()
	file, err := parquet.OpenFile(r, size)
	if err != nil {
		return nil, err
	}
	if _, found := file.Schema().Lookup("embedding", "list", "element"); !found {
		return nil, errors.New("it has no column embedding, a list of numbers")
	}
	in := parquet.NewGenericReader[parquetRow](file)
	defer in.Close()
	s = &Set{}
	s.Model, _ = file.Lookup(modelKey)
	rows := make([]parquetRow, 256)
	for {
		n, err := in.Read(rows)
		for _, row := range rows[:n] {
			if s.Dim == 0 {
				s.Dim = len(row.Embedding)
			}
			if len(row.Embedding) != s.Dim || s.Dim == 0 {
				return nil, errors.Errorf("row %d: an embedding of %d numbers, want %d", len(s.Items), len(row.Embedding), max(s.Dim, 1))
			}
			s.Items = append(s.Items, Item{row.ID, row.Path, row.Label})
			s.Vectors = append(s.Vectors, row.Embedding...)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if s.Dim == 0 {
		return nil, errors.New("it has no rows with an embedding")
	}
	return s, nil
}
