package main

import (
	"fmt"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
)

// flagOf is the flag that sets a field of trainer.Config, by the field's path. A flag with a
// key behind a colon sets several fields, in the form NAME:KEY=VALUE.
var flagOf = map[string]string{
	"Data.Path": "data", "Data.Val": "val", "Data.Test": "test", "Data.TrainClasses": "train-classes", "Data.TestClasses": "test-classes",
	"Data.Height": "size", "Data.Width": "size", "Data.Channels": "colour", "Data.Resize": "resize", "Data.Invert": "invert",
	"Data.Normalise": "normalise", "Data.Mean": "normalise", "Data.Std": "normalise", "Data.Detail": "detail",
	"Data.Strict": "strict", "Data.DropDuplicates": "drop-duplicates", "Data.Copies": "copies", "Data.Layout": "layout", "Data.Range": "range", "Data.Columns": "columns",
	"Data.MaxPixels": "max-pixels", "Data.CacheBytes": "cache", "Data.CacheDir": "cache-dir", "Data.KeepCache": "keep-cache", "Data.Workers": "workers",

	"Data.Augment.RandomCrop": "crop", "Data.Augment.ResizedCropMin": "resized-crop",
	"Data.Augment.FlipH": "flip", "Data.Augment.FlipV": "flip-vertical", "Data.Augment.Rotation": "rotate",
	"Data.Augment.Brightness": "brightness", "Data.Augment.Contrast": "contrast", "Data.Augment.Erase": "erase",

	"Net.Backbone": "backbone", "Net.InChannels": "colour", "Net.Height": "size", "Net.Width": "size", "Net.Embedding": "embedding",
	"Net.Raw": "raw", "Net.Channels": "channels", "Net.Hidden": "hidden", "Net.Norm": "norm", "Net.Activation": "activation",
	"Net.Pooling": "pooling", "Net.Head": "head", "Net.Stem": "stem", "Net.Dropout": "dropout", "Net.Init": "init",

	"Loss":         "loss",
	"Sampler.Name": "sampler", "Sampler.P": "p", "Sampler.K": "k", "Sampler.Batch": "batch", "Sampler.Repeat": "repeat",
	"Sampler.Pool": "pool", "Sampler.Seed": "seed",

	"Solver.Name": "solver", "Solver.LR": "lr", "Solver.LossLR": "loss-lr", "Solver.Momentum": "momentum", "Solver.Nesterov": "nesterov",
	"Solver.WeightDecay": "weight-decay",
	"Schedule.Name":      "schedule", "Schedule.Warmup": "warmup", "Schedule.Every": "schedule:every", "Schedule.Gamma": "schedule:gamma",
	"Schedule.Floor": "schedule:floor", "Schedule.Wait": "schedule:wait",

	"Steps": "steps", "Epochs": "epochs", "Clip": "clip", "Seed": "seed",
	"EvalEvery": "eval-every", "EvalBatch": "eval-batch", "EvalQueries": "eval-queries", "Metric": "metric", "Patience": "patience", "Keep": "keep",
	"CheckpointEvery": "checkpoint-every", "Threads": "threads", "Device": "device", "TF32": "tf32", "AnyOrder": "any-order",
}

// ofTheLibrary are the fields of trainer.Config that no flag sets.
var ofTheLibrary = map[string]string{
	"Data.MaxFileBytes":           "the largest file; 256 MiB is more than any picture",
	"Data.Ahead":                  "batches prepared ahead; no result depends on it",
	"Data.Augment.ResizedCropMax": "the whole picture",
	"Data.Augment.RatioMin":       "as usual", "Data.Augment.RatioMax": "as usual", "Data.Augment.EraseArea": "as usual",
	"Sampler.Power": "weights of classes by size",
	"Solver.Beta1":  "as published", "Solver.Beta2": "as published", "Solver.Alpha": "as published", "Solver.Eps": "as published",
	"Solver.DecayAll": "biases are spared",
	"LogEvery":        "lines of metrics.jsonl",
}

// wrong is an error about flags: each field.Name among args is a flag, such as "-lr".
func wrong(format string, args ...any) error { return field.Errorf("", "", format, args...) }

// named is how a person calls a field of trainer.Config, or a flag whose name begins with a
// hyphen: as the flag, or where a file set it, as the key with its line.
func (f *flags) named(name string) string {
	flagName, isFlag := strings.CutPrefix(name, "-")
	if !isFlag {
		var known bool
		if flagName, known = flagOf[name]; !known {
			return name
		}
	}
	flagName, key, inside := strings.Cut(flagName, ":")
	shown := "-" + flagName
	if at, ok := f.origin[flagName]; ok {
		shown = fmt.Sprintf("%s (%s)", flagName, at)
	}
	if inside {
		return key + " of " + shown
	}
	return shown
}

// told is err in the words of the command line.
func (f *flags) told(err error) string {
	text := field.Told(err, f.named)
	if q := new(datasets.Question); errors.As(err, &q) {
		asked := q.In(func(s datasets.Setting) string { return "-" + flagOf["Data."+s.Name] + " " + shellWord(s.Value) })
		text = strings.Replace(text, field.Bare(q.Error()), asked, 1)
	}
	return text
}
