package main

import (
	"strings"

	"medusa/internal/field"
	"medusa/losses"
	"medusa/trainer"
)

// sound refuses what no one means who types it. given names the flags of the command line.
func (s *settings) sound(given map[string]bool) error {
	for _, f := range []struct{ name, value, without string }{
		{"resume", s.resume, "begin a new run"}, {"config", s.config, "take the defaults"},
		{"out", s.out, "take a new folder in runs"}, {"data", s.data, "learn from the embedded pictures"},
	} {
		name := field.Name("-" + f.name)
		if given[f.name] && strings.TrimSpace(f.value) == "" {
			return wrong("%s is empty: give a path, or leave it out to %s", name, f.without)
		}
	}
	for _, f := range []struct { // left open they are chosen to suit the data
		name  string
		value int
	}{{"p", s.p}, {"k", s.k}} {
		if given[f.name] && f.value < 1 {
			return wrong("%s is %d, want at least 1", field.Name("-"+f.name), f.value)
		}
	}
	if given["steps"] && s.steps == 0 && s.epochs == 0 {
		return wrong("%s is 0, want at least 1; leave it out for 600", field.Name("-steps"))
	}
	return nil
}

// positive refuses a 0 that would quietly turn into the default.
func (s *settings) positive() error {
	for _, f := range []struct {
		name  field.Name
		value int
	}{
		{"-embedding", s.embedding}, {"-eval-batch", s.evalBatch}, {"-cache", s.cacheMB}, {"-max-pixels", s.maxPixels},
	} {
		if f.value < 1 {
			return wrong("%s is %d, want at least 1", f.name, f.value)
		}
	}
	return nil
}

// compares reports whether the loss has pairs or triplets alone: a classifier learns from
// any batch.
func (s *settings) compares() bool {
	l, err := losses.Parse(s.loss, losses.Setting{Classes: 2, EmbeddingSize: 2, TrunkSize: 2})
	return err == nil && !losses.Classifies(l) // what is no loss is told elsewhere
}

// used refuses flags of the command line that mean nothing to the sampler, and batches that
// teach the loss nothing.
func (s *settings) used(given map[string]bool) error {
	const p, k, sampler = field.Name("-p"), field.Name("-k"), field.Name("-sampler")
	byClass := strings.HasPrefix(s.sampler, "pk")
	switch {
	case byClass && s.p == 1 && s.compares():
		return wrong("%s is 1: a batch of one class has nothing to push apart, and the loss compares pictures of two: want at least 2", p)
	case byClass && s.k == 1 && s.compares():
		return wrong("%s is 1: a batch without two pictures of a class has nothing to pull together, and the loss compares such: want at least 2", k)
	case s.val == "none" && given["keep"] && s.keep == string(trainer.Best):
		return wrong("%s is best, but %s is none, and nothing else can tell which weights are the best: give validation classes, or -keep last", field.Name("-keep"), field.Name("-val"))
	case s.val == "none" && given["metric"]:
		return wrong("%s is %s, but %s is none, and on nothing else weights are chosen by it: give validation classes, or leave it out", field.Name("-metric"), s.metric, field.Name("-val"))
	case byClass && given["batch"]:
		return wrong("%s means nothing to %s %s, whose batch is %s × %s pictures: leave it out, or take -sampler uniform", field.Name("-batch"), sampler, s.sampler, p, k)
	case given["pool"] && s.sampler != "pk-hard":
		return wrong("%s means nothing to %s %s, which looks for no hard negatives: leave it out, or take -sampler pk-hard", field.Name("-pool"), sampler, s.sampler)
	case s.sampler == "uniform" && (given["p"] || given["k"]):
		return wrong("%s and %s mean nothing to %s uniform: give -batch, or take -sampler pk", p, k, sampler)
	case s.sampler == "uniform" && given["repeat"]:
		return wrong("%s means nothing to %s uniform: leave it out, or take -sampler pk", field.Name("-repeat"), sampler)
	}
	return nil
}
