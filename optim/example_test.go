package optim_test

import (
	"fmt"
	"log"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/graph"
	"medusa/machine"
	"medusa/optim"
)

// line is the graph of a loop of one's own: the mean square of what y = w·x + b misses in eight points
// of y = 2x − 1.
func line(params *graph.Params) *gorgonia.Node {
	g := gorgonia.NewGraph()
	x, y := make([]float32, 8), make([]float32, 8)
	for i := range x {
		x[i] = float32(i)/4 - 1
		y[i] = 2*x[i] - 1
	}
	input := func(name string, values []float32) graph.Expr {
		return graph.Data(gorgonia.NewTensor(g, tensor.Float32, 2, gorgonia.WithName(name), gorgonia.WithShape(8, 1),
			gorgonia.WithValue(tensor.New(tensor.WithShape(8, 1), tensor.WithBacking(values)))))
	}
	w := params.Weight(g, "line.weight", tensor.Float32, graph.Fill(0), 1, 1)
	b := params.Weight(g, "line.bias", tensor.Float32, graph.Fill(0), 1, 1)
	cost, err := input("x", x).Mul(w).Add(b).Sub(input("y", y)).Square().Mean().Node()
	if err != nil {
		log.Fatal(err)
	}
	return cost
}

// A loop of one's own over a Gorgonia graph: AdamW, warmed up and then along half a cosine, the
// gradient clipped to a norm of 1.
func Example() {
	params := graph.NewParams(1)
	cost := line(params)
	tensors, err := optim.Gradients(cost, params)
	if err != nil {
		log.Fatal(err)
	}
	loss, err := graph.Keep(cost)
	if err != nil {
		log.Fatal(err)
	}
	vm, err := machine.New(cost.Graph())
	if err != nil {
		log.Fatal(err)
	}
	defer vm.Close()

	const steps = 200
	cfg := optim.Default("adamw")
	cfg.LR, cfg.WeightDecay = 0.1, 1e-4
	solver, err := optim.New(cfg, tensors, optim.Options{Clip: 1})
	if err != nil {
		log.Fatal(err)
	}
	schedule, err := optim.NewSchedule(optim.ScheduleConfig{Name: "cosine", Warmup: 10}, steps)
	if err != nil {
		log.Fatal(err)
	}
	for step := 1; step <= steps; step++ {
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			log.Fatal(err)
		}
		if _, err := solver.Step(loss, cfg.LR*schedule.Factor(step)); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("y = %.2f x + %.2f after %d steps\n", tensors[0].Weights[0], tensors[1].Weights[0], solver.Steps())
	// Output: y = 2.00 x + -1.00 after 200 steps
}

// A schedule of one's own, and parameters that differ: layers below learn slower, and biases have no
// weight decay.
func ExampleGroup() {
	schedule := optim.ScheduleFunc(func(step int) float64 { return 1 / float64(1+step/100) })
	groups := append(optim.LayerDecay(0.5, "backbone.layer1.", "backbone.layer2.", "embedding."), optim.Group{Names: "*.bias", LR: 1, Decay: 0})
	for _, g := range groups {
		fmt.Println(g.Names, g.LR, g.Decay)
	}
	fmt.Println(schedule.Factor(1), schedule.Factor(100))
	// Output:
	// backbone.layer1. 0.25 1
	// backbone.layer2. 0.5 1
	// embedding. 1 1
	// *.bias 1 0
	// 1 0.5
}

// Averages of the weights stand in a set of their own, over which the graph is built again to use
// them.
func ExampleAveraging() {
	params, averages := graph.NewParams(1), graph.NewParams(1)
	cost := line(params)
	line(averages) // the same tensors
	tensors, err := optim.Gradients(cost, params)
	if err != nil {
		log.Fatal(err)
	}
	loss, err := graph.Keep(cost)
	if err != nil {
		log.Fatal(err)
	}
	vm, err := machine.New(cost.Graph())
	if err != nil {
		log.Fatal(err)
	}
	defer vm.Close()
	solver, err := optim.New(optim.Config{Name: "sgd", LR: 0.1}, tensors, optim.Options{Average: &optim.Averaging{
		AverageConfig: optim.AverageConfig{Decay: 0.9}, Of: params, Into: averages,
	}})
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		vm.Reset()
		if err := vm.RunAll(); err != nil {
			log.Fatal(err)
		}
		if _, err := solver.Step(loss, 0.1); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%.3f %.3f\n", tensors[1].Weights[0], averages.Lookup("line.bias").Value.Float32s()[0])
	}
	// Output:
	// -0.250 -0.205
	// -0.446 -0.386
	// -0.599 -0.533
}
