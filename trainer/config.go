package trainer

import (
	"medusa/datasets"
	"medusa/nets"
	"medusa/samplers"
)

// Config says everything about a run: with the same Config, data and number format, two
// runs on one machine give the same model, bit for bit. Its zero value is a usable run;
// Defaults shows what the zero fields mean.
type Config struct {
	Data     DataConfig      `json:"data,omitzero" yaml:"data,omitempty"`
	Net      nets.Config     `json:"net,omitzero" yaml:"net,omitempty"`           // channels, height and width are taken from the pictures
	Loss     string          `json:"loss,omitempty" yaml:"loss,omitempty"`        // as losses.Parse reads it: name:key=value,…; triplet if empty
	Sampler  samplers.Config `json:"sampler,omitzero" yaml:"sampler,omitempty"`   // batches; a seed of 0 is taken from Seed, sizes of 0 suit the data (see Fit)
	Solver   SolverConfig    `json:"solver,omitzero" yaml:"solver,omitempty"`     // how gradients become steps
	Schedule ScheduleConfig  `json:"schedule,omitzero" yaml:"schedule,omitempty"` // how the learning rate changes

	// Steps is the length of the run; Epochs says the same in epochs of the sampler.
	// At most one is given; 600 steps if neither.
	Steps  int `json:"steps,omitempty" yaml:"steps,omitempty"`
	Epochs int `json:"epochs,omitempty" yaml:"epochs,omitempty"`

	Clip float64 `json:"clip,omitempty" yaml:"clip,omitempty"` // largest global norm of the gradient; 0: not clipped

	// EvalEvery is the number of steps between evaluations on the validation classes: a
	// tenth of the run, but at least 50, if 0; -1: only at the start and at the end.
	EvalEvery int `json:"eval_every,omitempty" yaml:"eval_every,omitempty"`
	EvalBatch int `json:"eval_batch,omitempty" yaml:"eval_batch,omitempty"` // pictures at a time in evaluation; 128 if 0
	// EvalQueries is the number of items that an evaluation searches for, drawn by Seed, each
	// among the whole gallery: all if 0, but where these make more than 20 billion pairs with
	// the gallery (141,000 items among themselves) only as many as do; -1: all, whatever that takes.
	EvalQueries int `json:"eval_queries,omitempty" yaml:"eval_queries,omitempty"`
	// Metric is the figure of merit on the validation classes, such as recall_at_1 or
	// map_at_r, one of metrics.Names; cmc_at_K and cmc_map need cameras: larger is better, and between equals MAP@R decides, then the later step.
	// recall_at_1 if empty.
	Metric string `json:"metric,omitempty" yaml:"metric,omitempty"`
	// Patience stops the run after so many evaluations in a row of which none brought a better
	// Metric, nor as good a one with a better MAP@R; 0: never.
	Patience int  `json:"patience,omitempty" yaml:"patience,omitempty"`
	Keep     Keep `json:"keep,omitempty" yaml:"keep,omitempty"` // which weights become the model; best if empty

	CheckpointEvery int `json:"checkpoint_every,omitempty" yaml:"checkpoint_every,omitempty"` // steps; 100 if 0; -1: only at the end or when stopped
	LogEvery        int `json:"log_every,omitempty" yaml:"log_every,omitempty"`               // steps between lines of metrics.jsonl; 10 if 0

	Seed    uint64 `json:"seed,omitempty" yaml:"seed,omitempty"`       // of weights, batches, augmentation and k-means
	Threads int    `json:"threads,omitempty" yaml:"threads,omitempty"` // for the kernels; all processors if 0; no result depends on it
	Device  string `json:"device,omitempty" yaml:"device,omitempty"`   // cpu, cuda, cuda:N or auto; cpu if empty
	TF32    bool   `json:"tf32,omitempty" yaml:"tf32,omitempty"`       // whether a GPU may round the factors of products to 10 bits, for tensor cores

	// AnyOrder lets a GPU make sums in any order where that is faster: runs of one seed then
	// differ.
	AnyOrder bool `json:"any_order,omitempty" yaml:"any_order,omitempty"`
}

// Keep says which weights become the model at the end of a run.
type Keep string

// The two choices. Without validation classes there is no best, and the last are kept.
const (
	Best Keep = "best" // those with the best Metric on the validation classes, then MAP@R, then the later ones
	Last Keep = "last" // those of the last step
)

// DataConfig says which pictures a run learns from and is measured on, for Load.
type DataConfig struct {
	Path string `json:"path,omitempty" yaml:"path,omitempty"` // as datasets.Open reads it; the embedded Omniglot if empty
	// Val is where the validation classes come from, on which the best weights are chosen:
	// a path, a fraction of the training classes such as 0.1, or none. If empty: the
	// validation part of the data, else 0.1 where there are enough classes to learn (see
	// Load), else none. A run stores what it came to.
	Val string `json:"val,omitempty" yaml:"val,omitempty"`
	// firstRule has an empty Val mean what it meant in the first edition, whose runs did not
	// store what it came to.
	firstRule bool

	// Test is where the classes for the final figures come from: a path, a fraction of
	// the training classes, or none. If empty: the test part of the data, if there is one.
	Test string `json:"test,omitempty" yaml:"test,omitempty"`

	// TrainClasses and TestClasses name the classes to learn and to test where all lie in
	// one part, where train and test part have the same ones, as MNIST's, or in place of
	// the usual protocol of a well-known data set: names, patterns as of path.Match, and
	// ranges of numbers, with commas between: 0-4 and 5-9. Empty: all.
	TrainClasses string `json:"train_classes,omitempty" yaml:"train_classes,omitempty"`
	TestClasses  string `json:"test_classes,omitempty" yaml:"test_classes,omitempty"`

	Layout  datasets.Layout `json:"layout,omitempty" yaml:"layout,omitempty"`   // how folders are read; auto if empty
	Columns string          `json:"columns,omitempty" yaml:"columns,omitempty"` // of a table, see datasets.Options

	Height   int                 `json:"height,omitempty" yaml:"height,omitempty"`     // pixels; from the pictures if 0
	Width    int                 `json:"width,omitempty" yaml:"width,omitempty"`       // pixels; from the pictures if 0
	Channels int                 `json:"channels,omitempty" yaml:"channels,omitempty"` // 1 grey, 3 colour; from the pictures if 0
	Resize   datasets.ResizeMode `json:"resize,omitempty" yaml:"resize,omitempty"`     // squeeze if empty
	Invert   bool                `json:"invert,omitempty" yaml:"invert,omitempty"`     // store 255 − value
	// Range says which values of 16 bits and of floating point are black and white, as
	// datasets.Options.Range; auto if empty: what the training pictures use.
	Range string `json:"range,omitempty" yaml:"range,omitempty"`
	// Detail, 1 … 4, keeps pictures so many times as large for augmentation to crop and
	// enlarge from without blur; no larger copy if 0.
	Detail float64 `json:"detail,omitempty" yaml:"detail,omitempty"`

	// Normalise is auto (mean and deviation of each channel over the training pictures),
	// none (values on [0, 1]), or given (Mean and Std); auto if empty.
	Normalise string    `json:"normalise,omitempty" yaml:"normalise,omitempty"`
	Mean      []float32 `json:"mean,omitempty" yaml:"mean,omitempty"` // on [0, 1], one a channel
	Std       []float32 `json:"std,omitempty" yaml:"std,omitempty"`   // on [0, 1], one a channel

	Augment datasets.Augment `json:"augment,omitzero" yaml:"augment,omitempty"`

	Strict         bool   `json:"strict,omitempty" yaml:"strict,omitempty"`                   // an unreadable picture ends the run
	DropDuplicates bool   `json:"drop_duplicates,omitempty" yaml:"drop_duplicates,omitempty"` // leave out byte-identical files
	Copies         Copies `json:"copies,omitempty" yaml:"copies,omitempty"`                   // what is done about pictures that stand in two parts; tell if empty
	MaxPixels      int64  `json:"max_pixels,omitempty" yaml:"max_pixels,omitempty"`           // largest width × height that is decoded
	CacheBytes     int64  `json:"cache_bytes,omitempty" yaml:"cache_bytes,omitempty"`         // memory for decoded pictures; a cache file above it
	CacheDir       string `json:"cache_dir,omitempty" yaml:"cache_dir,omitempty"`             // where that file is made
	KeepCache      bool   `json:"keep_cache,omitempty" yaml:"keep_cache,omitempty"`           // decoded pictures stay in CacheDir for the next run
	Workers        int    `json:"workers,omitempty" yaml:"workers,omitempty"`                 // goroutines that prepare pictures; all processors if 0
	Ahead          int    `json:"ahead,omitempty" yaml:"ahead,omitempty"`                     // batches prepared ahead; 4 if 0
}

// Copies says what is done about pictures of the test or validation classes that an earlier
// part has too, byte-identical or encoded or sized anew (datasets.FindNearCopies).
type Copies string

// The three choices.
const (
	TellCopies     Copies = "tell"   // they are noted in the summary
	LeaveOutCopies Copies = "drop"   // the earlier part, such as training, loses them
	IgnoreCopies   Copies = "ignore" // they are not looked for
)

// SolverConfig chooses and configures a solver. The formulas are PyTorch's.
type SolverConfig struct {
	Name     string  `json:"name,omitempty" yaml:"name,omitempty"`         // sgd, adam, adamw or rmsprop; adam if empty
	LR       float64 `json:"lr,omitempty" yaml:"lr,omitempty"`             // learning rate; 1e-3 if 0, for sgd 0.05
	Momentum float64 `json:"momentum,omitempty" yaml:"momentum,omitempty"` // sgd, rmsprop: share of the last step that is kept
	Nesterov bool    `json:"nesterov,omitempty" yaml:"nesterov,omitempty"` // sgd: look ahead along the momentum
	Beta1    float64 `json:"beta1,omitempty" yaml:"beta1,omitempty"`       // adam, adamw: decay of the mean gradient; 0.9 if 0
	Beta2    float64 `json:"beta2,omitempty" yaml:"beta2,omitempty"`       // adam, adamw: decay of the mean square; 0.999 if 0
	Alpha    float64 `json:"alpha,omitempty" yaml:"alpha,omitempty"`       // rmsprop: decay of the mean square; 0.99 if 0
	Eps      float64 `json:"eps,omitempty" yaml:"eps,omitempty"`           // added to the denominator; 1e-8 if 0

	// WeightDecay is added to the gradient as WeightDecay·w, or with adamw taken from
	// the weight directly, as LR·WeightDecay·w. Vectors (biases, batch norm's scale and
	// shift) are spared unless DecayAll says otherwise.
	WeightDecay float64 `json:"weight_decay,omitempty" yaml:"weight_decay,omitempty"`
	DecayAll    bool    `json:"decay_all,omitempty" yaml:"decay_all,omitempty"`

	LossLR float64 `json:"loss_lr,omitempty" yaml:"loss_lr,omitempty"` // learning rate of the loss's own weights (class weights, proxies) ÷ LR; 1 if 0
}

// ScheduleConfig says how the learning rate changes over the run.
type ScheduleConfig struct {
	Name   string  `json:"name,omitempty" yaml:"name,omitempty"`     // constant, step, cosine or plateau; constant if empty
	Warmup int     `json:"warmup,omitempty" yaml:"warmup,omitempty"` // steps over which the rate rises linearly from 0, before any of these
	Every  int     `json:"every,omitempty" yaml:"every,omitempty"`   // step: steps between two drops; a third of the run if 0
	Gamma  float64 `json:"gamma,omitempty" yaml:"gamma,omitempty"`   // step, plateau: factor of a drop; 0.1 if 0
	Floor  float64 `json:"floor,omitempty" yaml:"floor,omitempty"`   // cosine, plateau: least rate ÷ LR
	Wait   int     `json:"wait,omitempty" yaml:"wait,omitempty"`     // plateau: evaluations without better figures, as for Patience, before a drop; 3 if 0
}
