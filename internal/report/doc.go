// Package report writes the report of a training run: one HTML file that loads
// nothing from anywhere else, with the run's facts, the retrieval metrics before and
// after training, curves, a 2-D map of the test embeddings, the best and the worst
// queries with their neighbours, the classes that are confused most, the data and the
// configuration.
//
// Data holds what is known of the run; every part of it may be missing, and its section
// is then left out. Equal Data gives an equal file, byte for byte.
//
// The file stays below MaxBytes: the thumbnails of the map stand in one sprite sheet,
// whose tiles shrink until they fit in what the rest leaves; only hundreds of curves or
// endless tables could break that. The map shows at most MaxPoints pictures, taken evenly from
// the classes, and says so.
//
// The package knows nothing of training: slices come in, a page goes out.
package report
