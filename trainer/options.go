package trainer

import (
	"log/slog"

	"medusa/losses"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// Options are the parts of a run that are not its configuration.
type Options struct {
	Dir    string       // run folder; New makes it, and refuses one that is not empty
	Hooks  []Hook       // told in this order
	Logger *slog.Logger // discarded if nil

	// ConfigText is what config.yaml of the run folder says, such as a command's own
	// configuration; the YAML of the Config if nil. Resume writes it where it is missing.
	ConfigText []byte

	// Threads and Workers stand in for those of the configuration if above 0, for a run
	// that is resumed elsewhere. No result depends on them.
	Threads, Workers int

	// Keep stands in for that of the configuration if not empty: Last makes a model where
	// the best weights were lost.
	Keep Keep

	// Steps and Epochs have Resume lengthen a run, to so many in all: at most one is above 0. See Config.Lengthened. What
	// was derived from the length that the run was begun with, such as EvalEvery, stays.
	Steps, Epochs int

	// Loss, Backbone and Sampler, if not nil, stand in for what Config.Loss, Config.Net.Backbone
	// and Config.Sampler name: names serve files. The run folder keeps a description of them, the
	// type with its fields, and Resume must be given the same again. A loss of a registered kind
	// is kept as text, and need not be. A loss that is a losses.Settable is told the classes and
	// the size of an embedding before it is built; one with parameters of its own serves one run.
	// A backbone reads what it wants of Config.Net. A sampler has drawn nothing yet.
	Loss     losses.Loss
	Backbone nets.Builder
	Sampler  samplers.Sampler

	// Schedule, if not nil, stands in for Config.Schedule, whose warm-up it also is. Like the
	// others it must be given again, as it was at first, to Resume; the state of an optim.Watching
	// is then that of the checkpoint.
	Schedule optim.Schedule

	// Rate, if not nil, is a factor on the learning rate of each parameter, such as
	// backbone.conv1.weight, at each step, counted from 1; it comes to that of LRScales. At 0 the
	// parameter is frozen for that step, and there is no weight decay either; what the solver
	// knows of its gradients goes on. It gives the same for the same step in a resumed run.
	Rate func(step int, parameter string) float64

	// LRScales multiplies the learning rate of the parameters whose names begin with its keys, such
	// as "backbone." or "backbone.layer1."; the longest key that fits counts. 0 freezes them: no
	// step moves them, nor do the running statistics of their batch normalisation move. A run
	// that is resumed has those that it was begun with.
	LRScales map[string]float64

	// Naming says how messages call settings; as fields of Config if nil.
	Naming Naming

	// Device stands in for that of the configuration if not empty, for a run that is resumed
	// elsewhere: what was learned passes from one device to another.
	Device string
	// Notice is told which device is taken where that is open, what it leaves to the host, and
	// what Resume found damaged and how it helped itself; nil if nobody wants to know.
	Notice func(message string)

	// everyStep has each step run a frozen backbone, where features could be made once: for tests.
	everyStep bool

	// NoReport and NoEmbeddings leave out report.html and embeddings.safetensors, which a
	// finished run has in its folder otherwise.
	NoReport, NoEmbeddings bool
}
