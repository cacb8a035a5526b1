package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/trainer"
)

// resumeSettings reads the settings of the run that is to go on. No flag may change
// what the run computes.
func resumeSettings(f *flags) error {
	free := map[string]bool{"resume": true, "threads": true, "workers": true, "device": true, "no-report": true, "data": true, "cache-dir": true, "cache": true, "keep": true, "steps": true, "epochs": true, "recompute": true}
	path := filepath.Join(f.options.Resume, trainer.ConfigFile)
	if f.given()["keep"] {
		f.keepNow = f.options.Keep
	}
	for name := range f.given() {
		if !free[name] {
			return errors.Errorf("-%s cannot change a run that is resumed: leave it out, or begin a new run:\n  %s", name, f.call.toType("-config", path, "-"+name, f.TextOf(name)))
		}
	}
	switch _, err := os.Stat(f.options.Resume); {
	case errors.Is(err, os.ErrNotExist):
		return errors.Errorf("-resume: there is no folder %s", f.options.Resume)
	case err != nil:
		return errors.Wrap(err, "-resume")
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if _, err := trainer.Stored(f.options.Resume); err == nil {
			return errors.Errorf("-resume: the run in %s has lost its %s: put it back, or begin a new run", f.options.Resume, trainer.ConfigFile)
		}
		return errors.Errorf("-resume: %s holds no run: it has no %s", f.options.Resume, trainer.ConfigFile)
	}
	if err := f.readRecord(path); err != nil {
		return err
	}
	switch given := f.given(); { // the length that it has is given up for another one
	case given["epochs"] && !given["steps"]:
		f.options.Steps = 0
	case given["steps"] && !given["epochs"]:
		f.options.Epochs = 0
	}
	return nil
}

// lengthens reports whether a run that goes on is to be longer than it was begun for.
func (f *flags) lengthens(stored trainer.Config) bool {
	given := f.given()
	return given["steps"] && f.options.Steps != stored.Steps || given["epochs"] && f.options.Epochs != stored.Epochs
}

// checkResumable checks, before any picture is read, that there is a run to go on with and that config.yaml
// still describes it. fitted is cfg with what the data chose when the run began; done reports whether
// the run came to its end.
func checkResumable(f *flags, cfg trainer.Config) (fitted trainer.Config, done bool, err error) {
	stored, err := trainer.Stored(f.options.Resume)
	if err != nil {
		return cfg, false, err
	}
	path := filepath.Join(f.options.Resume, trainer.ConfigFile)
	if f.keepNow != "" {
		cfg.Keep = stored.Keep
	}
	if !f.gives("Data.Range") { // earlier versions did not write it
		cfg.Data.Range = stored.Data.Range
	}
	asked := cfg
	if f.longer = f.lengthens(stored); f.longer {
		longer, err := stored.Lengthened(asked.Steps, asked.Epochs)
		if err != nil {
			return cfg, false, err
		}
		f.options.EvalEvery, f.options.Schedule.Every = longer.EvalEvery, longer.Schedule.Every // for config.yaml
		cfg.Steps, cfg.Epochs = stored.Steps, stored.Epochs
	}
	if fields := trainer.Differences(stored, cfg); len(fields) > 0 {
		return cfg, false, errors.Errorf("%s was changed, or the checkpoint is of another run: they disagree about %s; "+
			"put back what was there, or begin a new run:\n  %s", path, keysOf(fields), f.call.toType("-config", path))
	}
	here := cfg.Data
	cfg.Data, cfg.Sampler, cfg.Net = stored.Data, stored.Sampler, stored.Net
	cfg.Data.Path, cfg.Data.CacheDir, cfg.Data.CacheBytes, cfg.Data.KeepCache = here.Path, here.CacheDir, here.CacheBytes, here.KeepCache
	cfg.Data.Workers, cfg.Data.Ahead = here.Workers, here.Ahead
	if cfg.Steps, cfg.Epochs = asked.Steps, asked.Epochs; f.longer {
		return cfg, false, nil
	}
	missing, err := trainer.Missing(f.options.Resume, trainer.Options{NoReport: f.options.NoReport, Keep: f.keepNow})
	return cfg, len(missing) == 0, err
}

// keysOf names fields of trainer.Config as config.yaml does.
func keysOf(fields []string) string {
	var keys []string
	for _, f := range fields {
		key := f
		if o := schema.Field(f); o != nil {
			key = o.Key
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return strings.Join(keys, ", ")
}

// freeFolder refuses, before any picture is read, a run folder that cannot be one.
func freeFolder(dir string) error {
	if dir == "" {
		return nil
	}
	return errors.WithMessage(trainer.Vacant(dir), "-out")
}
