package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/pkg/errors"

	"medusa/metrics"
)

// source makes vectors: around one of many centres, along a few directions that all clusters have in
// common, with a little noise.
type source struct {
	dim                 int
	rng                 *rand.Rand
	centres, directions []float32
}

const (
	directions = 24
	perCluster = 100 // rows
	noise      = 0.1
	along      = 1.6 // how far a cluster reaches
)

func newSource(dim, rows int) *source {
	s := &source{dim: dim, rng: rand.New(rand.NewPCG(7, 0))}
	s.centres = s.normal(max(100, rows/perCluster) * dim)
	s.directions = s.normal(directions * dim)
	return s
}

func (s *source) normal(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(s.rng.NormFloat64())
	}
	return out
}

func (s *source) next(n int) []float32 {
	out := make([]float32, n*s.dim)
	for i := range n {
		row := out[i*s.dim : (i+1)*s.dim]
		copy(row, s.centres[s.rng.IntN(len(s.centres)/s.dim)*s.dim:])
		for d := range directions {
			z := float32(along / math.Sqrt(directions) * s.rng.NormFloat64())
			for j := range row {
				row[j] += z * s.directions[d*s.dim+j]
			}
		}
		norm := 0.0
		for j := range row {
			row[j] += float32(noise * s.rng.NormFloat64())
			norm += float64(row[j]) * float64(row[j])
		}
		for j := range row {
			row[j] /= float32(math.Sqrt(norm))
		}
	}
	return out
}

// prepare writes rows, queries and what is near, and returns the file that says where.
func prepare(ctx context.Context, folder string, s settings, rows int) (string, error) {
	t := s.task
	from := newSource(t.Dim, rows)
	gallery, queries := from.next(rows), from.next(s.queries)
	t.Rows, t.Queries, t.True = filepath.Join(folder, "rows"), filepath.Join(folder, "queries"), filepath.Join(folder, "true")
	near, err := metrics.Search(ctx, metrics.Set{Embeddings: queries, Dim: t.Dim}, &metrics.Set{Embeddings: gallery, Dim: t.Dim}, metrics.SearchOptions{K: t.K})
	if err != nil {
		return "", err
	}
	t.K = near.K
	if s.keep != "" {
		if t.Keep, err = filepath.Abs(filepath.Join(s.keep, fmt.Sprintf("%d-%d-%d-%d-", rows, t.Dim, t.Links, t.Build))); err != nil {
			return "", errors.WithStack(err)
		}
		if err := os.MkdirAll(s.keep, 0o777); err != nil {
			return "", errors.Wrap(err, "-keep")
		}
	}
	for _, err := range []error{save(t.Rows, gallery), save(t.Queries, queries), save(t.True, near.Indices)} {
		if err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(t)
	if err != nil {
		return "", errors.WithStack(err)
	}
	name := filepath.Join(folder, "task.json")
	return name, errors.WithStack(os.WriteFile(name, text, 0o666))
}

// save writes numbers as they stand in memory.
func save[T float32 | int32](path string, numbers []T) error {
	return errors.WithStack(os.WriteFile(path, unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(numbers))), 4*len(numbers)), 0o666))
}

func load[T float32 | int32](path string) ([]T, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.WithStack(err)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/4), nil
}
