package losses_test

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/losses"
	"medusa/miners"
	"medusa/pairs"
)

// Gorgonia nodes in, a node out.
func ExampleBuild() {
	g := gorgonia.NewGraph()
	x := gorgonia.NodeFromAny(g, tensor.New(tensor.WithShape(4, 2), tensor.WithBacking(points)), gorgonia.WithName("x"))
	y := gorgonia.NodeFromAny(g, tensor.New(tensor.WithBacking([]float64{0, 0, 1, 1})), gorgonia.WithName("y"))
	cost, err := losses.Build(losses.Triplet{Margin: 0.2, Miner: miners.BatchHard{}}, x, y)
	if err != nil {
		panic(err)
	}
	vm := gorgonia.NewTapeMachine(g)
	defer vm.Close()
	fmt.Println(vm.RunAll())
	fmt.Printf("%.3f\n", cost.Value().Data())
	// Output:
	// <nil>
	// 0.722
}

// A loss of one's own is a formula.
func ExampleFunc() {
	show(losses.Func(func(b pairs.Batch) graph.Expr {
		c := b.Compare(pairs.LP{}) // (B, M)
		return graph.MeanOver(c.Pos, c.D).Sub(graph.MeanOver(c.Neg, c.D))
	}))
	// Output:
	// -0.305
}

// A function of Gorgonia nodes is a loss, too.
func ExampleOf() {
	show(losses.Of(func(embeddings, _ *gorgonia.Node) (*gorgonia.Node, error) {
		squares, err := gorgonia.Square(embeddings)
		if err != nil {
			return nil, err
		}
		return gorgonia.Mean(squares)
	}))
	// Output:
	// 0.500
}

// A loss without a field for a miner is mined like this.
func ExampleMined() {
	push := losses.Func(func(b pairs.Batch) graph.Expr {
		c := b.Compare(pairs.LP{})
		return pairs.Terms{c.Term("neg", c.Neg, c.D.Hinge(-1, 1))}.Reduce(pairs.Mean{})
	})
	show(push)                                              // of all negative pairs
	show(losses.Mined{Miner: miners.BatchHard{}, Of: push}) // of the nearest of each anchor
	// Output:
	// 0.092
	// 0.184
}
