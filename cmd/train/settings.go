package main

import (
	"strconv"
	"strings"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/metrics"
	"medusa/nets"
	"medusa/samplers"
	"medusa/trainer"
)

// settings is what the flags and the configuration file say.
type settings struct {
	data, val, test           string
	trainClasses, testClasses string
	layout, columns           string
	size, channels, resize    string
	invert                    bool
	valueRange                string
	normalise                 string
	strict, dropDuplicates    bool
	copies                    string
	maxPixels, cacheMB        int
	cacheDir                  string
	keepCache                 bool

	crop                 int
	resizedCrop, detail  float64
	flip, flipVertical   float64
	rotate               float64
	brightness, contrast float64
	erase                float64

	backbone, blocks, hidden string
	embedding                int
	norm, activation         string
	pooling, head            string
	stem, init               string
	dropout                  float64
	raw                      bool

	loss, sampler string
	p, k, batch   int
	pool          int
	repeat        bool

	steps, epochs         int
	lr, lossLR            float64
	solver                string
	momentum, weightDecay float64
	nesterov              bool
	schedule              string
	warmup                int
	clip                  float64
	seed                  int

	evalEvery, evalBatch int
	evalQueries          int
	metric, keep         string
	patience             int
	checkpointEvery      int

	out, resume, config string
	workers, threads    int
	device              string
	deviceInfo, tf32    bool
	anyOrder            bool
	noReport            bool

	keepNow trainer.Keep // of a run that is resumed, where the command line says so
}

// register declares every flag, in the order of the help page.
func (s *settings) register(f *flags) {
	f.group("Pictures")
	f.text(&s.data, "data", "", "PATH", "folder with one folder of pictures a class (any depth), or with train/ and test/ in it, or a well-known data set as it is unpacked; a table (path,label[,split]) as CSV or .jsonl; a .zip, .tar or .tar.gz of such, a folder of .tar files, or shard-{000..123}.tar in quotes; or a folder with IDX files; or vectors in place of pictures: .npz, .npy, .safetensors, CSV. Without it: the embedded part of Omniglot")
	f.text(&s.val, "val", "", "PATH|SHARE|none", "classes that choose the best weights: a path, or the share of the training classes that is set aside. Without it: val/ of the data, else 0.1 of 30 classes or more (of 10 if there is no test part), else none")
	f.text(&s.test, "test", "", "PATH|SHARE|none", "classes that the final figures are measured on, never seen in training. Without it: test/ of the data")
	f.text(&s.trainClasses, "train-classes", "", "LIST", "learn only these classes: names, patterns such as cat*, or ranges such as 0-4, with commas between")
	f.text(&s.testClasses, "test-classes", "", "LIST", "measure only on these classes; where there is no test part, they are taken out of what is learned")
	f.text(&s.layout, "layout", "auto", "auto|folders", "auto recognises well-known data sets, parts and tables; folders takes every folder of pictures as a class")
	f.text(&s.columns, "columns", "", "LIST", "columns of a table without a header, in order, such as path,label,-,split; or those that are called otherwise, such as path=Foto,label=Art")
	f.text(&s.size, "size", "", "PIXELS", "side of the pictures, or HEIGHTxWIDTH. Without it: as they are if all are small and alike, else 28 for grey and 64 for colour")
	f.text(&s.channels, "colour", "auto", "auto|grey|rgb", "what the network sees")
	f.text(&s.resize, "resize", "squeeze", "squeeze|crop|pad", "how a picture of another shape becomes square")
	f.yes(&s.invert, "invert", false, "turn black into white: for drawings on white paper")
	f.text(&s.valueRange, "range", "auto", "auto|full|LOW/HIGH", "black and white of 16-bit and floating-point pictures. auto: the range that the training pictures use (10, 12, 14 bits …); or numbers such as 0/4095")
	f.text(&s.normalise, "normalise", "auto", "auto|none|MEAN/STD", "auto: to mean 0 and deviation 1 over the training pictures; or numbers such as 0.5,0.4,0.4/0.2,0.2,0.2 on the scale 0 to 1")
	f.yes(&s.strict, "strict", false, "stop at the first unreadable picture instead of leaving it out")
	f.yes(&s.dropDuplicates, "drop-duplicates", false, "leave out byte-identical files")
	f.text(&s.copies, "copies", "tell", "tell|drop|ignore", "pictures of the test or validation classes that an earlier part has too, as they are or encoded or sized anew: tell, leave them out of that earlier part, or do not look")
	f.whole(&s.maxPixels, "max-pixels", datasets.DefaultMaxPixels, "N", "largest width × height that is decoded")
	f.whole(&s.cacheMB, "cache", int(datasets.DefaultCacheBytes>>20), "MIB", "memory for decoded pictures; beyond it they go to a file in -cache-dir")
	f.text(&s.cacheDir, "cache-dir", "", "DIR", "where that file goes; the system's temporary folder if empty")
	f.yes(&s.keepCache, "keep-cache", false, "keep decoded pictures in -cache-dir: the next run with pictures of the same content and size decodes none of them again")

	f.group("Augmentation (none by default)")
	f.whole(&s.crop, "crop", 0, "PIXELS", "shift by up to so many pixels")
	f.number(&s.resizedCrop, "resized-crop", 0, "SHARE", "enlarge a part of at least this share of the area, such as 0.3")
	f.number(&s.detail, "detail", 0, "FACTOR", "keep pictures so many times as large (1 to 4) to crop and turn without blur")
	f.number(&s.flip, "flip", 0, "PROB", "mirror left-right with this probability")
	f.number(&s.flipVertical, "flip-vertical", 0, "PROB", "mirror top-bottom with this probability")
	f.number(&s.rotate, "rotate", 0, "DEGREES", "turn by up to so many degrees either way")
	f.number(&s.brightness, "brightness", 0, "SHARE", "change brightness by up to this share")
	f.number(&s.contrast, "contrast", 0, "SHARE", "change contrast by up to this share")
	f.number(&s.erase, "erase", 0, "PROB", "blank a rectangle with this probability")

	f.group("Network")
	f.text(&s.backbone, "backbone", "", "NAME", strings.Join(nets.Names(), ", ")+". Without it: cnn, for vectors mlp")
	f.whole(&s.embedding, "embedding", 64, "E", "numbers in an embedding")
	f.text(&s.blocks, "channels", "", "LIST", "cnn: channels of each block, such as 32,64,128")
	f.text(&s.hidden, "hidden", "", "LIST", "mlp: units of each hidden layer. Without it: 512,256, for vectors 512")
	f.text(&s.norm, "norm", "", "batch|none", "normalisation between layers; batch if empty, for mlp none")
	f.text(&s.activation, "activation", "relu", "NAME", "relu, leaky-relu, silu or tanh")
	f.text(&s.pooling, "pooling", "max", "max|avg|none", "cnn: 2×2, between blocks")
	f.text(&s.head, "head", "avg", "avg|max|flatten", "cnn, resnet: how the last picture becomes features")
	f.text(&s.stem, "stem", "", "small|standard", "resnet: first layers for small pictures or for those of ImageNet's size; by size if empty")
	f.number(&s.dropout, "dropout", 0, "PROB", "of the features before the embedding")
	f.yes(&s.raw, "raw", false, "do not normalise embeddings to length 1")
	f.text(&s.init, "init", "", "NAME", "initial weights; as PyTorch if empty")

	f.group("Loss and batches")
	f.text(&s.loss, "loss", "triplet:mining=batch-hard,margin=0.2", "NAME:KEY=VALUE,…", "see the table of losses below; a sum is written a + b")
	f.text(&s.sampler, "sampler", "pk", "NAME", strings.Join(samplers.Names(), ", "))
	f.whole(&s.p, "p", 0, "P", "classes in a batch. Without it: 16, or what suits the classes there are")
	f.whole(&s.k, "k", 0, "K", "pictures of each class in a batch. Without it: 4, or what suits the classes there are")
	f.whole(&s.pool, "pool", 0, "N", "pk-hard: pictures among which a hard negative is looked for; 1024 if 0")
	f.whole(&s.batch, "batch", 0, "B", "uniform sampler: pictures in a batch; 64, or all there are, if 0")
	f.yes(&s.repeat, "repeat", false, "a class with fewer than K pictures repeats them instead of being left out")

	f.group("Training")
	f.whole(&s.steps, "steps", 0, "N", "length of the run; 600 if neither -steps nor -epochs is given")
	f.whole(&s.epochs, "epochs", 0, "N", "length of the run in epochs; an epoch shows every class at least once")
	f.number(&s.lr, "lr", 0, "RATE", "learning rate; 0.001 if 0, for sgd 0.05")
	f.number(&s.lossLR, "loss-lr", 0, "FACTOR", "learning rate of the loss's own weights ÷ -lr; 1 if 0")
	f.text(&s.solver, "solver", "adam", "adam|adamw|sgd|rmsprop", "how gradients become steps")
	f.number(&s.momentum, "momentum", 0, "SHARE", "sgd, rmsprop: share of the last step that is kept")
	f.yes(&s.nesterov, "nesterov", false, "sgd: look ahead along the momentum")
	f.number(&s.weightDecay, "weight-decay", 0, "RATE", "pull of the weights to 0; adamw decouples it from the gradient")
	f.text(&s.schedule, "schedule", "constant", "NAME:KEY=VALUE,…", "constant, step:every=N,gamma=0.1, cosine:floor=0, plateau:gamma=0.1,wait=3")
	f.whole(&s.warmup, "warmup", 0, "STEPS", "steps over which the rate rises from 0")
	f.number(&s.clip, "clip", 0, "NORM", "largest global norm of the gradient; 0 does not clip")
	f.whole(&s.seed, "seed", 1, "N", "of weights, batches and augmentation: one seed, one result")

	f.group("Measuring and saving")
	f.whole(&s.evalEvery, "eval-every", 0, "STEPS", "steps between two looks at the validation classes; a tenth of the run if 0, -1 for none between start and end")
	f.whole(&s.evalBatch, "eval-batch", 128, "N", "pictures at a time when embedding")
	f.whole(&s.evalQueries, "eval-queries", 0, "N", "pictures that are searched for among all when measuring, drawn at random; if 0 all, but of a set of more than 141,000 only some (20 billion pairs), -1 for all")
	f.text(&s.metric, "metric", "recall_at_1", "NAME", "chooses the best weights and ends the run: "+strings.Join(metrics.Names(), ", ")+", K being a number; cmc is of re-identification and needs cameras; between equals MAP@R decides, then the later step")
	f.whole(&s.patience, "patience", 0, "N", "stop after N looks without a better metric; 0 never")
	f.text(&s.keep, "keep", "best", "best|last", "which weights become the model")
	f.whole(&s.checkpointEvery, "checkpoint-every", 100, "STEPS", "steps between two checkpoints; -1 for none but at the end")

	f.group("This run")
	f.text(&s.out, "out", "", "DIR", "run folder, new or empty; runs/DATE-TIME if empty")
	f.notStored() // config.yaml says what a run computes, and begins others in other folders
	f.text(&s.resume, "resume", "", "DIR", "go on with the run in DIR, bit for bit as if it had not stopped")
	f.notStored()
	f.text(&s.config, "config", "", "FILE", "YAML file with these flags' names as keys; flags on the command line win")
	f.notStored()
	f.whole(&s.workers, "workers", 0, "N", "goroutines that prepare pictures; all processors if 0")
	f.whole(&s.threads, "threads", 0, "N", "for the computation; all processors if 0. No result depends on it")
	f.text(&s.device, "device", "cpu", "cpu|cuda|cuda:N|auto", "where to compute: cuda is an NVIDIA GPU, N its number from 0; auto takes one if there is one")
	f.yes(&s.tf32, "tf32", false, "on a GPU, round the factors of products to 10 bits after the point (TF32), for tensor cores")
	f.yes(&s.anyOrder, "any-order", false, "on a GPU, make sums in any order where that is faster: runs of one seed then differ")
	f.yes(&s.deviceInfo, "device-info", false, "say which GPUs and CUDA libraries there are, or where they were looked for and what to install; then where this machine trains. Nothing else; the exit code is 0 whatever there is")
	f.notStored()
	f.yes(&s.noReport, "no-report", false, "write no report.html")
}

// run is the configuration that the settings stand for.
func (s *settings) run() (trainer.Config, error) {
	var c trainer.Config
	err := s.positive()
	if err != nil {
		return c, err
	}
	if c.Data, err = s.pictures(); err != nil {
		return c, err
	}
	if c.Net, err = s.network(); err != nil {
		return c, err
	}
	if c.Schedule, err = s.rate(); err != nil {
		return c, err
	}
	if s.seed < 0 {
		return c, wrong("%s is %d, want 0 or more", field.Name("-seed"), s.seed)
	}
	c.Loss = s.loss
	c.Sampler = samplers.Config{Name: s.sampler, Repeat: s.repeat, Pool: s.pool}
	if strings.HasPrefix(s.sampler, "pk") {
		c.Sampler.P, c.Sampler.K = s.p, s.k
	} else {
		c.Sampler.Batch = s.batch
	}
	c.Solver = trainer.SolverConfig{Name: s.solver, LR: s.lr, LossLR: s.lossLR, Momentum: s.momentum,
		Nesterov: s.nesterov, WeightDecay: s.weightDecay}
	c.Steps, c.Epochs, c.Clip, c.Seed = s.steps, s.epochs, s.clip, uint64(s.seed)
	c.EvalEvery, c.EvalBatch, c.Metric, c.Patience = s.evalEvery, s.evalBatch, s.metric, s.patience
	c.EvalQueries = s.evalQueries
	c.Keep, c.CheckpointEvery = trainer.Keep(s.keep), s.checkpointEvery
	c.Threads, c.Device, c.TF32, c.AnyOrder = s.threads, s.device, s.tf32, s.anyOrder
	return c, nil
}

func (s *settings) pictures() (trainer.DataConfig, error) {
	c := trainer.DataConfig{
		Path: s.data, Val: s.val, Test: s.test,
		Resize: datasets.ResizeMode(s.resize), Invert: s.invert, Detail: s.detail,
		Range:  s.valueRange,
		Strict: s.strict, DropDuplicates: s.dropDuplicates, Copies: trainer.Copies(s.copies),
		MaxPixels: int64(s.maxPixels), CacheBytes: int64(s.cacheMB) << 20, CacheDir: s.cacheDir, KeepCache: s.keepCache,
		Workers: s.workers,
		Augment: datasets.Augment{
			RandomCrop: s.crop, ResizedCropMin: s.resizedCrop, FlipH: s.flip, FlipV: s.flipVertical,
			Rotation: s.rotate, Brightness: s.brightness, Contrast: s.contrast, Erase: s.erase,
		},
	}
	c.TrainClasses, c.TestClasses = s.trainClasses, s.testClasses
	if !datasets.ValidRange(s.valueRange) {
		return c, wrong("%s is %q, want auto, full, or black and white such as 0/4095", field.Name("-range"), s.valueRange)
	}
	c.Layout, c.Columns = datasets.Layout(s.layout), s.columns
	var err error
	if c.Height, c.Width, err = side(s.size); err != nil {
		return c, err
	}
	switch s.channels {
	case "", "auto":
	case "grey", "gray":
		c.Channels = 1
	case "rgb":
		c.Channels = 3
	default:
		return c, wrong("%s is %q, want auto, grey or rgb", field.Name("-colour"), s.channels)
	}
	c.Normalise, c.Mean, c.Std, err = normalisation(s.normalise)
	return c, err
}

func (s *settings) network() (nets.Config, error) {
	c := nets.Config{Backbone: s.backbone, Embedding: s.embedding, Raw: s.raw, Norm: s.norm, Activation: s.activation,
		Pooling: s.pooling, Head: s.head, Stem: s.stem, Dropout: s.dropout, Init: s.init}
	var err error
	if c.Channels, err = wholes("channels", s.blocks); err != nil {
		return c, err
	}
	c.Hidden, err = wholes("hidden", s.hidden)
	return c, err
}

// side reads "64" or "64x48", height before width.
func side(text string) (height, width int, err error) {
	if text == "" {
		return 0, 0, nil
	}
	h, w, both := strings.Cut(text, "x")
	if !both {
		w = h
	}
	height, err = strconv.Atoi(h)
	if err == nil {
		width, err = strconv.Atoi(w)
	}
	if err != nil || height < 1 || width < 1 {
		return 0, 0, wrong("%s is %q, want a number of pixels such as 64, or HEIGHTxWIDTH such as 128x64", field.Name("-size"), text)
	}
	return height, width, nil
}

func normalisation(text string) (mode string, mean, std []float32, err error) {
	switch text {
	case "", "auto", "none":
		return text, nil, nil, nil
	}
	m, s, ok := strings.Cut(text, "/")
	if ok {
		if mean, err = floats(m); err == nil {
			std, err = floats(s)
		}
	}
	if !ok || err != nil || len(mean) == 0 || len(mean) != len(std) {
		return "", nil, nil, wrong("%s is %q, want auto, none, or MEAN/STD such as 0.5/0.25, a number a channel", field.Name("-normalise"), text)
	}
	return "given", mean, std, nil
}

func floats(text string) ([]float32, error) {
	var out []float32
	for _, part := range list(text) {
		v, err := strconv.ParseFloat(part, 32)
		if err != nil {
			return nil, err
		}
		out = append(out, float32(v))
	}
	return out, nil
}

// list splits at commas; an empty text is no list.
func list(text string) []string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for i, p := range parts {
		parts[i] = strings.TrimSpace(p)
	}
	return parts
}

func wholes(flag, text string) ([]int, error) {
	var out []int
	for _, part := range list(text) {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return nil, wrong("%s is %q, want numbers from 1 with commas between, such as 32,64,128", field.Name("-"+flag), text)
		}
		out = append(out, n)
	}
	return out, nil
}

// rate reads the schedule: name:key=value,….
func (s *settings) rate() (trainer.ScheduleConfig, error) {
	name, params, _ := strings.Cut(s.schedule, ":")
	c := trainer.ScheduleConfig{Name: name, Warmup: s.warmup}
	for _, part := range list(params) {
		key, value, _ := strings.Cut(part, "=")
		var err error
		switch key {
		case "every":
			c.Every, err = strconv.Atoi(value)
		case "wait":
			c.Wait, err = strconv.Atoi(value)
		case "gamma":
			c.Gamma, err = strconv.ParseFloat(value, 64)
		case "floor":
			c.Floor, err = strconv.ParseFloat(value, 64)
		default:
			return c, wrong("%s is %q: unknown key %q, want every, gamma, floor or wait", field.Name("-schedule"), s.schedule, key)
		}
		if x, e := strconv.ParseFloat(value, 64); e == nil && x == 0 && key != "floor" {
			return c, wrong("%s is %q: %s is 0, want more; leave it out for the default", field.Name("-schedule"), s.schedule, key)
		}
		if err != nil {
			return c, wrong("%s is %q: %s is %q, want a number", field.Name("-schedule"), s.schedule, key, value)
		}
	}
	return c, nil
}
