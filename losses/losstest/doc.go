// Package losstest checks a losses.Loss, of this module or one's own:
//
//	func TestMine(t *testing.T) { losstest.Run(t, Mine{Margin: 0.3}) }
//
// It checks what the interface asks for: a gradient that central differences confirm, a
// value that depends neither on the order of the batch nor on the names of the classes,
// one graph that is right for every labelling, finite values in the corners, and float32
// close to float64. The embeddings are normal random numbers from a fixed seed.
package losstest
