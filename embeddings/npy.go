package embeddings

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"math"
	"os"
	"strconv"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
	"medusa/internal/npy"
)

// What the files beside an array have in place of its ending.
const (
	itemsEnding  = "_items.json"
	labelsEnding = "_labels.txt"
)

func writeNPY(w io.Writer, c *content) error {
	out := bufio.NewWriterSize(w, 1<<18)
	if err := npy.Write(out, npy.Header{Descr: "<f4", Shape: []int{c.count, c.Dim}}); err != nil {
		return err
	}
	if err := c.each(func(_ []Item, vectors []byte) error {
		_, err := out.Write(vectors)
		return err
	}); err != nil {
		return err
	}
	return out.Flush()
}

// besideNPY are the files beside an array, with what it has no place for.
func besideNPY(c *content) map[string]func(io.Writer) error {
	files := map[string]func(io.Writer) error{itemsEnding: func(w io.Writer) error { return writeItems(w, c) }}
	if c.allLabelled && c.labelled > 0 {
		files[labelsEnding] = func(w io.Writer) error {
			out := bufio.NewWriterSize(w, 1<<16)
			err := c.each(func(items []Item, _ []byte) error {
				for _, item := range items {
					out.WriteString(item.Label)
					out.WriteByte('\n')
				}
				return nil
			})
			if e := out.Flush(); err == nil {
				err = e
			}
			return err
		}
	}
	return files
}

// itemsFile is what stands in a file of items, and lists of it, in this order.
type itemsFile struct {
	Model  string   `json:"model,omitempty"`
	Count  int      `json:"count"`
	Dim    int      `json:"dim"`
	Paths  []string `json:"paths"`
	Labels []string `json:"labels"`
	IDs    []string `json:"ids"`
}

// writeItems writes an itemsFile, without its lists in memory.
func writeItems(w io.Writer, c *content) error {
	out := bufio.NewWriterSize(w, 1<<16)
	model, err := json.Marshal(c.Model)
	if err != nil {
		return err
	}
	out.WriteString("{\n\"model\": " + string(model) + ",\n\"count\": " + strconv.Itoa(c.count) + ",\n\"dim\": " + strconv.Itoa(c.Dim))
	for _, list := range []struct {
		name  string
		there bool
		of    func(Item) string
	}{
		{"paths", true, func(i Item) string { return i.Path }},
		{"labels", c.labelled > 0, func(i Item) string { return i.Label }},
		{"ids", c.ided > 0, func(i Item) string { return i.ID }},
	} {
		if !list.there {
			continue
		}
		out.WriteString(",\n\"" + list.name + "\": ")
		if err := writeList(out, c, list.of); err != nil {
			return err
		}
	}
	out.WriteString("\n}\n")
	return out.Flush()
}

// writeList writes a JSON list of something of every item.
func writeList(out *bufio.Writer, c *content, of func(Item) string) error {
	comma := "["
	err := c.each(func(items []Item, _ []byte) error {
		for _, item := range items {
			text, err := json.Marshal(of(item))
			if err != nil {
				return err
			}
			out.WriteString(comma)
			if _, err := out.Write(text); err != nil {
				return err
			}
			comma = ",\n"
		}
		return nil
	})
	if c.count == 0 {
		out.WriteString("[")
	}
	out.WriteString("]")
	return err
}

func readNPY(path string) (*Set, error) {
	file, err := fileread.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	s, err := parseNPY(bufio.NewReaderSize(file, 1<<18), info.Size())
	if err != nil {
		return nil, err
	}
	beside := besideName(path, itemsEnding)
	text, err := os.ReadFile(beside)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	return s, errors.WithMessage(s.takeItems(text), beside)
}

// parseNPY reads an array of size bytes.
func parseNPY(r io.Reader, size int64) (*Set, error) {
	h, err := npy.Read(r)
	if err != nil {
		return nil, err
	}
	width := map[string]int{"<f4": 4, "<f8": 8, ">f4": 4, ">f8": 8}[h.Descr]
	switch {
	case width == 0:
		return nil, errors.Errorf("numbers of type %q, want <f4 or <f8 (in NumPy: x.astype(np.float32))", h.Descr)
	case len(h.Shape) != 2 || h.Shape[1] < 1:
		return nil, errors.Errorf("an array of shape %v, want (N, E): N embeddings of E numbers", h.Shape)
	case h.Fortran && h.Shape[0] > 1 && h.Shape[1] > 1:
		return nil, errors.New("the array is written column by column: save it by rows (np.ascontiguousarray)")
	}
	if bytes := int64(h.Shape[0]) * int64(h.Shape[1]) * int64(width); bytes != size-h.Offset {
		return nil, errors.Errorf("shape %v takes %d bytes, %d are there: the file is cut off or damaged", h.Shape, bytes, size-h.Offset)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if h.Descr[0] == '>' {
		order = binary.BigEndian
	}
	s := &Set{Info: Info{Dim: h.Shape[1]}, Items: make([]Item, h.Shape[0]), Vectors: make([]float32, h.Shape[0]*h.Shape[1])}
	cell := make([]byte, width)
	for i := range s.Vectors {
		if _, err := io.ReadFull(r, cell); err != nil {
			return nil, err
		}
		if width == 4 {
			s.Vectors[i] = math.Float32frombits(order.Uint32(cell))
		} else {
			s.Vectors[i] = float32(math.Float64frombits(order.Uint64(cell)))
		}
	}
	return s, nil
}

// takeItems takes what a file of items says.
func (s *Set) takeItems(text []byte) error {
	var f itemsFile
	if err := json.Unmarshal(text, &f); err != nil {
		return errors.WithStack(err)
	}
	if f.Count != len(s.Items) || f.Dim != s.Dim {
		return errors.Errorf("it is of %d embeddings of %d numbers, and the array has %d of %d: the files do not belong together", f.Count, f.Dim, len(s.Items), s.Dim)
	}
	s.Model = f.Model
	for _, list := range []struct {
		name string
		of   []string
		set  func(*Item, string)
	}{
		{"paths", f.Paths, func(i *Item, v string) { i.Path = v }},
		{"labels", f.Labels, func(i *Item, v string) { i.Label = v }},
		{"ids", f.IDs, func(i *Item, v string) { i.ID = v }},
	} {
		if list.of != nil && len(list.of) != f.Count {
			return errors.Errorf("%d %s for %d embeddings", len(list.of), list.name, f.Count)
		}
		for i, v := range list.of {
			list.set(&s.Items[i], v)
		}
	}
	return nil
}
