package main

import (
	"context"
	"io"
	"path/filepath"
	"time"

	"github.com/pkg/errors"
	"github.com/schollz/progressbar/v3"

	"medusa/samplers"
	"medusa/trainer"
)

// train is the whole job: find the pictures, learn, measure, report.
func train(ctx context.Context, s *settings, f *flags, w io.Writer, live bool) (interrupted bool, err error) {
	if s.resume != "" {
		if err := resumeSettings(s, f); err != nil {
			return false, err
		}
	}
	cfg, err := s.run()
	if err != nil {
		return false, err
	}
	data, err := load(cfg, w, live)
	if err != nil {
		return false, err
	}
	defer func() {
		if e := data.Close(); err == nil {
			err = e
		}
	}()
	printFound(w, data, samplers.NewPlan(data.Train.Labels(), max(cfg.Sampler.K, 1), cfg.Sampler.Repeat))

	p := newProgress(w, live)
	r := &recorder{data: data}
	t, err := prepare(s, f, cfg, data, []trainer.Hook{p.hook(), r.hook()})
	if err != nil {
		return false, err
	}
	r.trainer = t
	result, err := t.Run(ctx)
	p.close()
	if err != nil {
		return false, err
	}
	interrupted = result.Stop == trainer.StopInterrupted
	var report, embeddings string
	if !interrupted && r.after != nil {
		if embeddings, err = writeEmbeddings(result.Dir, r.measured(), r.after); err != nil {
			return false, err
		}
	}
	if !interrupted && !s.noReport {
		if report, err = r.write(ctx, f, result); err != nil {
			return false, err
		}
	}
	printOutcome(w, data, result, report, embeddings)
	return interrupted, nil
}

// resumeSettings reads the settings of the run that is to go on. No flag may change
// what the run computes.
func resumeSettings(s *settings, f *flags) error {
	free := map[string]bool{"resume": true, "threads": true, "workers": true, "no-report": true, "data": true, "cache-dir": true, "cache": true}
	for name := range f.given() {
		if !free[name] {
			return errors.Errorf("-%s cannot change a run that is resumed; leave it out, or begin a new run with -config %s",
				name, filepath.Join(s.resume, configFile))
		}
	}
	return f.readConfig(filepath.Join(s.resume, configFile))
}

const configFile = "config.yaml"

// load opens the pictures, with a bar while many are decoded.
func load(cfg trainer.Config, w io.Writer, live bool) (trainer.Data, error) {
	var o trainer.LoadOptions
	if live {
		var bar *progressbar.ProgressBar
		o.Progress = func(done, total int) {
			if bar == nil {
				bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("reading pictures"),
					progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(16),
					progressbar.OptionThrottle(100*time.Millisecond))
			}
			_ = bar.Set(done) // only the screen is at stake
		}
	}
	return trainer.Load(cfg.Data, cfg.Seed, o)
}

// prepare makes a new run, or one that goes on.
func prepare(s *settings, f *flags, cfg trainer.Config, data trainer.Data, hooks []trainer.Hook) (*trainer.Trainer, error) {
	o := trainer.Options{Dir: s.resume, Hooks: hooks, Threads: s.threads, Workers: s.workers}
	if s.resume != "" {
		o.Threads, o.Workers = s.threads, s.workers
		return trainer.Resume(data, o)
	}
	text, err := f.writeConfig()
	if err != nil {
		return nil, err
	}
	o.Dir, o.ConfigText = s.out, text
	if o.Dir == "" {
		o.Dir = filepath.Join("runs", time.Now().Format("2006-01-02-150405"))
	}
	return trainer.New(cfg, data, o)
}
