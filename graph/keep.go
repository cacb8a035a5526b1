package graph

import (
	"math"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/internal/device"
	"medusa/internal/spec"
)

// Kept is a node's value as of the last run of its graph. It stands in for gorgonia.Read,
// which makes a new copy at every run, and for the node's own Value, which later
// operations may overwrite (gorgonia #576).
type Kept struct {
	n     int
	shape tensor.Shape
	dt    tensor.Dtype
	mem   device.Memory
	host  []float32 // of a device's memory, copied when asked for
	err   error
}

// StandsAt tells where the value stands, for machines that do not run the op.
func (k *Kept) StandsAt(at device.Memory) { k.mem = at }

// Keep makes the graph keep n's value at every run.
func Keep(n *gorgonia.Node) (*Kept, error) {
	e := Data(n)
	if e.Err() != nil {
		return nil, e.Err()
	}
	shape := n.Shape().Clone()
	k := &Kept{n: shape.TotalSize(), shape: shape, dt: n.Dtype()}
	if err := addOp(&op{spec: spec.Copy{N: k.n}, out: shape, id: ids.Add(1), kept: k}, []Expr{e}).Err(); err != nil {
		return nil, errors.Wrap(err, "graph: keep")
	}
	return k, nil
}

// Shape is the shape of the node.
func (k *Kept) Shape() tensor.Shape { return k.shape.Clone() }

// Float32s is the elements, row-major; nil before the first run, or if they are float64.
// The next run overwrites them. Those of a device are copied to the host at every call; nil
// if that fails, which Err tells.
func (k *Kept) Float32s() []float32 {
	if k.mem.Remote == nil {
		return k.mem.F32
	}
	if k.host == nil {
		k.host = make([]float32, k.n)
	}
	if k.err = k.mem.On.Download(k.host, k.mem.Remote); k.err != nil {
		return nil
	}
	return k.host
}

// Float64s is the elements, row-major; nil before the first run, or if they are float32.
// The next run overwrites them.
func (k *Kept) Float64s() []float64 { return k.mem.F64 }

// Err is what went wrong when a device's elements were last copied to the host.
func (k *Kept) Err() error { return k.err }

// Remote is the elements as memory of a device; nil before the first run and on the CPU.
func (k *Kept) Remote() device.Remote { return k.mem.Remote }

// Scalar is the first element, 0 before the first run and NaN if it cannot be read.
func (k *Kept) Scalar() float64 {
	if k.mem.Remote != nil {
		var first [1]float32
		if k.err = k.mem.On.Download(first[:], k.mem.Remote); k.err != nil {
			return math.NaN()
		}
		return float64(first[0])
	}
	switch {
	case len(k.mem.F32) > 0:
		return float64(k.mem.F32[0])
	case len(k.mem.F64) > 0:
		return k.mem.F64[0]
	}
	return 0
}
