package embeddings

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/safetensors"
)

// The tensors and keys of metadata of a file.
const (
	vectorsTensor, labelsTensor  = "embeddings", "labels"
	pathsKey, classesKey, idsKey = "paths", "classes", "ids"
	modelKey                     = "fingerprint"
)

// mostInHeader is up to how many paths stand in the metadata as a JSON list, where a run's file has them; of
// more, which a header may not hold, that list is a tensor of bytes. Tests lower it.
var mostInHeader = 100_000

func writeTensors(w io.Writer, c *content) error {
	number, classes, err := c.classes()
	if err != nil {
		return err
	}
	f := safetensors.Streamed{Metadata: map[string]string{}}
	if c.Model != "" {
		f.Metadata[modelKey] = c.Model
	}
	text, err := json.Marshal(classes)
	if err != nil {
		return err
	}
	f.Metadata[classesKey] = string(text)
	f.Tensors = []safetensors.Stream{
		{Name: vectorsTensor, Dtype: safetensors.F32, Shape: []int{c.count, c.Dim}, Content: func(w io.Writer) error {
			return c.each(func(_ []Item, vectors []byte) error {
				_, err := w.Write(vectors)
				return err
			})
		}},
		{Name: labelsTensor, Dtype: safetensors.I64, Shape: []int{c.count}, Content: func(w io.Writer) error {
			var b []byte
			return c.each(func(items []Item, _ []byte) error {
				b = b[:0]
				for _, item := range items {
					b = binary.LittleEndian.AppendUint64(b, uint64(number[item.Label]))
				}
				_, err := w.Write(b)
				return err
			})
		}},
	}
	lists := map[string]func(Item) string{pathsKey: func(i Item) string { return i.Path }}
	if c.ided > 0 {
		lists[idsKey] = func(i Item) string { return i.ID }
	}
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		if err := c.addList(&f, name, lists[name]); err != nil {
			return err
		}
	}
	out := bufio.NewWriterSize(w, 1<<18)
	if err := f.Write(out); err != nil {
		return err
	}
	return out.Flush()
}

// addList adds a JSON list of something of every item.
func (c *content) addList(f *safetensors.Streamed, name string, of func(Item) string) error {
	write := func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<16)
		if err := writeList(out, c, of); err != nil {
			return err
		}
		return out.Flush()
	}
	var text counter
	if c.count <= mostInHeader {
		text.keep = true
	}
	if err := write(&text); err != nil {
		return err
	}
	if c.count <= mostInHeader {
		f.Metadata[name] = string(text.kept)
		return nil
	}
	f.Tensors = append(f.Tensors, safetensors.Stream{Name: name, Dtype: safetensors.U8, Shape: []int{text.n}, Content: write})
	return nil
}

// counter counts what is written to it.
type counter struct {
	n    int
	keep bool
	kept []byte
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += len(p)
	if c.keep {
		c.kept = append(c.kept, p...)
	}
	return len(p), nil
}

// classes numbers the labels in ascending order; no label is −1.
func (c *content) classes() (number map[string]int64, names []string, err error) {
	number = map[string]int64{}
	err = c.each(func(items []Item, _ []byte) error {
		for _, item := range items {
			number[item.Label] = 0
		}
		return nil
	})
	delete(number, "")
	names = slices.Sorted(maps.Keys(number))
	for i, name := range names {
		number[name] = int64(i)
	}
	number[""] = -1
	if names == nil {
		names = []string{}
	}
	return number, names, err
}

func readTensors(path string) (*Set, error) {
	file, err := safetensors.Open(path)
	if err != nil {
		return nil, err
	}
	return setOf(file)
}

// setOf is what the tensors of a file are.
func setOf(file *safetensors.File) (*Set, error) {
	x, found := file.Lookup(vectorsTensor)
	if !found || len(x.Shape) != 2 || x.F32 == nil {
		return nil, errors.New("no tensor embeddings (N, E) of F32")
	}
	s := &Set{Info: Info{Dim: x.Shape[1], Model: file.Metadata[modelKey]}, Items: make([]Item, x.Shape[0]), Vectors: x.F32}
	for _, list := range []struct {
		name string
		set  func(*Item, string)
	}{
		{pathsKey, func(i *Item, v string) { i.Path = v }}, {idsKey, func(i *Item, v string) { i.ID = v }},
	} {
		texts, err := listOf(file, list.name)
		if err != nil {
			return nil, err
		}
		if texts != nil && len(texts) != len(s.Items) {
			return nil, errors.Errorf("%d %s for %d embeddings", len(texts), list.name, len(s.Items))
		}
		for i, v := range texts {
			list.set(&s.Items[i], v)
		}
	}
	return s, s.takeClasses(file)
}

// listOf is a list that stands in the metadata, or in a tensor; nil if there is none.
func listOf(file *safetensors.File, name string) (list []string, err error) {
	text := []byte(file.Metadata[name])
	if t, ok := file.Lookup(name); ok {
		text = t.U8
	}
	if len(text) == 0 {
		return nil, nil
	}
	return list, errors.Wrapf(json.Unmarshal(text, &list), "the list of %s", name)
}

// takeClasses takes the labels, by the names of their classes.
func (s *Set) takeClasses(file *safetensors.File) error {
	t, found := file.Lookup(labelsTensor)
	if !found {
		return nil
	}
	classes, err := listOf(file, classesKey)
	switch {
	case err != nil:
		return err
	case t.I64 == nil || len(t.I64) != len(s.Items):
		return errors.Errorf("labels of type %s and shape %v, want I64 and one for each of %d embeddings", t.Dtype(), t.Shape, len(s.Items))
	}
	for i, n := range t.I64 {
		switch {
		case n == -1:
		case n < 0 || n >= int64(len(classes)):
			return errors.Errorf("label %d of embedding %d, and %d classes have names", n, i, len(classes))
		default:
			s.Items[i].Label = classes[n]
		}
	}
	return nil
}
