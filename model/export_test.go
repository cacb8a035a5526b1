package model

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"time"

	"medusa/graph"
	"medusa/metrics"
)

// For tests from outside, which make models by package trainer.
const MaxLabelsBytes = maxLabelsBytes

// TakeTurn embeds for ever, until the function that it returns is called.
func (m *Model) TakeTurn() (giveBack func()) {
	m.net.queue.turn <- struct{}{}
	return func() { <-m.net.queue.turn }
}

// SetWait is what Options.Wait sets.
func (m *Model) SetWait(wait time.Duration) { m.net.wait = wait }

// CountBatches returns how many batches are made from now on.
func (m *Model) CountBatches() func() int {
	before := m.Batches().Count
	return func() int { return int(m.Batches().Count - before) }
}

// Params are the weights.
func (m *Model) Params() *graph.Params { return m.params }

// EmbedTree is what the one-shot test embeds pictures by.
func (m *Model) EmbedTree(ctx context.Context, files fs.FS, names []string) (metrics.Set, error) {
	return m.embedTree(ctx, files, names)
}

// ONNXKinds are the kinds of operations that can be written as ONNX.
func ONNXKinds() []string { return slices.Sorted(maps.Keys(onnxForms)) }

// PyTorchName is what a parameter is called in an exported file.
func PyTorchName(name string) string { return pytorchName(name) }
