package trainer

import (
	"medusa/datasets"
	"medusa/nets"
	"medusa/optim"
	"medusa/samplers"
)

// Config says everything about a run: with the same Config, data and number format, two
// runs on one machine give the same model, bit for bit. Its zero value is a usable run;
// Defaults shows what the zero fields mean, and Default is a Config to begin with where a 0
// is meant. The tags beside a field make its flag, its key in files and its line of help: see
// the package internal/settings.
type Config struct {
	Data DataConfig  `json:"data,omitzero" yaml:"data,omitempty" group:"Pictures"`
	Net  nets.Config `json:"net,omitzero" yaml:"net,omitempty" group:"Network"` // channels, height and width are taken from the pictures
	// Weights is a file of weights that others trained, which the backbone begins with: see WithWeights. WeightsSum is its
	// SHA-256; a run that goes on does not read the file.
	Weights    string `json:"weights,omitempty" yaml:"weights,omitempty" flag:"weights" arg:"FILE" doc:"begin with weights that others trained: a file of torchvision, timm, Hugging Face and others (.safetensors, .pth, .onnx). It says which backbone it is of, and pictures are prepared as it wants, unless flags say otherwise" unset:"random weights" shown:"-" group:"Network"`
	WeightsSum string `json:"weights_sha256,omitempty" yaml:"weights_sha256,omitempty" doc:"checksum of the file of weights: another file is refused" unset:"that of the file" said:"weights" group:"Network"`

	Loss    string          `json:"loss,omitempty" yaml:"loss,omitempty" flag:"loss" arg:"NAME:KEY=VALUE,…" doc:"see the table of losses below; a sum is written a + b" nested:"" group:"Loss and batches"` // as losses.Parse reads it; triplet if empty
	Sampler samplers.Config `json:"sampler,omitzero" yaml:"sampler,omitempty" group:"Loss and batches"`                                                                                                     // batches; a seed of 0 is taken from Seed, sizes of 0 suit the data (see Fit)

	FineTune FineTune `json:"fine_tune,omitzero" yaml:"fine_tune,omitempty" group:"Fine-tuning"` // which weights learn, from when on and how fast

	// Steps is the length of the run; Epochs says the same in epochs of the sampler.
	// At most one is given; 600 steps if neither.
	Steps  int `json:"steps,omitempty" yaml:"steps,omitempty" flag:"steps" arg:"N" doc:"length of the run" unset:"600, if -epochs is not given either" group:"Training" min:"1" want:"at least 1"`
	Epochs int `json:"epochs,omitempty" yaml:"epochs,omitempty" flag:"epochs" arg:"N" doc:"length of the run in epochs; an epoch shows every class at least once" unset:"see -steps" shown:"-" group:"Training" min:"1" want:"at least 1"`

	Solver   optim.Config         `json:"solver,omitzero" yaml:"solver,omitempty" group:"Training"`     // how gradients become steps
	Schedule optim.ScheduleConfig `json:"schedule,omitzero" yaml:"schedule,omitempty" group:"Training"` // how the learning rate changes

	// Accumulate is the number of parts that a batch is computed in, with the memory of one. Loss and
	// gradient are those of the whole batch (GradCache, Gao 2021), but batch normalisation sees one
	// part at a time. 1 if 0.
	Accumulate int `json:"accumulate,omitempty" yaml:"accumulate,omitempty" flag:"accumulate" arg:"N" doc:"compute each batch in N parts, with the memory of one, for batches that are too large at once; the loss compares the whole batch (GradCache, Gao 2021)" unset:"1" group:"Training" min:"1" max:"65536" want:"a number of parts"`

	Clip float64 `json:"clip,omitempty" yaml:"clip,omitempty" flag:"clip" arg:"NORM" doc:"largest global norm of the gradient; 0 does not clip" group:"Training" min:"0" want:"a positive norm, or 0 for none"`
	// ClipValue is the largest size of a number of the gradient, to which larger ones are brought before
	// its norm is taken.
	ClipValue float64 `json:"clip_value,omitempty" yaml:"clip_value,omitempty" flag:"clip-value" arg:"SIZE" doc:"largest size of each number of the gradient; 0 does not clip" group:"Training" min:"0" want:"a positive size, or 0 for none"`

	// Average has the run keep running averages of the weights: with them evaluations are made, the
	// best step is chosen, and the model is written.
	Average optim.AverageConfig `json:"average,omitzero" yaml:"average,omitempty" group:"Training"`

	Seed uint64 `json:"seed,omitempty" yaml:"seed,omitempty" flag:"seed" arg:"N" doc:"of weights, batches and augmentation: one seed, one result" group:"Training"` // of k-means as well

	// EvalEvery is the number of steps between evaluations on the validation classes: a
	// tenth of the run, but at least 50, if 0; -1: only at the start and at the end.
	EvalEvery int `json:"eval_every,omitempty" yaml:"eval_every,omitempty" flag:"eval-every" arg:"STEPS" doc:"steps between two looks at the validation classes, -1 for none between start and end" unset:"a tenth of the run" group:"Measuring and saving" min:"-1" want:"a number of steps, 0 for the default or -1 for never"`
	EvalBatch int `json:"eval_batch,omitempty" yaml:"eval_batch,omitempty" flag:"eval-batch" arg:"N" doc:"pictures at a time when embedding" min:"1" max:"65536" group:"Measuring and saving" want:"1 … 65536"` // 128 if 0
	// EvalQueries is the number of items that an evaluation searches for, drawn by Seed, each
	// among the whole gallery: all if 0, but where these make more than 20 billion pairs with
	// the gallery (141,000 items among themselves) only as many as do; -1: all, whatever that takes.
	EvalQueries int `json:"eval_queries,omitempty" yaml:"eval_queries,omitempty" flag:"eval-queries" arg:"N" doc:"pictures that are searched for among all when measuring, drawn at random; -1 for all" unset:"all, but of a set of more than 141,000 only some (20 billion pairs)" min:"-1" want:"a number of queries, 0 for the default or -1 for all" group:"Measuring and saving"`
	// Metric is the figure of merit on the validation classes, such as recall_at_1 or
	// map_at_r, one of metrics.Names; cmc_at_K and cmc_map need cameras: larger is better, and between equals MAP@R decides, then the later step.
	// recall_at_1 if empty.
	Metric string `json:"metric,omitempty" yaml:"metric,omitempty" flag:"metric" arg:"NAME" doc:"chooses the best weights and ends the run: recall_at_K, precision_at_1, r_precision, map_at_r, map, mrr, nmi, ami, ari, pairwise_f1, cmc_at_K, cmc_map, K being a number; cmc is of re-identification and needs cameras; between equals MAP@R decides, then the later step" group:"Measuring and saving"`
	// EvalViews, if not empty, makes each embedding of an evaluation, and of the model, of several views of
	// its picture, as datasets.ParseViews reads them: the mean over a list, and the means of
	// several lists one behind the other. It costs their number of times as long, and changes no weight.
	EvalViews string `json:"eval_views,omitempty" yaml:"eval_views,omitempty" flag:"eval-views" arg:"VIEW,…" doc:"embed each picture as the mean of views of it, when measuring and in the model: plain, or changes with + between, which are flip, scale=FACTOR, rotate=DEGREES, shift=X/Y in pixels, as in plain,scale=1.1+rotate=8,scale=1.1+rotate=-8; what stands behind | is a mean of its own, appended to the embedding; | turned at the end appends the same turned by 90, 180 and 270 degrees" unset:"the picture as it is" shown:"-" group:"Measuring and saving"`
	// FewShot lists few-shot tasks to measure the model by, in episodes, on the test classes or
	// where there are none on the validation classes: such as 20x1,5x1, 20 ways and one shot and so on.
	FewShot string `json:"few_shot,omitempty" yaml:"few_shot,omitempty" flag:"few-shot" arg:"WAYSxSHOTS,…" doc:"measure the model by episodes too: 20x1,5x5 is the error among 20 classes of which one picture each is known, and among 5 of which five are; where classes lie in several folders, within one folder besides" unset:"not measured" shown:"-" group:"Measuring and saving"`
	// Patience stops the run after so many evaluations in a row of which none brought a better
	// Metric, nor as good a one with a better MAP@R; 0: never.
	Patience int  `json:"patience,omitempty" yaml:"patience,omitempty" flag:"patience" arg:"N" doc:"stop after N looks without a better metric; 0 never" group:"Measuring and saving" min:"0" want:"a number of evaluations, or 0 for none"`
	Keep     Keep `json:"keep,omitempty" yaml:"keep,omitempty" flag:"keep" arg:"best|last" doc:"which weights become the model" group:"Measuring and saving"` // best if empty

	CheckpointEvery int `json:"checkpoint_every,omitempty" yaml:"checkpoint_every,omitempty" flag:"checkpoint-every" arg:"STEPS" doc:"steps between two checkpoints; -1 for none but at the end" group:"Measuring and saving" min:"-1" want:"a number of steps, 0 for the default or -1 for never"` // 100 if 0
	LogEvery        int `json:"log_every,omitempty" yaml:"log_every,omitempty" doc:"steps between lines of metrics.jsonl" group:"Measuring and saving" min:"1" want:"a number of steps"`                                                                                                            // 10 if 0

	Threads int    `json:"threads,omitempty" yaml:"threads,omitempty" flag:"threads" arg:"N" doc:"for the computation; no result depends on it" unset:"all processors" group:"This run" min:"0" want:"a number, or 0 for all processors"`
	Device  string `json:"device,omitempty" yaml:"device,omitempty" flag:"device" arg:"cpu|cuda|cuda:N|auto" doc:"where to compute: cuda is an NVIDIA GPU, N its number from 0; auto takes one if there is one" group:"This run"` // cpu if empty
	TF32    bool   `json:"tf32,omitempty" yaml:"tf32,omitempty" flag:"tf32" doc:"on a GPU, round the factors of products to 10 bits after the point (TF32), for tensor cores" group:"This run"`

	// Recompute takes less memory for up to a third more time: what the backbone computes within its blocks is not
	// kept for gradients but computed once more (graph.EndSegment). No result depends on it.
	Recompute bool `json:"recompute,omitempty" yaml:"recompute,omitempty" flag:"recompute" doc:"take less memory for up to a third more time: what the network computes within its blocks is computed once more for gradients instead of kept; no result depends on it" group:"This run"`

	// AnyOrder lets a GPU make sums in any order where that is faster: runs of one seed then
	// differ.
	AnyOrder bool `json:"any_order,omitempty" yaml:"any_order,omitempty" flag:"any-order" doc:"on a GPU, make sums in any order where that is faster: runs of one seed then differ" group:"This run"`
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
	Path string `json:"path,omitempty" yaml:"path,omitempty" flag:"data" arg:"PATH" doc:"folder with one folder of pictures a class (any depth), or with train/ and test/ in it, or a well-known data set as it is unpacked; a table (path,label[,split]) as CSV or .jsonl; a .zip, .tar or .tar.gz of such, a folder of .tar files, or shard-{000..123}.tar in quotes; or a folder with IDX files; or vectors in place of pictures: .npz, .npy, .safetensors, CSV" unset:"the embedded part of Omniglot"` // as datasets.Open reads it; the embedded Omniglot if empty
	// Val is where the validation classes come from, on which the best weights are chosen:
	// a path, a fraction of the training classes such as 0.1, or none. If empty: the
	// validation part of the data, else 0.1 where there are enough classes to learn (see
	// Load), else none. A run stores what it came to.
	Val string `json:"val,omitempty" yaml:"val,omitempty" flag:"val" arg:"PATH|SHARE|none" doc:"classes that choose the best weights: a path, or the share of the training classes that is set aside" unset:"val/ of the data, else 0.1 of 30 classes or more (of 10 if there is no test part), else none"`
	// firstRule has an empty Val mean what it meant in the first edition, whose runs did not
	// store what it came to.
	firstRule bool

	// Test is where the classes for the final figures come from: a path, a fraction of
	// the training classes, or none. If empty: the test part of the data, if there is one.
	Test string `json:"test,omitempty" yaml:"test,omitempty" flag:"test" arg:"PATH|SHARE|none" doc:"classes that the final figures are measured on, never seen in training" unset:"test/ of the data"`

	// TrainClasses and TestClasses name the classes to learn and to test where all lie in
	// one part, where train and test part have the same ones, as MNIST's, or in place of
	// the usual protocol of a well-known data set: names, patterns as of path.Match, and
	// ranges of numbers, with commas between: 0-4 and 5-9. Empty: all.
	TrainClasses string `json:"train_classes,omitempty" yaml:"train_classes,omitempty" flag:"train-classes" arg:"LIST" doc:"learn only these classes: names, patterns such as cat*, or ranges such as 0-4, with commas between" unset:"all" shown:"-"`
	TestClasses  string `json:"test_classes,omitempty" yaml:"test_classes,omitempty" flag:"test-classes" arg:"LIST" doc:"measure only on these classes; where there is no test part, they are taken out of what is learned" unset:"all" shown:"-"`

	Layout  datasets.Layout `json:"layout,omitempty" yaml:"layout,omitempty" flag:"layout" arg:"auto|folders" doc:"auto recognises well-known data sets, parts and tables; folders takes every folder of pictures as a class"`                                                             // how folders are read; auto if empty
	Columns string          `json:"columns,omitempty" yaml:"columns,omitempty" flag:"columns" arg:"LIST" doc:"columns of a table without a header, in order, such as path,label,-,split; or those that are called otherwise, such as path=Foto,label=Art" unset:"by the header" shown:"-"` // of a table, see datasets.Options

	Height   int                 `json:"height,omitempty" yaml:"height,omitempty" flag:"size" arg:"PIXELS" doc:"side of the pictures, or HEIGHTxWIDTH" unset:"as they are if all are small and alike, else 28 for grey and 64 for colour" min:"1" want:"a number of pixels, or 0 for the default"` // pixels; from the pictures if 0
	Width    int                 `json:"width,omitempty" yaml:"width,omitempty" doc:"of the pictures, in pixels" unset:"as data.height" said:"size" min:"1" want:"a number of pixels, or 0 for the default"`                                                                                       // pixels; from the pictures if 0
	Channels int                 `json:"channels,omitempty" yaml:"channels,omitempty" flag:"colour" arg:"auto|grey|rgb" doc:"what the network sees" unset:"what the pictures have" shown:"auto"`                                                                                                   // 1 grey, 3 colour; from the pictures if 0
	Resize   datasets.ResizeMode `json:"resize,omitempty" yaml:"resize,omitempty" flag:"resize" arg:"squeeze|crop|pad" doc:"how a picture of another shape becomes square"`                                                                                                                        // squeeze if empty
	// CropPct and Filter are as in datasets.Options.
	CropPct float64         `json:"crop_pct,omitempty" yaml:"crop_pct,omitempty" flag:"crop-pct" arg:"SHARE" doc:"resize pictures to size / SHARE and take the middle: with 0.875 and -resize crop, 224 pixels of a short side of 256, as networks for ImageNet are used" unset:"the whole picture, or as -weights want" shown:"-" min:"0.1" max:"1" want:"a share of 0.1 to 1"`
	Filter  datasets.Filter `json:"filter,omitempty" yaml:"filter,omitempty" flag:"filter" arg:"bilinear|bicubic" doc:"what pictures are resized with, as in Pillow"` // bilinear if empty
	// Align brings faces to their size by landmarks, as datasets.Options.Align.
	Align  datasets.Alignment `json:"align,omitempty" yaml:"align,omitempty" flag:"align" arg:"arcface|none" doc:"arcface turns, scales and shifts each face so that its five landmarks, which a table says, come to those of ArcFace's faces of 112 pixels; one of that size without landmarks is taken as it is"` // none if empty
	Invert bool               `json:"invert,omitempty" yaml:"invert,omitempty" flag:"invert" doc:"turn black into white: for drawings on white paper"`                                                                                                                                                              // store 255 − value
	// Range says which values of 16 bits and of floating point are black and white, as
	// datasets.Options.Range; auto if empty: what the training pictures use.
	Range string `json:"range,omitempty" yaml:"range,omitempty" flag:"range" arg:"auto|full|LOW/HIGH" doc:"black and white of 16-bit and floating-point pictures. auto: the range that the training pictures use (10, 12, 14 bits …); or numbers such as 0/4095"`
	// Detail, 1 … 4, keeps pictures so many times as large for augmentation to crop and
	// enlarge from without blur; no larger copy if 0.
	Detail float64 `json:"detail,omitempty" yaml:"detail,omitempty" flag:"detail" arg:"FACTOR" doc:"keep pictures so many times as large (1 to 4) to crop and turn without blur; 0 does not" group:"Augmentation (none by default)"`

	// Normalise is auto (mean and deviation of each channel over the training pictures),
	// none (values on [0, 1]), or given (Mean and Std); auto if empty.
	Normalise string    `json:"normalise,omitempty" yaml:"normalise,omitempty" flag:"normalise" arg:"auto|none|MEAN/STD" doc:"auto: to mean 0 and deviation 1 over the training pictures; or numbers such as 0.5,0.4,0.4/0.2,0.2,0.2 on the scale 0 to 1"`
	Mean      []float32 `json:"mean,omitempty" yaml:"mean,omitempty" doc:"of each channel on the scale 0 to 1, for data.normalise given" unset:"measured" said:"normalise"`         // on [0, 1], one a channel
	Std       []float32 `json:"std,omitempty" yaml:"std,omitempty" doc:"deviation of each channel on the scale 0 to 1, for data.normalise given" unset:"measured" said:"normalise"` // on [0, 1], one a channel

	// TurnedClasses learns each training class also turned by 90, 180 and 270 degrees, as classes
	// of their own (datasets.Dataset.Turned).
	TurnedClasses bool `json:"turned_classes,omitempty" yaml:"turned_classes,omitempty" flag:"turned-classes" doc:"learn each class also turned by 90, 180 and 270 degrees, as classes of their own: for drawings and signs, where a turned one is another" group:"Augmentation (none by default)"`

	Augment datasets.Augment `json:"augment,omitzero" yaml:"augment,omitempty" group:"Augmentation (none by default)"`

	Strict         bool   `json:"strict,omitempty" yaml:"strict,omitempty" flag:"strict" doc:"stop at the first unreadable picture instead of leaving it out"`
	DropDuplicates bool   `json:"drop_duplicates,omitempty" yaml:"drop_duplicates,omitempty" flag:"drop-duplicates" doc:"leave out byte-identical files"`
	Copies         Copies `json:"copies,omitempty" yaml:"copies,omitempty" flag:"copies" arg:"tell|drop|ignore" doc:"pictures of the test or validation classes that an earlier part has too, as they are or encoded or sized anew: tell, leave them out of that earlier part, or do not look"` // tell if empty
	MaxPixels      int64  `json:"max_pixels,omitempty" yaml:"max_pixels,omitempty" flag:"max-pixels" arg:"N" doc:"largest width × height that is decoded" min:"1" want:"a number of pixels, or 0 for the default"`                                                                              // datasets.DefaultMaxPixels if 0
	CacheBytes     int64  `json:"cache_bytes,omitempty" yaml:"cache_bytes,omitempty" flag:"cache" arg:"MIB" doc:"memory for decoded pictures; beyond it they go to a file in -cache-dir" min:"1" want:"a number of bytes, or 0 for the default"`                                                // datasets.DefaultCacheBytes if 0
	CacheDir       string `json:"cache_dir,omitempty" yaml:"cache_dir,omitempty" flag:"cache-dir" arg:"DIR" doc:"where that file goes" unset:"the system's temporary folder"`
	KeepCache      bool   `json:"keep_cache,omitempty" yaml:"keep_cache,omitempty" flag:"keep-cache" doc:"keep decoded pictures in -cache-dir: the next run with pictures of the same content and size decodes none of them again"`
	Workers        int    `json:"workers,omitempty" yaml:"workers,omitempty" flag:"workers" arg:"N" doc:"goroutines that prepare pictures" unset:"all processors" group:"This run" min:"0" want:"a number, or 0 for all processors"`
	Ahead          int    `json:"ahead,omitempty" yaml:"ahead,omitempty" doc:"batches prepared ahead; no result depends on it" unset:"4" min:"0" want:"a number of batches, or 0 for the default"`
}

// Copies says what is done about pictures of the test or validation classes that an earlier
// part has too.
type Copies = datasets.Copies

// The three choices.
const (
	TellCopies     = datasets.TellCopies
	LeaveOutCopies = datasets.LeaveOutCopies
	IgnoreCopies   = datasets.IgnoreCopies
)
