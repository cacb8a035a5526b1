package embeddings

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"medusa/internal/safetensors"
)

// sample is a set of n embeddings, with odd numbers and odd names.
func sample(n, dim int, change func(i int, item *Item)) *Set {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(dim)))
	s := &Set{Info: Info{Dim: dim, Model: "0f" + strings.Repeat("ab", 31)}}
	for i := range n {
		item := Item{Path: fmt.Sprintf("photos/%d, \"quoted\" é猫 <&>.jpg", i), Label: fmt.Sprintf("class %d", i%3)}
		if change != nil {
			change(i, &item)
		}
		s.Items = append(s.Items, item)
		for range dim {
			s.Vectors = append(s.Vectors, float32(rng.NormFloat64()))
		}
	}
	if n > 0 {
		copy(s.Vectors, []float32{math.SmallestNonzeroFloat32, -math.MaxFloat32})
	}
	return s
}

// write writes a set, so many at a time.
func write(t testing.TB, path string, s *Set, some int, o Options) {
	t.Helper()
	w, err := Create(path, s.Info, o)
	require.NoError(t, err)
	add(t, w, s, 0, s.Len(), some)
	require.NoError(t, w.Close())
	require.NoFileExists(t, path+partEnding)
}

func add(t testing.TB, w *Writer, s *Set, from, to, some int) {
	t.Helper()
	for ; from < to; from += some {
		end := min(from+some, to)
		require.NoError(t, w.Add(s.Items[from:end], s.Vectors[from*s.Dim:end*s.Dim]))
	}
}

// What is written comes back, to the last bit, in every format, with and without labels and ids, by its ending and by
// a format that is named.
func TestEveryFormatGivesBackWhatWasWritten(t *testing.T) {
	kinds := map[string]func(int, *Item){
		"labelled": nil,
		"flat":     func(_ int, item *Item) { item.Label = "" },
		"partly":   func(i int, item *Item) { item.Label = []string{"", "a"}[i%2] },
		"with ids": func(i int, item *Item) { item.ID = fmt.Sprint(1000 + i) },
	}
	for _, format := range Formats() {
		for kind, change := range kinds {
			t.Run(format+" "+kind, func(t *testing.T) {
				want := sample(13, 5, change)
				path := filepath.Join(t.TempDir(), "photos."+format)
				write(t, path, want, 4, Options{})
				got, err := Read(path)
				require.NoError(t, err)
				if format == "csv" {
					want.Model = ""
				}
				require.Equal(t, want, got)

				other := filepath.Join(t.TempDir(), "photos.out")
				write(t, other, want, 100, Options{Format: format})
				a, err := os.ReadFile(path)
				require.NoError(t, err)
				b, err := os.ReadFile(other)
				require.NoError(t, err)
				if format != "csv" && format != "parquet" {
					require.True(t, bytes.Equal(a, b), "however many are added at once")
				}
			})
		}
	}
}

// Numbers of classes are those of metrics.Set.
func TestLabels(t *testing.T) {
	s := &Set{Items: []Item{{Label: "b"}, {}, {Label: "a"}, {Label: "b"}}}
	labels, classes := s.Labels()
	require.Equal(t, []int{1, -1, 0, 1}, labels)
	require.Equal(t, []string{"a", "b"}, classes)
}

// A part is gone on with after its last mark, wherever the process was killed.
func TestPartIsGoneOnWith(t *testing.T) {
	want := sample(20, 3, nil)
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.npy")
	write(t, whole, want, 20, Options{})
	path := filepath.Join(dir, "photos.npy")
	w, err := Create(path, want.Info, Options{Of: "photos"})
	require.NoError(t, err)
	add(t, w, want, 0, 8, 4)
	require.NoError(t, w.SetMark(Mark{Read: 9, LeftOut: 1, Names: 7}))
	add(t, w, want, 8, 12, 4)
	require.NoError(t, w.SetMark(Mark{Read: 13, LeftOut: 1, Names: 8}))
	marked, err := os.Stat(w.PartPath())
	require.NoError(t, err)
	add(t, w, want, 12, 20, 4)
	_, err = Create(path, want.Info, Options{Of: "photos"})
	if runtime.GOOS != "js" && runtime.GOOS != "plan9" {
		require.ErrorContains(t, err, "another process writes it")
	}
	require.NoError(t, w.Suspend())
	require.NoError(t, w.Suspend())
	require.Error(t, w.Add(nil, nil))
	part, err := os.ReadFile(path + partEnding)
	require.NoError(t, err)

	for _, size := range []int{len(part), len(part) - 1, int(marked.Size()) + 20, int(marked.Size()), int(marked.Size()) - 1, 150, 100, 5, 0} {
		require.NoError(t, os.WriteFile(path+partEnding, part[:min(size, len(part))], 0o666))
		w, err := Create(path, want.Info, Options{Of: "photos"})
		require.NoError(t, err)
		from := map[bool]int{true: 12, false: 8}[size >= int(marked.Size())]
		mark := map[int]Mark{12: {Read: 13, LeftOut: 1, Names: 8}, 8: {Read: 9, LeftOut: 1, Names: 7}}[from]
		if size < int(marked.Size())-1 && w.Len() == 0 {
			from, mark = 0, Mark{}
		}
		require.Equal(t, mark, w.Mark(), size)
		require.Equal(t, from, w.Len(), size)
		add(t, w, want, from, 20, 3)
		require.NoError(t, w.Close())
		for _, ending := range []string{".npy", itemsEnding, labelsEnding} {
			a, err := os.ReadFile(filepath.Join(dir, "whole") + ending)
			require.NoError(t, err)
			b, err := os.ReadFile(filepath.Join(dir, "photos") + ending)
			require.NoError(t, err)
			require.True(t, bytes.Equal(a, b), "%d %s", size, ending)
			require.NoError(t, os.Remove(filepath.Join(dir, "photos")+ending))
		}
	}
}

// A flipped bit in a part costs what is behind it, and nothing else.
func TestDamagedPart(t *testing.T) {
	want := sample(6, 2, nil)
	path := filepath.Join(t.TempDir(), "x.csv")
	w, err := Create(path, want.Info, Options{})
	require.NoError(t, err)
	for i := range 3 {
		add(t, w, want, 2*i, 2*i+2, 2)
		require.NoError(t, w.SetMark(Mark{Read: 2 * (i + 1)}))
	}
	require.NoError(t, w.Suspend())
	part, err := os.ReadFile(path + partEnding)
	require.NoError(t, err)
	first := bytes.IndexByte(part, '\n') + 1
	for at := first; at < len(part); at += 3 {
		b := bytes.Clone(part)
		b[at] ^= 0x10
		require.NoError(t, os.WriteFile(path+partEnding, b, 0o666))
		w, err := Create(path, want.Info, Options{})
		require.NoError(t, err)
		require.Equal(t, w.Len(), w.Mark().Read)
		require.Less(t, w.Len(), 6)
		require.NoError(t, w.Suspend())
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	info := Info{Dim: 2, Model: "m"}
	_, err := Create(filepath.Join(dir, "x.txt"), info, Options{})
	require.ErrorContains(t, err, "the ending says no format, want one of .npy, .safetensors, .csv, .jsonl, .parquet")
	_, err = Create(filepath.Join(dir, "x.txt"), info, Options{Format: "hdf5"})
	require.ErrorContains(t, err, `no format is called "hdf5", want one of npy, safetensors`)
	_, err = Create(filepath.Join(dir, "x.npy"), Info{}, Options{})
	require.ErrorContains(t, err, "Info.Dim is 0")
	_, err = Create(filepath.Join(dir, "gone", "x.npy"), info, Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)

	path := filepath.Join(dir, "x.npy")
	w, err := Create(path, info, Options{Of: "a"})
	require.NoError(t, err)
	require.ErrorContains(t, w.Add(make([]Item, 2), make([]float32, 3)), "3 numbers for 2 items, want 2 of each")
	require.ErrorContains(t, w.Add([]Item{{Path: "a\xff"}}, make([]float32, 2)), "is no UTF-8")
	require.NoError(t, w.Suspend())
	var other *OtherPartError
	_, err = Create(path, info, Options{Of: "b"})
	require.ErrorAs(t, err, &other)
	require.ErrorContains(t, err, "x.npy.part is there, of other pictures: remove it")
	_, err = Create(path, Info{Dim: 2, Model: "n"}, Options{Of: "a"})
	require.ErrorContains(t, err, "of another model")
	w, err = Create(path, info, Options{Of: "a"})
	require.NoError(t, err)
	require.NoError(t, w.Discard())
	require.NoFileExists(t, path+partEnding)

	var there *ExistsError
	for _, name := range []string{"x.npy", "x_items.json", "x_labels.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o666))
		_, err = Create(path, info, Options{})
		require.True(t, errors.As(err, &there), "%v", err)
		require.Equal(t, filepath.Join(dir, name), there.Path)
		require.NoError(t, os.Remove(filepath.Join(dir, name)))
	}
	require.NoError(t, os.WriteFile(path+partEnding, []byte("something else\n"), 0o666))
	_, err = Create(path, info, Options{})
	require.ErrorContains(t, err, "is no part of embeddings")

	w, err = Create(filepath.Join(dir, "x.jsonl"), info, Options{})
	require.NoError(t, err)
	require.NoError(t, w.Add([]Item{{Path: "p"}}, []float32{1, float32(math.NaN())}))
	require.ErrorContains(t, w.Close(), "p: the embedding holds NaN, which JSON has no number for")
	require.NoFileExists(t, filepath.Join(dir, "x.jsonl"))
	require.NoError(t, w.Discard())
}

// What is written over gives way with all that belongs to it.
func TestOverwrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	write(t, path, sample(4, 2, nil), 4, Options{})
	require.FileExists(t, besideName(path, labelsEnding))
	want := sample(3, 2, func(_ int, item *Item) { item.Label = "" })
	write(t, path, want, 4, Options{Overwrite: true})
	require.NoFileExists(t, besideName(path, labelsEnding))
	got, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// Of more paths than a header may hold the list is a tensor, and comes back as well.
func TestManyPaths(t *testing.T) {
	defer func(n int) { mostInHeader = n }(mostInHeader)
	mostInHeader = 1000
	want := sample(mostInHeader+1, 1, nil)
	path := filepath.Join(t.TempDir(), "x.safetensors")
	write(t, path, want, 300, Options{})
	file, err := safetensors.Open(path)
	require.NoError(t, err)
	_, found := file.Lookup(pathsKey)
	require.True(t, found)
	got, err := Read(path)
	require.NoError(t, err)
	require.Equal(t, want.Items[mostInHeader], got.Items[mostInHeader])
	require.Equal(t, want.Vectors, got.Vectors)
}

// The memory in use does not grow with the number of embeddings, neither while they are added nor while the file is
// made of them.
func TestMemoryOfManyEmbeddings(t *testing.T) {
	defer func(paths, bytes int) { mostInHeader, rowGroupBytes = paths, bytes }(mostInHeader, rowGroupBytes)
	mostInHeader, rowGroupBytes = 1000, 1<<18
	for _, format := range Formats() {
		peak := func(n int) uint64 {
			const dim = 64
			path := filepath.Join(t.TempDir(), "x."+format)
			w, err := Create(path, Info{Dim: dim}, Options{})
			require.NoError(t, err)
			some := sample(500, dim, nil)
			most := uint64(0)
			look := func() {
				var s runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&s)
				most = max(most, s.HeapAlloc)
			}
			for i := 0; i < n; i += some.Len() {
				require.NoError(t, w.Add(some.Items, some.Vectors))
			}
			look()
			c, each, calls := w.part.content, w.part.content.each, 0
			c.each = func(f func([]Item, []byte) error) error {
				return each(func(items []Item, vectors []byte) error {
					if calls++; calls%9 == 0 {
						look()
					}
					return f(items, vectors)
				})
			}
			require.NoError(t, w.Close())
			return most
		}
		few, many := peak(5000), peak(20_000)
		t.Logf("%s: %d KiB for 5,000, %d KiB for 20,000", format, few>>10, many>>10)
		require.Less(t, many, few+2<<20, format) // the vectors alone take 4 MiB more
	}
}
