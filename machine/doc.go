// Package machine runs graphs, on the CPU or on a GPU. A Machine is a gorgonia.VM: a graph is
// compiled once to a list of steps, each of which is a kernel of ours, an op of Gorgonia's that
// is run as it is, or a copy between host and device; a run walks the list. Results share memory
// where the one is no longer read when the other is written, and what lies within segments is computed
// once more for gradients instead of kept (graph.EndSegment).
//
// Every graph that this package runs also runs on Gorgonia's own TapeMachine, with the same bits,
// more slowly and with memory for every result. (Only a convolution that somebody reads besides its
// normalisation by running statistics is not fused with it here and is there, which rounds otherwise.)
package machine
