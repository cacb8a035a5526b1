package embeddings_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"medusa/embeddings"
)

// A file of two embeddings, written and read.
func Example() {
	dir, err := os.MkdirTemp("", "embeddings")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "photos.npy")

	w, err := embeddings.Create(path, embeddings.Info{Dim: 3, Model: "the model's fingerprint"}, embeddings.Options{})
	if err != nil {
		log.Fatal(err)
	}
	items := []embeddings.Item{{Path: "photos/1.jpg", Label: "cat"}, {Path: "photos/2.jpg"}}
	if err := w.Add(items, []float32{1, 0, 0, 0, 0.6, 0.8}); err != nil {
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	set, err := embeddings.Read(path)
	if err != nil {
		log.Fatal(err)
	}
	for i, item := range set.Items {
		fmt.Println(item.Path, set.Row(i))
	}
	labels, classes := set.Labels()
	fmt.Println(labels, classes, set.Model)
	// Output:
	// photos/1.jpg [1 0 0]
	// photos/2.jpg [0 0.6 0.8]
	// [0 -1] [cat] the model's fingerprint
}
