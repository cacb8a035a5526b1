package trainer

import (
	"encoding/json"
	"io"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/safetensors"
)

// writeEmbeddings writes embeddings.safetensors: "embeddings" (N, E) and "labels" (N),
// with the pictures' paths and the classes' names as JSON lists "paths" and "classes" in
// the metadata.
func (f folder) writeEmbeddings(set *datasets.Dataset, embeddings []float32) error {
	paths := make([]string, set.Len())
	labels := make([]int64, set.Len())
	for i, c := range set.Labels() {
		paths[i], labels[i] = set.Path(i), int64(c)
	}
	file := &safetensors.File{Metadata: map[string]string{}, Tensors: []safetensors.Tensor{
		{Name: "embeddings", Shape: []int{set.Len(), len(embeddings) / set.Len()}, F32: embeddings},
		{Name: "labels", Shape: []int{set.Len()}, I64: labels},
	}}
	for name, list := range map[string][]string{"paths": paths, "classes": set.Classes()} {
		text, err := json.Marshal(list)
		if err != nil {
			return errors.Wrap(err, "trainer: embeddings")
		}
		file.Metadata[name] = string(text)
	}
	return f.write(EmbeddingsFile, func(w io.Writer) error { return safetensors.Write(w, file) })
}

// checkedEmbeddings reports whether embeddings.safetensors is there and whole.
func (f folder) checkedEmbeddings() bool {
	file, err := safetensors.Open(f.path(EmbeddingsFile))
	return err == nil && file.Checked
}
