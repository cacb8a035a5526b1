package losses

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"

	"github.com/pkg/errors"
	"gorgonia.org/gorgonia"

	"medusa/graph"
)

// constants is a tensor of numbers that a loss knows, such as a table of classes, of e's graph and
// type. No gradient flows through it.
func constants(e graph.Expr, what string, values []float64, shape ...int) graph.Expr {
	if err := e.Err(); err != nil {
		return graph.Fail(err)
	}
	t, err := graph.Tensor(values, e.Dtype(), shape...)
	if err != nil {
		return graph.Fail(errors.Wrapf(err, "losses: %s", what))
	}
	// Gorgonia merges inputs of one name and shape, so the name stands for the numbers too.
	h := fnv.New128a()
	for _, v := range values {
		binary.Write(h, binary.LittleEndian, math.Float64bits(v))
	}
	name := fmt.Sprintf("%s %x", what, h.Sum(nil))
	return graph.Data(gorgonia.NewTensor(e.Graph(), e.Dtype(), len(shape), gorgonia.WithName(name), gorgonia.WithShape(shape...), gorgonia.WithValue(t)))
}
