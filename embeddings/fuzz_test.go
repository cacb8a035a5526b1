package embeddings

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/safetensors"
)

// seed is a small file of a format.
func seed(f *testing.F, format string) {
	path := filepath.Join(f.TempDir(), "x."+format)
	write(f, path, sample(3, 2, nil), 3, Options{})
	b, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(b)
	f.Add(b[:len(b)/2])
}

// requireWhole checks what holds of every set that is read without an error.
func requireWhole(t *testing.T, s *Set, err error) {
	if err != nil || s.check() != nil {
		return
	}
	require.Len(t, s.Vectors, s.Len()*s.Dim)
	labels, classes := s.Labels()
	require.Len(t, labels, s.Len())
	require.LessOrEqual(t, len(classes), s.Len())
}

func FuzzNPY(f *testing.F) {
	seed(f, "npy")
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseNPY(bytes.NewReader(b), int64(len(b)))
		requireWhole(t, s, err)
	})
}

func FuzzItems(f *testing.F) {
	f.Add([]byte(`{"count": 2, "dim": 1, "paths": ["a", "b"], "labels": ["x", ""]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := sample(2, 1, nil)
		requireWhole(t, s, s.takeItems(b))
	})
}

func FuzzCSV(f *testing.F) {
	seed(f, "csv")
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseCSV(bytes.NewReader(b))
		requireWhole(t, s, err)
	})
}

func FuzzJSONL(f *testing.F) {
	seed(f, "jsonl")
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseJSONL(bytes.NewReader(b))
		requireWhole(t, s, err)
	})
}

func FuzzTensors(f *testing.F) {
	seed(f, "safetensors")
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := safetensors.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		s, err := setOf(file)
		requireWhole(t, s, err)
	})
}

// A .parquet that is cut off is an error wherever that is. Its parser is a library's.
func TestCutParquet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.parquet")
	write(t, path, sample(3, 2, nil), 3, Options{})
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	for n := range b {
		_, err := parseParquet(bytes.NewReader(b[:n]), int64(n))
		require.Error(t, err, n)
	}
}

// A part that is there may be anything, and is gone on with or refused.
func FuzzPart(f *testing.F) {
	path := filepath.Join(f.TempDir(), "x.csv")
	s := sample(4, 2, nil)
	w, err := Create(path, s.Info, Options{})
	require.NoError(f, err)
	add(f, w, s, 0, 4, 2)
	require.NoError(f, w.SetMark(Mark{Read: 4}))
	require.NoError(f, w.Suspend())
	b, err := os.ReadFile(path + partEnding)
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "x.csv")
		require.NoError(t, os.WriteFile(path+partEnding, b, 0o666))
		w, err := Create(path, s.Info, Options{})
		if err != nil {
			return
		}
		n := w.Len()
		require.NoError(t, w.Add(s.Items[:1], s.Vectors[:2]))
		require.NoError(t, w.Close())
		got, err := Read(path)
		require.NoError(t, err)
		require.Equal(t, n+1, got.Len())
	})
}
