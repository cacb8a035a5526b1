package cli

import (
	"slices"
	"strings"

	"medusa/internal/field"
	"medusa/losses"
	"medusa/samplers"
	"medusa/trainer"
)

// validate rejects settings that cannot be meant. given names the flags of the command line.
func (f *flags) validate(given map[string]bool) error {
	o := f.options
	for _, path := range []struct{ name, value, without string }{
		{"resume", o.Resume, "begin a new run"}, {"config", o.ConfigFile, "take the defaults"},
		{"out", o.Out, "take a new folder in runs"}, {"evaluate", o.Evaluate, "train"}, {"one-shot", o.OneShot, "measure by other means"}, {"weights", o.Weights, "begin with random ones"}, {"data", o.Data.Path, "learn from the embedded pictures"},
	} {
		name := field.Name("-" + path.name)
		if given[path.name] && strings.TrimSpace(path.value) == "" {
			return wrong("%s is empty: give a path, or leave it out to %s", name, path.without)
		}
	}
	for _, opt := range schema.Options { // else a 0 would quietly be the default
		_, otherForm := forms[opt.Flag]
		length := opt.Flag == "steps" || opt.Flag == "epochs" // 0 of one leaves it to the other
		if !given[opt.Flag] || otherForm || opt.Unset == "" || length {
			continue
		}
		if opt.IsNumber() && opt.CheckTyped(o) != nil {
			return wrong("%s is %s, want %s; leave it out for %s", field.Name("-"+opt.Flag), opt.Text(o), opt.Range, opt.Unset)
		}
	}
	if given["steps"] && o.Steps == 0 && o.Epochs == 0 {
		return wrong("%s is 0, want at least 1; leave it out for 600", field.Name("-steps"))
	}
	return nil
}

// checkPositive rejects a 0 that would quietly turn into the default.
func (f *flags) checkPositive() error {
	for _, o := range schema.Options {
		if o.Min != nil && *o.Min == 1 && o.Unset == "" && o.Whole(f.options) < 1 {
			return wrong("%s is %d, want at least 1", field.Name(o.Field), o.Whole(f.options))
		}
	}
	return nil
}

// compares reports whether the loss learns from pairs or triplets only. A classifier learns from any
// batch.
func (f *flags) compares() bool {
	l, err := losses.Parse(f.options.Loss, losses.Setting{Classes: 2, EmbeddingSize: 2, TrunkSize: 2})
	return err == nil && !losses.Classifies(l) // what is no loss is told elsewhere
}

// checkLeftOver rejects settings that a file gives for its own solver or schedule, if the command line names
// another one that does not read them.
func (f *flags) checkLeftOver() error {
	for _, section := range []string{"Solver", "Schedule", "Sampler"} {
		kind, _ := f.Given(section + ".Name")
		if kind.Flag == "" {
			continue
		}
		for _, unread := range schema.Unused(f.options, section) {
			o := schema.Field(unread)
			from, given := f.Given(unread)
			if !given || from.File == "" || slices.Contains(fittedSizes, unread) {
				continue
			}
			way := "take it out of the file"
			switch {
			case o.IsSwitch() && o.Flag != "":
				way += ", or add -" + o.Flag + "=false"
			case o.Flag != "" && o.IsNumber() && o.Min != nil && *o.Min <= 0:
				way += ", or add -" + o.Flag + " 0"
			}
			return wrong("%s is %s, which means nothing to -%s %s: %s", field.Name(unread), o.Text(f.options), kind.Flag, schema.Field(section+".Name").Text(f.options), way)
		}
	}
	return nil
}

// fittedSizes are the settings of a batch that stand in a run's own file though nobody gave them. run
// drops them if the sampler is another one.
var fittedSizes = []string{"Sampler.P", "Sampler.K", "Sampler.Batch"}

// checkUsed rejects flags of the command line that mean nothing to the sampler, and batches that teach the loss
// nothing.
func (f *flags) checkUsed(given map[string]bool) error {
	if err := f.checkLeftOver(); err != nil {
		return err
	}
	s := f.options
	const p, k, sampler = field.Name("-p"), field.Name("-k"), field.Name("-sampler")
	byClass := strings.HasPrefix(s.Sampler.Name, "pk") || s.Sampler.Name == "hierarchical"
	switch {
	case byClass && s.Sampler.P == 1 && f.compares():
		return wrong("%s is 1: a batch of one class has nothing to push apart, and the loss compares pictures of two: want at least 2", p)
	case byClass && s.Sampler.K == 1 && f.compares():
		return wrong("%s is 1: a batch without two pictures of a class has nothing to pull together, and the loss compares such: want at least 2", k)
	case s.Data.Val == "none" && given["keep"] && s.Keep == trainer.Best:
		return wrong("%s is best, but %s is none, and nothing else can tell which weights are the best: give validation classes, or -keep last", field.Name("-keep"), field.Name("-val"))
	case s.Data.Val == "none" && given["metric"]:
		return wrong("%s is %s, but %s is none, and on nothing else weights are chosen by it: give validation classes, or leave it out", field.Name("-metric"), s.Metric, field.Name("-val"))
	case byClass && given["batch"]:
		return wrong("%s means nothing to %s %s, whose batch is %s × %s pictures: leave it out, or take -sampler uniform", field.Name("-batch"), sampler, s.Sampler.Name, p, k)
	case given["pool"] && !slices.Contains([]string{"pk-hard", "tuples-to-weights"}, s.Sampler.Name):
		return wrong("%s means nothing to %s %s, which looks for no hard negatives: leave it out, or take -sampler pk-hard", field.Name("-pool"), sampler, s.Sampler.Name)
	case s.Sampler.Name == "uniform" && (given["p"] || given["k"]):
		return wrong("%s and %s mean nothing to %s uniform: give -batch, or take -sampler pk", p, k, sampler)
	case s.Sampler.Name == "uniform" && given["repeat"]:
		return wrong("%s means nothing to %s uniform: leave it out, or take -sampler pk", field.Name("-repeat"), sampler)
	}
	if !slices.Contains(samplers.Names(), s.Sampler.Name) {
		return nil // told elsewhere
	}
	for _, unread := range schema.Unused(s, "Sampler") {
		if o := schema.Field(unread); given[o.Flag] {
			return wrong("%s means nothing to %s %s: leave it out, or take one of %s", field.Name("-"+o.Flag), sampler, s.Sampler.Name, strings.Join(o.For, ", "))
		}
	}
	return nil
}
