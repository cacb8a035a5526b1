package machine_test

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/machine"
)

// Of eight blocks, a machine keeps what ends each; what is within is computed again, with the same result.
func ExampleMachine_Recomputed() {
	block := func(x graph.Expr) graph.Expr { return x.Tanh().Exp().Sigmoid().Mul(x) }
	run := func(end func(graph.Expr) graph.Expr) (*machine.Machine, float32) {
		g := gorgonia.NewGraph()
		n, memory := graph.Input(g, "x", 4, 1, 1000)
		memory[7] = 0.5
		x := graph.Of(n)
		for range 8 {
			x = block(end(x))
		}
		cost, _ := x.Sum().Node()
		grads, err := gorgonia.Grad(cost, n)
		if err != nil {
			fmt.Println(err)
			return nil, 0
		}
		kept, _ := graph.Keep(grads[0])
		vm, err := machine.New(g)
		if err == nil {
			err = vm.RunAll()
		}
		if err != nil {
			fmt.Println(err)
			return nil, 0
		}
		return vm.(*machine.Machine), kept.Float32s()[7]
	}
	kept, dx := run(func(x graph.Expr) graph.Expr { return x })
	again, same := run(graph.EndSegment)
	fmt.Println(kept.Recomputed(), kept.Memory()/16000, "values of (4, 1, 1000)")
	fmt.Println(again.Recomputed(), again.Memory()/16000, dx == same)
	// Output:
	// 0 33 values of (4, 1, 1000)
	// 21 12 true
}
