// Package optim moves weights: solvers (SGD, Adam, AdamW, RMSProp, Lion, LAMB), schedules of the
// learning rate, groups of parameters, clipping, running averages of the weights.
//
// A loop of one's own uses it over any Gorgonia graph whose weights are in a graph.Params:
//
//	tensors, err := optim.Gradients(cost, params)       // into the graph of cost
//	loss, err := graph.Keep(cost)
//	vm, err := machine.New(cost.Graph())
//	cfg := optim.Default("adamw")
//	solver, err := optim.New(cfg, tensors, optim.Options{Clip: 1})
//	schedule, err := optim.NewSchedule(optim.DefaultSchedule("cosine"), steps)
//	for step := 1; step <= steps; step++ {
//		// fill the inputs
//		vm.Reset()
//		err = vm.RunAll()
//		result, err := solver.Step(loss, cfg.LR*schedule.Factor(step))
//	}
//
// Config says which solver, with numbers as PyTorch has them, and Default has the published ones.
// Vectors (biases, the scale and shift of batch normalisation) have no weight decay unless
// Config.DecayAll says so. Groups give parameters other rates and weight decays by their names, and
// Options.Rate changes rates while training. Solver.Save and Load keep what a solver knows of the
// past, Averaging keeps averages.
//
// On a device (Options.Device) Begin and End take the two halves of Step apart, so that the device
// never waits for the program. Results do not depend on the number of threads.
//
// The trainer does the same, and keeps the state of all in its checkpoints.
package optim
