// Package index keeps embeddings by an ID and finds the nearest ones of a vector, exactly:
// those of a plain loop over all items in float64, ties by the lower ID, for any number of
// threads. Items are added, replaced and removed while others search; labels, metadata or a function
// of one's own say which items a search may find. An index is one file, which opens in milliseconds.
//
//	x, err := index.New(index.Options{Dim: m.EmbeddingSize(), Distance: metrics.Cosine, Model: fingerprint})
//	err = x.Add(ctx, index.Item{ID: 1, Vector: embedding, Label: "Ararat", Path: "a/1.png"})
//	found, err := x.Search(ctx, query, index.SearchOptions{K: 10})
//	err = x.Save(ctx, "gallery.index")
package index
