package graph_test

import (
	"fmt"
	"log"

	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/machine"
)

// The same memory is filled again for every run.
func ExampleInput() {
	g := gorgonia.NewGraph()
	x, memory := graph.Input(g, "x", 3)
	sum, err := graph.Of(x).Sum().Node()
	if err != nil {
		log.Fatal(err)
	}
	kept, err := graph.Keep(sum)
	if err != nil {
		log.Fatal(err)
	}
	vm, err := machine.New(g)
	if err != nil {
		log.Fatal(err)
	}
	defer vm.Close()
	for run := range 2 {
		copy(memory, []float32{1, 2, float32(run)})
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			log.Fatal(err)
		}
		fmt.Println(kept.Scalar())
	}
	// Output:
	// 3
	// 4
}
