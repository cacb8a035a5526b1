// Package model is a trained network in use: it reads the model that a run leaves, and embeds
// pictures and vectors with it, prepared as those that the network learned from.
//
//	m, err := model.Load("runs/photos", model.Options{})
//	defer m.Close()
//	x, err := m.EmbedFile(ctx, "photo.jpg")
//
// Load takes a run folder or its model file, LoadFS a file system, Read a reader. What is embedded may be
//
//	a picture               EmbedFile, EmbedReader, EmbedImage
//	several images          EmbedImages
//	files, folders, archives, tables and lists, however many
//	                        EmbedFiles, or EmbedStream of a datasets.Stream
//	a set                   Embed
//	vectors, as they are    EmbedVectors
//	numbers, normalised     EmbedPixels
//
// All give the same bits for the same picture: those that it had in the evaluations of its run, however many
// are embedded at once and by whom. On the CPU no layer of package nets lets a picture's bits depend on the others
// in its batch, or on their number. One GPU gives the same bits each time, and others than the CPU.
//
// Many goroutines may use one Model. What they want while a batch is computed is embedded together by the next one;
// Options.Wait lets pictures wait for each other besides. There are graphs for batches of 1, 8 and 64: one picture
// costs what one picture does.
//
// The model of a run that was measured by Views embeds by the same ones, whatever is given to it; bare
// numbers, of which there are no views, it refuses.
//
// Errors have types: *PictureError for a picture that cannot be read, *FileError for a model file that cannot
// be used, and the causes ErrInput and ErrClosed. Fingerprint tells models apart whose embeddings differ;
// package embeddings writes it, with the embeddings, into files.
//
// ExportONNX and ExportSafetensors write a model for other programs.
//
// An Embedder is the network alone, over parameters that are still being trained: for the
// evaluations of a loop of one's own, as package trainer makes them.
package model
