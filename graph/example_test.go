package graph_test

import (
	"fmt"
	"math"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
)

// number runs e's graph and prints e's elements.
func number(e graph.Expr) {
	n, err := e.Node()
	if err != nil {
		fmt.Println(err)
		return
	}
	var v gorgonia.Value
	gorgonia.Read(n, &v)
	vm := gorgonia.NewTapeMachine(n.Graph())
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		fmt.Println(err)
		return
	}
	x, err := graph.Numbers(v)
	fmt.Printf("%.4g %v\n", x, err)
}

// value is an input of g.
func value(g *gorgonia.ExprGraph, name string, x []float64, shape ...int) graph.Expr {
	t, err := graph.Tensor(x, tensor.Float64, shape...)
	if err != nil {
		return graph.Fail(err)
	}
	return graph.Of(gorgonia.NewTensor(g, tensor.Float64, len(shape), gorgonia.WithShape(shape...),
		gorgonia.WithName(name), gorgonia.WithValue(t)))
}

func ExampleDistances() {
	x := value(gorgonia.NewGraph(), "x", []float64{0, 0, 3, 4}, 2, 2)
	number(graph.Distances(x))
	// Output: [0 5 5 0] <nil>
}

func ExampleMeanOver() {
	g := gorgonia.NewGraph()
	d := value(g, "d", []float64{0, 1, 8, 1, 0, 6, 8, 6, 0}, 3, 3)
	pos, neg := graph.PairMasks(value(g, "labels", []float64{5, 5, 9}, 3))
	number(graph.MeanOver(pos, d))
	number(graph.MeanOver(neg, d))
	// Output:
	// [1] <nil>
	// [7] <nil>
}

// The hardest positive of each row; the last has none.
func ExampleRowMax() {
	g := gorgonia.NewGraph()
	d := value(g, "d", []float64{0, 1, 8, 1, 0, 6, 8, 6, 0}, 3, 3)
	pos, _ := graph.PairMasks(value(g, "labels", []float64{5, 5, 9}, 3))
	number(graph.RowMax(pos, d, -1))
	// Output: [1 1 -1] <nil>
}

// A batch of two against a reference set of three.
func ExamplePairMasksBetween() {
	g := gorgonia.NewGraph()
	pos, _ := graph.PairMasksBetween(value(g, "labels", []float64{3, 8}, 2), value(g, "ref", []float64{8, 3, 3}, 3))
	number(pos)
	// Output: [0 1 1 1 0 0] <nil>
}

// The entries of each row that lie between two bounds of its own.
func ExampleWithin() {
	g := gorgonia.NewGraph()
	d := value(g, "d", []float64{1, 2, 3, 4, 5, 6}, 2, 3)
	above, atMost := value(g, "above", []float64{1, 4}, 2, 1), value(g, "at most", []float64{3, 5}, 2, 1)
	number(graph.Within(d.Constant(1, 2, 3), d, above, atMost))
	// Output: [0 1 1 0 1 0] <nil>
}

// The hardest negative of each anchor, in the columns that a miner of one's own lists; −1 is none.
func ExampleAt() {
	g := gorgonia.NewGraph()
	d := value(g, "d", []float64{1, 2, 3, 4, 5, 6}, 2, 3)
	chosen := graph.At(d.Constant(1, 2, 3), value(g, "columns", []float64{0, 2, 1, -1}, 2, 2))
	number(graph.RowMin(chosen, d, 0))
	// Output: [1 5] <nil>
}

func ExampleLpDistances() {
	g := gorgonia.NewGraph()
	x, y := value(g, "x", []float64{0, 0}, 1, 2), value(g, "y", []float64{3, 4, 1, -2}, 2, 2)
	number(graph.LpDistances(x, y, math.Inf(1)))
	number(graph.LpDistances(x, y, 3))
	// Output:
	// [4 2] <nil>
	// [4.498 2.08] <nil>
}

func ExampleCrossEntropy() {
	g := gorgonia.NewGraph()
	logits := value(g, "logits", []float64{0, 0, 0, 0, 100, 0}, 2, 3)
	number(graph.CrossEntropy(logits, value(g, "labels", []float64{2, 1}, 2), 0)) // ln 3 and 0
	// Output: [1.099 0] <nil>
}

func ExampleGather() {
	g := gorgonia.NewGraph()
	proxies := value(g, "proxies", []float64{1, 2, 3, 4, 5, 6}, 3, 2)
	number(graph.Gather(proxies, value(g, "labels", []float64{2, 0}, 2)))
	// Output: [5 6 1 2] <nil>
}

func ExampleConcat() {
	g := gorgonia.NewGraph()
	a, b := value(g, "a", []float64{1, 2, 3, 4}, 2, 2), value(g, "b", []float64{8, 9}, 2, 1)
	number(graph.Concat(1, a, b))
	// Output: [1 2 8 3 4 9] <nil>
}

func ExampleNormalize() {
	number(graph.Normalize(value(gorgonia.NewGraph(), "x", []float64{3, 4, 0, 0}, 2, 2)))
	// Output: [0.6 0.8 0 0] <nil>
}

func ExampleWhere() {
	g := gorgonia.NewGraph()
	x, mask := value(g, "x", []float64{1, 2, 3}, 3), value(g, "mask", []float64{1, 0, 1}, 3)
	number(graph.Where(mask, x, -9))
	// Output: [1 -9 3] <nil>
}
