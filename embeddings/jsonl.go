package embeddings

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"math"

	"github.com/pkg/errors"

	"medusa/internal/fileread"
)

// line is an embedding as a line of a .jsonl has it.
type line struct {
	Model string `json:"model,omitempty"` // in the first line
	Item
	Embedding []float32 `json:"embedding"`
}

func writeJSONL(w io.Writer, c *content) error {
	out := bufio.NewWriterSize(w, 1<<18)
	model := c.Model
	var values []float32
	var text []byte
	err := c.each(func(items []Item, vectors []byte) error {
		values = floatsOf(vectors, values)
		for n, item := range items {
			head, err := json.Marshal(struct {
				Model string `json:"model,omitempty"`
				Item
			}{model, item})
			if err != nil {
				return err
			}
			text = append(text[:0], head[:len(head)-1]...)
			if len(head) > 2 {
				text = append(text, ',')
			}
			text = append(text, `"embedding":[`...)
			for i, v := range values[n*c.Dim : (n+1)*c.Dim] {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					return errors.Errorf("%s: the embedding holds %v, which JSON has no number for: write another format", item.Path, v)
				}
				if i > 0 {
					text = append(text, ',')
				}
				text = number(text, v)
			}
			text = append(text, "]}\n"...)
			if _, err := out.Write(text); err != nil {
				return err
			}
			model = ""
		}
		return nil
	})
	if e := out.Flush(); err == nil {
		err = e
	}
	return err
}

func readJSONL(path string) (*Set, error) {
	file, err := fileread.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseJSONL(file)
}

// longestLine bounds a line: an embedding of a million numbers takes less.
const longestLine = 1 << 25

func parseJSONL(r io.Reader) (*Set, error) {
	s := &Set{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for n := 1; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, errors.Wrapf(err, "line %d", n)
		}
		if s.Dim == 0 {
			s.Dim, s.Model = len(l.Embedding), l.Model
		}
		if len(l.Embedding) != s.Dim || s.Dim == 0 {
			return nil, errors.Errorf("line %d: an embedding of %d numbers, want %d", n, len(l.Embedding), max(s.Dim, 1))
		}
		s.Items, s.Vectors = append(s.Items, l.Item), append(s.Vectors, l.Embedding...)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if s.Dim == 0 {
		return nil, errors.New("the file is empty, want a JSON object a line")
	}
	return s, nil
}
