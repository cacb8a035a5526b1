package graph

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
	// Gorgonia panics at init on Go 1.23 and later with the version of this module that its
	// own go.mod names (gorgonia #523); the import keeps ours among the requirements.
	_ "go4.org/unsafe/assume-no-moving-gc"
)

// Every gradient begins at one constant node that all graphs of a process share, and Gorgonia
// writes the node's hash into it when it is first asked for: graphs that were differentiated by
// several goroutines would race for that. Here it is asked for before any of them.
func init() {
	for _, dt := range []tensor.Dtype{tensor.Float32, tensor.Float64} {
		x := gorgonia.NewScalar(gorgonia.NewGraph(), dt, gorgonia.WithName("x"))
		if _, err := gorgonia.Grad(gorgonia.Must(gorgonia.Neg(x)), x); err != nil {
			panic(err) // Gorgonia differentiates a minus
		}
	}
}
