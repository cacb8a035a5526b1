// Package datasets reads labelled pictures and hands them out as batches of float32.
//
// Open recognises a folder of pictures, a well-known data set as it is unpacked, a table,
// an archive of these, IDX files or the embedded part of Omniglot and returns a Split of
// Datasets; what can be read in several ways is a *Question. OpenUnlabelled takes pictures
// of no class. Every picture is decoded once, brought
// to one size and kept as uint8, in memory or in a cache file. A Loader prepares
// augmented batches ahead of the training step; Dataset.Fill reads plain ones for
// evaluation.
//
// What cannot be read is left out and told in Dataset.Summary, with path and reason;
// docs/datasets.md says what is done with each kind of untidy input.
package datasets
