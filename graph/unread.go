package graph

import (
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Gorgonia's own machine runs all nodes of a graph, also those that other ops do by themselves and nobody
// reads. The ops spare themselves the work there; package machine has no steps of them.

// isUnread reports whether nobody wants what o makes: others do by themselves what it does, and neither
// another node nor somebody who was given the node (Expr.Node) reads it.
func (o *op) isUnread() bool {
	if !o.absorbed || o.given || o.node == nil {
		return false
	}
	for readers := o.node.Graph().To(o.node.ID()); readers.Next(); {
		if reader, ok := readers.Node().(*gorgonia.Node).Op().(*op); !ok || !reader.isUnread() {
			return false
		}
	}
	return true
}

// notComputed is a value of NaN, or of no places, where nobody reads what o makes.
func (o *op) notComputed(dt tensor.Dtype) gorgonia.Value {
	if o.unread != nil {
		return o.unread
	}
	nan := math.NaN()
	switch {
	case o.isPlaces():
		d := tensor.New(tensor.Of(tensor.Int32), tensor.WithShape(o.out...))
		for i, x := 0, d.Int32s(); i < len(x); i++ {
			x[i] = math.MinInt32
		}
		o.unread = d
	case o.out.Dims() > 0 && dt == tensor.Float32:
		d := tensor.New(tensor.Of(dt), tensor.WithShape(o.out...))
		for i, x := 0, d.Float32s(); i < len(x); i++ {
			x[i] = float32(nan)
		}
		o.unread = d
	case o.out.Dims() > 0:
		d := tensor.New(tensor.Of(dt), tensor.WithShape(o.out...))
		for i, x := 0, d.Float64s(); i < len(x); i++ {
			x[i] = nan
		}
		o.unread = d
	case dt == tensor.Float32:
		o.unread = gorgonia.NewF32(float32(nan))
	default:
		o.unread = gorgonia.NewF64(nan)
	}
	return o.unread
}
