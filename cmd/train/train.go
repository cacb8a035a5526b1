package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/pkg/errors"
	"github.com/schollz/progressbar/v3"

	"medusa/datasets"
	"medusa/internal/wording"
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
	if err == nil {
		err = cfg.Validate() // before pictures are read
	}
	if err != nil {
		return false, err
	}
	if s.resume != "" {
		var done bool
		if cfg, done, err = onTheWay(s, cfg); err != nil {
			return false, err
		}
		if done {
			fmt.Fprintf(w, "the run in %s is finished; nothing is left to do\nresults     %s\n", s.resume, filepath.Join(s.resume, trainer.ResultFile))
			return false, nil
		}
	} else if err := freeFolder(s.out); err != nil {
		return false, err
	}
	data, err := loadUntil(ctx, cfg, w, live)
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(w, "stopped while pictures were read; nothing was begun")
		return true, nil
	}
	if err != nil && s.resume != "" {
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
	cfg, fitted, err := cfg.Fit(data, asFlag)
	printFound(w, data, samplers.NewPlan(data.Train.Labels(), max(cfg.Sampler.K, 1), cfg.Sampler.Repeat), fitted)
	if err != nil {
		return false, err
	}

	p := newProgress(w, live)
	t, err := prepare(s, f, cfg, data, []trainer.Hook{p.hook()}, func(m string) { fmt.Fprintln(w, m) })
	if errors.Is(err, trainer.ErrPictures) {
		return false, errors.Wrapf(err, "-data is not the place of the run's pictures; -resume %s -data PATH goes on with those in PATH", wording.Shell(s.resume))
	}
	if err != nil {
		return false, err
	}
	result, err := t.Run(ctx)
	p.close()
	var unfinished *trainer.FinishError
	if errors.As(err, &unfinished) {
		return false, errors.Wrapf(unfinished.Err, "the model is %s, but there is no %s; -resume %s tries again", unfinished.Model, unfinished.File, wording.Shell(unfinished.Dir))
	}
	if errors.Is(err, trainer.ErrBestLost) {
		return false, errors.Wrapf(err, "-resume %s -keep last makes a model of the last weights", wording.Shell(result.Dir))
	}
	if err != nil {
		return false, err
	}
	printOutcome(w, result)
	return result.Stop == trainer.StopInterrupted, nil
}

// loadUntil is load, given up when ctx ends.
func loadUntil(ctx context.Context, cfg trainer.Config, w io.Writer, live bool) (trainer.Data, error) {
	type outcome struct {
		data trainer.Data
		err  error
	}
	read := make(chan outcome, 1)
	go func() {
		data, err := load(cfg, w, live)
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
	data, err := trainer.Load(cfg.Data, cfg.Seed, o)
	return data, inFlags(err)
}

// inFlags puts a question about the pictures in the words of the command line.
func inFlags(err error) error {
	var q *datasets.Question
	if !errors.As(err, &q) {
		return err
	}
	flags := map[string]string{"Path": "-data", "Test": "-test", "Layout": "-layout", "Columns": "-columns"}
	asked := q.In(func(s datasets.Setting) string { return flags[s.Name] + " " + shellWord(s.Value) })
	return errors.New(strings.Replace(err.Error(), q.Error(), asked, 1))
}

// shellWord quotes what a shell would take apart.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-,=:+", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// prepare makes a new run, or one that goes on.
func prepare(s *settings, f *flags, cfg trainer.Config, data trainer.Data, hooks []trainer.Hook, notice func(string)) (*trainer.Trainer, error) {
	o := trainer.Options{Dir: s.resume, Hooks: hooks, Threads: s.threads, Workers: s.workers, Notice: notice, NoReport: s.noReport, Naming: asFlag}
	if s.resume != "" {
		o.Device, o.Keep = s.device, s.keepNow
		return trainer.Resume(data, o)
	}
	text, err := f.writeConfig()
	if err != nil {
		return nil, err
	}
	o.Dir, o.ConfigText = s.out, text
	if o.Dir != "" {
		return trainer.New(cfg, data, o)
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
