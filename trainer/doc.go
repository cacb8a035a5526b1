// Package trainer runs the training of a network: it binds pictures, sampler, network,
// loss, solver and schedule together, evaluates on classes that are not learned, and
// keeps everything in a run folder from which a broken run goes on, bit for bit.
//
//	cfg := trainer.Config{Loss: "triplet:margin=0.2", Steps: 600}
//	data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{})
//	t, err := trainer.New(cfg, data, trainer.Options{Dir: "runs/first"})
//	result, err := t.Run(ctx)
//
// # The run folder
//
//	config.yaml                       the configuration, every default filled in
//	metrics.jsonl                     a line for every logged step, evaluation and warning
//	checkpoints/last.safetensors      where Resume goes on
//	checkpoints/previous.safetensors  what the last one was before, in case it is damaged
//	checkpoints/best.safetensors      the run at its best evaluation on the validation classes:
//	                                  by the metric, then MAP@R, then the later step
//	model.safetensors                 the network alone, for package model
//	embeddings.safetensors            embeddings, labels, paths and classes of the measured pictures
//	report.html                       curves, figures, map, queries on one page
//	left-out.csv                      the files that were left out, and why
//	result.json                       the Result; written last
//	tensorboard/                      the figures of metrics.jsonl for TensorBoard
//
// Files are written under another name, synced and renamed, and carry a checksum: a
// process that is killed at any moment leaves a folder that Resume takes, and a damaged
// file is told from a whole one. Where the last checkpoint is damaged, Resume says so and
// goes on from the newest that is whole. A checkpoint takes the room of the weights, with
// Adam three times that; a folder holds three of them, and a fourth while one is written.
//
// The result is written last and knows the other files by their checksums: a run is
// finished when it is there and they are as it knows them. Missing tells what is not, and
// Resume makes it again, with the same bits.
//
// A run is known by its content: the configuration, the classes, and the pixels of its
// pictures. Checkpoints of other runs and other pictures are refused; the same pictures in
// another place are not. The checksum of 20,000 pictures of 28×28 takes a tenth of a second
// on two cores.
//
// Tensors have one name everywhere, in Params, checkpoints and models: backbone.conv1.weight,
// embedding.fc.weight, and loss.classifier.weight for the loss's own, or loss.0.… where several
// parts of a loss have some. Files of format version 1, with flat names, are read as well.
//
// A Stepper is the training step alone, for a loop of one's own. Solver and schedule are of package
// optim, a trained model in use is of package model, the choice of classes is of package datasets. With
// Config.Average, evaluations, the best step and the model use running averages of the weights, which
// a checkpoint holds too.
//
// # Fine-tuning
//
// Config.FineTune says which model a run begins with (Config.StartFrom, called before Load, takes over its network and its
// preparation of pictures), which parts of the backbone are frozen and for how long, and how fast each learns. A run then has
// phases: in each the graph of training and the solver are those of the parameters that learn, and what joins them begins
// with moments of its own. While the whole backbone is frozen, and pictures are not augmented, steps see its features, which
// are made once, with the same bits in the end. Options.Epochs or Options.Steps have Resume lengthen a run.
//
// # What suits the data
//
// Settings of which nothing is said suit the data: with fewer than 16 classes to learn P is
// their number and K grows to fill the batch, with small classes K shrinks and P grows
// (samplers.Config.Fit); validation classes are cut where there are enough to spare some
// (Load). StartInfo.Fitted tells what was chosen and why, and the run folder stores it. Sizes
// that are given stay as they are, or are refused with what is possible.
//
// Warnings say in words where a metric cannot choose between the weights of two steps: the
// validation classes are few, the metric is at its ceiling or never moves. The weights of
// step 0 become the model only if training made all that the order looks at worse, and a
// warning says so.
//
// # Weights of others
//
// With Config.Weights the backbone begins with weights that others trained. Config.WithWeights, called before Load, fills in
// what the file decides, how pictures are prepared among it, and tells what stands against it; New loads the file, and
// Result.Weights has what became of each tensor.
//
// # Exactness
//
// A checkpoint holds weights, running statistics, the solver's moments, dropout's
// counters, the loss's own weights, memories, counters and random sources, the sampler's state, the schedule's, the best metric
// and what is known of the run's health. Augmentation depends on seed, step and place in the batch
// alone. A resumed run therefore makes the same weights and the same lines of
// metrics.jsonl, times aside, as one that was never broken. So do runs with other
// numbers of threads or workers.
//
// # The order of a step
//
// The batch is copied into the graph's inputs, the graph computes loss and gradients,
// both are checked to be finite, the gradient is clipped to a global norm, and the solver
// moves the weights in one pass. If loss or gradient are not finite, the step is not
// made, running statistics and the loss's state are put back, and Run ends with a NotFiniteError after a
// checkpoint of the state before.
//
// In the code a step is read in step.go, from batch to stepped weights: batches draws and feeds,
// learner has graph, solver and what puts a failed step back, figures measures. What the run keeps of
// it hangs on hooks: see Hook.
package trainer
