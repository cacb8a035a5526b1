package main

import (
	"strings"

	"github.com/pkg/errors"
)

// sound refuses what no one means who types it, and what a zero would quietly turn into
// the default. given names the flags of the command line.
func (s *settings) sound(given map[string]bool) error {
	for _, f := range []struct{ name, value, without string }{
		{"resume", s.resume, "begin a new run"}, {"config", s.config, "take the defaults"},
		{"out", s.out, "take a new folder in runs"}, {"data", s.data, "learn from the embedded pictures"},
	} {
		if given[f.name] && strings.TrimSpace(f.value) == "" {
			return errors.Errorf("-%s is empty: give a path, or leave -%s out to %s", f.name, f.name, f.without)
		}
	}
	for _, f := range []struct {
		name  string
		value int
	}{
		{"p", s.p}, {"k", s.k}, {"embedding", s.embedding}, {"eval-batch", s.evalBatch}, {"cache", s.cacheMB}, {"max-pixels", s.maxPixels},
	} {
		if given[f.name] && f.value < 1 {
			return errors.Errorf("-%s %d: want at least 1", f.name, f.value)
		}
	}
	if given["steps"] && s.steps == 0 && s.epochs == 0 {
		return errors.New("-steps 0: want at least 1; leave it out for 600")
	}
	return nil
}

// compares reports whether the loss has pairs or triplets alone: a classifier learns from
// any batch.
func (s *settings) compares() bool {
	for part := range strings.SplitSeq(s.loss, "+") {
		if name, _, _ := strings.Cut(part, ":"); strings.TrimSpace(name) == "ce" {
			return false
		}
	}
	return true
}

// used refuses flags of the command line that mean nothing to the sampler, and batches that
// teach the loss nothing.
func (s *settings) used(given map[string]bool) error {
	byClass := strings.HasPrefix(s.sampler, "pk")
	switch {
	case byClass && s.p == 1 && s.compares():
		return errors.New("-p 1: a batch of one class has nothing to push apart, and the loss compares pictures of two: want at least 2")
	case byClass && s.k == 1 && s.compares():
		return errors.New("-k 1: a batch without two pictures of a class has nothing to pull together, and the loss compares such: want at least 2")
	case byClass && given["batch"]:
		return errors.Errorf("-batch means nothing to -sampler %s, whose batch is -p × -k pictures: leave it out, or take -sampler uniform", s.sampler)
	case given["pool"] && s.sampler != "pk-hard":
		return errors.Errorf("-pool means nothing to -sampler %s, which looks for no hard negatives: leave it out, or take -sampler pk-hard", s.sampler)
	case s.sampler == "uniform" && (given["p"] || given["k"]):
		return errors.New("-p and -k mean nothing to -sampler uniform: give -batch, or take -sampler pk")
	case s.sampler == "uniform" && given["repeat"]:
		return errors.New("-repeat means nothing to -sampler uniform: leave it out, or take -sampler pk")
	}
	return nil
}
