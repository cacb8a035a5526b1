// Package optim moves weights: solvers (SGD, Adam, AdamW, RMSProp), schedules of the learning rate,
// groups of parameters, clipping.
//
// A package of its own loop uses it over any Gorgonia graph whose weights are in a graph.Params:
//
//	tensors, err := optim.Gradients(cost, params)       // into the graph of cost
//	loss, err := graph.Keep(cost)
//	vm, err := graph.NewMachine(cost.Graph())
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
// The trainer does the same, and keeps the state of both in its checkpoints.
package optim
