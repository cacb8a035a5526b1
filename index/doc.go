// Package index keeps embeddings by an ID and finds the nearest ones of a vector. Items are
// added, replaced and removed while others search; labels, metadata or a function of one's own say which
// items a search may find. An index is one file, which opens in milliseconds.
//
//	x, err := index.New(index.Options{Dim: m.EmbeddingSize(), Distance: metrics.Cosine, Model: fingerprint})
//	err = x.Add(ctx, index.Item{ID: 1, Vector: embedding, Label: "Ararat", Path: "a/1.png"})
//	found, err := x.Search(ctx, query, index.SearchOptions{K: 10})
//	err = x.Save(ctx, "gallery.index")
//
// # Exactness
//
// A search is exact: it finds what a plain loop over all items in float64 finds, items at one
// distance by the lower ID, for any number of threads. After [Index.Build] it goes over a graph, and finds
// nearly all of the nearest in much less time; [Index.Recall] says how many.
//
// # Memory
//
// [Options].Storage says what is kept of vectors: all of them, a byte or a bit of each number. Where
// KeepFloats keeps them as they came besides, SearchOptions.Rerank has the nearest chosen by those.
//
// How each part works, and what it costs, stands in docs/search.md.
package index
