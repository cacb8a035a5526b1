// Package embeddings writes and reads files of embeddings: vectors, and what each is of.
//
//	w, err := embeddings.Create("photos.npy", embeddings.Info{Dim: m.EmbeddingSize(), Model: m.Fingerprint()}, embeddings.Options{})
//	err = w.Add([]embeddings.Item{{Path: "photos/1.jpg", Label: "cat"}}, vectors)
//	err = w.Close()
//
//	set, err := embeddings.Read("photos.npy")
//
// The ending of the file says the format:
//
//	.npy          an array (N, E) of float32; beside photos.npy stand photos_items.json with the paths, labels, ids and
//	              the model, and, where every vector has a label, photos_labels.txt with one a line
//	.safetensors  tensors "embeddings" (N, E) and "labels" (N), as a run of training leaves them
//	.csv          columns id, path and label, as far as there are any, and e0, e1 …
//	.jsonl        a JSON object a line, with path, label, id and embedding
//	.parquet      columns path, label, id and embedding, a list of float32
//
// A .csv has no place for the fingerprint of the model; a .jsonl has it in its first line. Numbers
// come back with the bits that they had.
//
// What is written grows in a file beside, photos.npy.part, and stands at its place when it is whole: a
// Writer that was not closed, or whose process was killed, can be gone on with.
package embeddings
