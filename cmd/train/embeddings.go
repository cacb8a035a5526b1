package main

import (
	"encoding/json"
	"io"
	"path/filepath"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/filewrite"
	"medusa/internal/safetensors"
)

// embeddingsFile holds the embeddings of the measured pictures, to search or to plot.
const embeddingsFile = "embeddings.safetensors"

// writeEmbeddings writes a safetensors file: "embeddings" (N, E) and "labels" (N), with
// the pictures' paths and the classes' names as JSON lists "paths" and "classes" in the
// metadata.
func writeEmbeddings(dir string, set *datasets.Dataset, embeddings []float32) (path string, err error) {
	paths := make([]string, set.Len())
	labels := make([]int64, set.Len())
	for i, c := range set.Labels() {
		paths[i], labels[i] = set.Path(i), int64(c)
	}
	f := &safetensors.File{Metadata: map[string]string{}, Tensors: []safetensors.Tensor{
		{Name: "embeddings", Shape: []int{set.Len(), len(embeddings) / set.Len()}, F32: embeddings},
		{Name: "labels", Shape: []int{set.Len()}, I64: labels},
	}}
	for name, list := range map[string][]string{"paths": paths, "classes": set.Classes()} {
		text, err := json.Marshal(list)
		if err != nil {
			return "", errors.Wrap(err, "embeddings")
		}
		f.Metadata[name] = string(text)
	}
	path = filepath.Join(dir, embeddingsFile)
	err = filewrite.Whole(path, func(w io.Writer) error { return safetensors.Write(w, f) })
	return path, errors.Wrapf(err, "writing %s", path)
}
