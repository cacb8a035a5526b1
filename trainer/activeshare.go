package trainer

import (
	"slices"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/losses"
	"medusa/machine"
	"medusa/pairs"
)

// activeShare computes a loss's active share of a batch's embeddings, in a graph of its own: it is
// run for logged steps alone.
type activeShare struct {
	x, y  []float32 // embeddings (B, E) and labels (B)
	share *graph.Kept
	vm    gorgonia.VM
	dev   *machine.Device
	used  [][]float32 // of the loss's own tensors: it is computed on the host
}

// newActiveShare returns nil if the loss does not tell its active share, or needs other features of
// the step s than the embeddings for it. It changes no state of the loss, such as a memory. dev is
// where params live.
func newActiveShare(loss losses.Loss, batch int, s *trainGraph, params *graph.Params, dev *machine.Device) (_ *activeShare, err error) {
	defer graph.Guard("building the active share", &err)
	m := &activeShare{dev: dev}
	g := gorgonia.NewGraph()
	params.Observe(g)
	x, embeddings := graph.Input(g, "embeddings", batch, s.size)
	y, labels := graph.Input(g, "labels", batch)
	m.x, m.y = embeddings, labels
	// Parts of a loss that never idle may read features that are not at hand here.
	raw, _ := graph.Input(g, "raw", batch, s.size)
	features := gorgonia.Nodes{raw}
	b := pairs.Of(x, y)
	b.Raw = graph.Of(raw)
	if s.trunk > 0 {
		trunk, _ := graph.Input(g, "trunk", batch, s.trunk)
		features = append(features, trunk)
		b.Trunk = graph.Of(trunk)
	}
	share, ok := losses.ActiveShare(loss, b)
	if !ok {
		return nil, nil
	}
	n, err := share.Node()
	if err != nil {
		return nil, err
	}
	if read := graph.Reads(n); slices.ContainsFunc(features, func(f *gorgonia.Node) bool { return read[f] }) {
		return nil, nil
	}
	if m.share, err = graph.Keep(n); err != nil {
		return nil, err
	}
	for _, item := range params.Used(g) {
		m.used = append(m.used, item.Value.Float32s())
	}
	m.vm, err = machine.New(g)
	return m, err
}

// measure is the active share.
func (m *activeShare) measure(embeddings []float32, labels []float32) (_ float64, err error) {
	defer graph.Guard("running the active share", &err)
	copy(m.x, embeddings)
	copy(m.y, labels)
	if err := m.dev.Read(m.used...); err != nil {
		return 0, errors.Wrap(err, "trainer: active share")
	}
	m.vm.Reset()
	if err := m.vm.RunAll(); err != nil {
		return 0, errors.Wrap(err, "trainer: active share")
	}
	return m.share.Scalar(), nil
}

func (m *activeShare) close() error {
	if m == nil {
		return nil
	}
	return m.vm.Close()
}
