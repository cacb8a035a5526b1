package graph

import (
	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
)

// Kept is a node's value as of the last run of its graph. It stands in for gorgonia.Read,
// which makes a new copy at every run, and for the node's own Value, which later
// operations may overwrite (gorgonia #576).
type Kept struct {
	n     int
	shape tensor.Shape
	dt    tensor.Dtype
	mem   device.Memory
}

// Keep makes the graph keep n's value at every run.
func Keep(n *gorgonia.Node) (*Kept, error) {
	e := Data(n)
	if e.Err() != nil {
		return nil, e.Err()
	}
	shape := n.Shape().Clone()
	k := &Kept{n: shape.TotalSize(), shape: shape, dt: n.Dtype()}
	spec := device.Keep{N: k.n, Into: &k.mem}
	if err := applyStateful(spec, tensor.Shape{}, nil, e).Err(); err != nil {
		return nil, errors.Wrap(err, "graph: keep")
	}
	return k, nil
}

// Shape is the shape of the node.
func (k *Kept) Shape() tensor.Shape { return k.shape.Clone() }

// Float32s is the elements, row-major; nil before the first run, or if they are float64.
// The next run overwrites them.
func (k *Kept) Float32s() []float32 { return k.mem.F32 }

// Float64s is the elements, row-major; nil before the first run, or if they are float32.
// The next run overwrites them.
func (k *Kept) Float64s() []float64 { return k.mem.F64 }

// Scalar is the first element, 0 before the first run.
func (k *Kept) Scalar() float64 {
	switch {
	case len(k.mem.F32) > 0:
		return float64(k.mem.F32[0])
	case len(k.mem.F64) > 0:
		return k.mem.F64[0]
	}
	return 0
}
