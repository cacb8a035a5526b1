// Package model is a trained network in use: it reads the model file that a run leaves, and embeds
// pictures and vectors with it, prepared as those that the network learned from.
//
//	m, err := model.Load("runs/photos/model.safetensors", model.Options{})
//	defer m.Close()
//	x, err := m.EmbedFile(ctx, "photo.jpg")
//
// Files, folders, readers, decoded images, labelled sets and bare numbers can be embedded:
// EmbedFiles, EmbedFile, EmbedReader, EmbedImage, Embed, EmbedPixels. All give the same bits for the
// same picture, however many are embedded at once and by whom: many goroutines may use one Model,
// and take turns batch by batch.
//
// The model of a run that was measured by Views embeds by the same ones, whatever is given to it; bare
// numbers, of which there are no views, it refuses.
//
// ExportONNX and ExportSafetensors write a model for other programs.
//
// An Embedder is the network alone, over parameters that are still being trained: for the
// evaluations of a loop of one's own, as package trainer makes them.
package model
