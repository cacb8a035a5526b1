package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/terminal"
	"medusa/samplers"
	"medusa/trainer"
)

// training is the command train.
var training = command{
	name:  "train",
	about: "learn a network from pictures, and measure it on classes that it never saw",
	intro: "learns a network that puts pictures of the same thing close together, also for classes that it never saw, and proves it on such classes.",
	examples: []example{
		{nil, "the embedded part of Omniglot, " + howLong},
		{[]string{"-data", "photos"}, "one folder of pictures a class"},
		{[]string{"-config", "run.yaml", "-lr", "0.0003"}, ""},
		{[]string{"-resume", "runs/NAME"}, "go on after Ctrl-C or a crash"},
	},
	notes: "Defaults stand in brackets. Flags on the command line win over the configuration file.",
	more:  namesPage,
	begin: func(c *invocation) job { return newFlags(c) },
}

// howLong is how long the embedded set takes, as README says it too.
const howLong = "half a minute once compiled"

// flagSet are the flags of the command.
func (f *flags) flags() *flagSet { return f.flagSet }

// do is the command: a question that is answered, an evaluation, or a run.
func (f *flags) do(ctx context.Context, args []string) error {
	if err := unexpected(args); err != nil {
		return usageError{err}
	}
	if f.options.DeviceInfo {
		printDevices(f.call)
		return nil
	}
	asked, err := f.askedFor()
	if asked != nil {
		f.call.page(asked.page)
		return nil
	}
	given := f.given() // on the command line
	if err == nil {
		err = f.validate(given)
	}
	w := f.call.screen(f.call.Out, f.call.Live)
	if err == nil && (given["evaluate"] || given["one-shot"]) {
		if err = f.validateEvaluation(given); err == nil {
			return f.evaluation().show(ctx, w)
		}
	}
	if err == nil && f.options.ConfigFile != "" {
		err = f.readConfig(ctx, f.options.ConfigFile)
	}
	if err == nil {
		err = f.checkUsed(given)
	}
	if err != nil {
		return usageError{err}
	}
	interrupted, err := train(ctx, f, w)
	if err == nil && interrupted {
		return errStopped
	}
	return err
}

// fitModel takes the sizes of pictures from a backbone that is a model of ONNX, and tells them. The run's config.yaml
// has them.
func (f *flags) fitModel(cfg trainer.Config, w *terminal.Screen) (trainer.Config, error) {
	cfg, told, err := cfg.WithModel(f.asTyped)
	if err != nil {
		return cfg, err
	}
	for _, t := range told {
		w.Say(t)
	}
	f.options.Data = cfg.Data
	return cfg, nil
}

// unexpected refuses arguments that are no flags.
func unexpected(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return errors.Errorf("unexpected argument %q; did you mean -data %s?", args[0], shellWord(args[0]))
}

// train is the whole job: find the pictures, learn, measure, report.
func train(ctx context.Context, f *flags, w *terminal.Screen) (interrupted bool, err error) {
	if f.options.Resume != "" {
		if err := resumeSettings(f); err != nil {
			return false, err
		}
	}
	cfg, err := f.trainerConfig()
	if err == nil && f.options.Resume == "" {
		cfg, err = f.begin(cfg, w)
	}
	if err == nil {
		err = cfg.Validate() // before pictures are read
	}
	if err == nil && f.options.Resume == "" {
		cfg, err = f.fitModel(cfg, w)
	}
	if err == nil {
		f.tellReplaced(w)
		err = f.checkDevice(w)
	}
	if err == nil {
		err = cfg.CheckMemory()
	}
	if err != nil {
		return false, err
	}
	if f.options.Resume != "" {
		var done bool
		if cfg, done, err = checkResumable(f, cfg); err != nil {
			return false, err
		}
		if done {
			w.Sayf("the run in %s is finished; nothing is left to do\nresults     %s", f.options.Resume, filepath.Join(f.options.Resume, trainer.ResultFile))
			return false, nil
		}
	} else if err := freeFolder(f.options.Out); err != nil {
		return false, err
	}
	data, err := loadUntil(ctx, cfg, w)
	if err != nil && ctx.Err() != nil {
		w.Say("stopped while pictures were read; nothing was begun")
		return true, nil
	}
	if err != nil && f.options.Resume != "" {
		return false, errors.Wrap(err, "the pictures of the run, whose place -data can name anew")
	}
	if err != nil {
		return false, err
	}
	defer func() {
		if e := data.Close(); err == nil {
			err = e
		}
	}()
	cfg, fitted, err := cfg.Fit(data, f.asTyped)
	printFound(w, f, data, samplers.NewPlan(data.Train.Labels(), max(cfg.Sampler.K, 1), cfg.Sampler.Repeat), fitted)
	if err != nil {
		return false, err
	}

	p := newProgress(w)
	defer p.close()
	p.work("building the network")
	t, err := prepare(f, cfg, data, []trainer.Hook{p.hook()}, w.Say)
	if errors.Is(err, trainer.ErrPictures) {
		return false, wrong("%s is not the place of the run's pictures: %v; this goes on with those in PATH:\n  %s",
			field.Name("-data"), err, f.call.toType("-resume", f.options.Resume, "-data", "PATH"))
	}
	if err != nil {
		return false, err
	}
	f.tellIdle(w, t.Config().Steps)
	result, err := t.Run(ctx)
	p.close()
	var unfinished *trainer.FinishError
	if errors.As(err, &unfinished) {
		return false, wrong("the model is %s, but there is no %s: %v; this tries again:\n  %s",
			unfinished.Model, unfinished.File, unfinished.Err, f.call.toType("-resume", unfinished.Dir))
	}
	if errors.Is(err, trainer.ErrBestLost) {
		return false, wrong("%v; this makes a model of the last weights:\n  %s", err, f.call.toType("-resume", result.Dir, "-keep", "last"))
	}
	if err != nil {
		return false, err
	}
	printOutcome(w, result, f.call.toType("-resume", result.Dir))
	return result.Stop == trainer.StopInterrupted, nil
}

// loadUntil calls load, and gives up when ctx ends.
func loadUntil(ctx context.Context, cfg trainer.Config, w *terminal.Screen) (trainer.Data, error) {
	type outcome struct {
		data trainer.Data
		err  error
	}
	task := w.Begin("reading the data")
	defer task.End()
	read := make(chan outcome, 1)
	go func() {
		data, err := trainer.Load(cfg.Data, cfg.Seed, trainer.LoadOptions{Progress: task.Progress, Stage: task.Stage})
		read <- outcome{data, err}
	}()
	select {
	case o := <-read:
		return o.data, o.err
	case <-ctx.Done():
		go func() { o := <-read; o.data.Close() }() // in a program that goes on
		return trainer.Data{}, ctx.Err()
	}
}

// prepare makes a new run, or one that goes on.
func prepare(f *flags, cfg trainer.Config, data trainer.Data, hooks []trainer.Hook, notice func(string)) (*trainer.Trainer, error) {
	o := trainer.Options{Dir: f.options.Resume, Hooks: hooks, Threads: f.options.Threads, Workers: f.options.Data.Workers, Notice: notice, NoReport: f.options.NoReport, Naming: f.asTyped}
	if f.options.Resume != "" {
		o.Device, o.Keep, o.Recompute = f.options.Device, f.keepNow, f.options.Recompute
		if f.longer {
			var err error
			if o.ConfigText, err = f.writeConfig(); err != nil {
				return nil, err
			}
			o.Steps, o.Epochs = f.options.Steps, f.options.Epochs
		}
		return trainer.Resume(data, o)
	}
	text, err := f.writeConfig()
	if err != nil {
		return nil, err
	}
	o.Dir, o.ConfigText = f.options.Out, text
	if o.Dir != "" {
		_, was := os.Stat(o.Dir)
		if err := os.MkdirAll(o.Dir, 0o777); err != nil {
			return nil, errors.WithMessage(err, "-out")
		}
		t, err := trainer.New(cfg, data, o)
		if err != nil && errors.Is(was, os.ErrNotExist) {
			os.Remove(o.Dir) // stays if it is not empty
		}
		return t, err
	}
	if o.Dir, err = freshFolder("runs", time.Now()); err != nil {
		return nil, err
	}
	t, err := trainer.New(cfg, data, o)
	if err != nil {
		os.Remove(o.Dir) // stays if it is not empty
	}
	return t, err
}

// freshFolder makes a folder in parent that is named after the time; runs that begin in
// the same second get numbers.
func freshFolder(parent string, now time.Time) (string, error) {
	const way = "no run folder can be made here: name one with -out"
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return "", errors.Wrap(err, way)
	}
	name := filepath.Join(parent, now.Format("2006-01-02-150405"))
	for n := 1; ; n++ {
		dir := name
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", name, n)
		}
		err := os.Mkdir(dir, 0o777)
		if err == nil || !errors.Is(err, os.ErrExist) {
			return dir, errors.Wrap(err, way)
		}
	}
}
