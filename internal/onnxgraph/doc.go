// Package onnxgraph builds expressions of package graph out of models of ONNX, so that a network that another
// program trained and exported is one that can be trained on, or embeds.
//
// Open reads a model and cuts it at a tensor, Net.Build adds it to the graph of pictures. What the file holds as
// numbers falls apart into parameters, which learn and are made in a graph.Params under the file's own names,
// and constants, such as shapes, scales and bounds. Nodes that read nothing but constants are computed while the graph
// is built, where the number of pictures is known: so shapes that a file computes leave no trace in it.
//
// https://github.com/onnx/onnx, docs/Operators.md, says what the operators mean. Versions 7 to 25 of them are known.
package onnxgraph
