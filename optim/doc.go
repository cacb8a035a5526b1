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
// Where a graph gathers rows of a parameter by graph.Gather and reads nothing else of it, such as the
// vectors of the classes that compete in a sampled loss, or a table of vectors, the gradient is kept by
// rows, and a step reads and writes those rows alone: weights, running means and momentum of the others
// stay as they are, and they have no weight decay. So SGD without momentum and weight decay is the same as
// ever, Adam is PyTorch's SparseAdam (but for Eps, which stands where it does in Adam) with bias
// correction by the step's number, momentum is that of the rows named, and LAMB scales the step to the
// length of these rows. Norms, clipping and what is not finite are told of the rows as of a gradient that is 0
// elsewhere, and averages are of all rows. Config.AllRows asks for steps of all rows instead.
//
// On a device (Options.Device) Begin and End take the two halves of Step apart, so that the device
// never waits for the program. Results do not depend on the number of threads.
//
// The trainer does the same, and keeps the state of all in its checkpoints.
package optim
