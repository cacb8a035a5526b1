package trainer

import (
	"encoding/json"
	"io"

	"github.com/pkg/errors"

	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
	"medusa/metrics"
)

// writeEmbeddings writes embeddings.safetensors: "embeddings" (N, E) and "labels" (N),
// with the pictures' paths and the classes' names as JSON lists "paths" and "classes" in
// the metadata.
func writeEmbeddings(f runfolder.Folder, set *items, embeddings []float32) error {
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
	return inTrainer(f.Write(EmbeddingsFile, func(w io.Writer) error { return safetensors.Write(w, file) }))
}

// StoredEmbeddings are those of the measured pictures in a run folder's embeddings.safetensors,
// with the names of their classes.
func StoredEmbeddings(dir string) (s metrics.Set, classes []string, err error) {
	path := runfolder.Folder(dir).Path(EmbeddingsFile)
	file, err := safetensors.Open(path)
	if err != nil {
		return s, nil, errors.Wrap(err, "trainer: embeddings of a run")
	}
	if err := json.Unmarshal([]byte(file.Metadata["classes"]), &classes); err != nil {
		return s, nil, errors.Wrapf(err, "trainer: %s: the names of the classes", path)
	}
	for _, t := range file.Tensors {
		switch {
		case t.Name == "embeddings" && len(t.Shape) == 2 && t.F32 != nil:
			s.Embeddings, s.Dim = t.F32, t.Shape[1]
		case t.Name == "labels" && t.I64 != nil:
			for _, l := range t.I64 {
				s.Labels = append(s.Labels, int(l))
			}
		}
	}
	if s.Dim < 1 || len(s.Labels)*s.Dim != len(s.Embeddings) {
		return s, nil, errors.Errorf("trainer: %s holds no embeddings (N, E) with their labels (N), as a run writes them", path)
	}
	return s, classes, nil
}
