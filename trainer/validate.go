package trainer

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/losses"
	"medusa/samplers"
)

var deviceName = regexp.MustCompile(`^(cpu|auto|cuda(:[0-9]{1,3})?)$`)

// Defaults is c with every zero field that has a default filled in. Steps stays 0 where
// Epochs is given, since an epoch's length is known with the data only.
func (c Config) Defaults() Config {
	c.Loss = cmp.Or(c.Loss, defaultLoss)
	c.Metric = cmp.Or(c.Metric, "recall_at_1")
	c.Keep = cmp.Or(c.Keep, Best)
	c.Device = cmp.Or(c.Device, "cpu")
	if c.Epochs == 0 {
		c.Steps = cmp.Or(c.Steps, 600)
	}
	if c.EvalEvery == 0 && c.Steps > 0 {
		c.EvalEvery = max(c.Steps/10, 50)
	}
	c.EvalBatch = cmp.Or(c.EvalBatch, 128)
	c.CheckpointEvery = cmp.Or(c.CheckpointEvery, 100)
	c.LogEvery = cmp.Or(c.LogEvery, 10)
	c.Sampler.Seed = cmp.Or(c.Sampler.Seed, c.Seed)
	c.Data.Resize = cmp.Or(c.Data.Resize, datasets.Squeeze)
	c.Data.Range = cmp.Or(c.Data.Range, datasets.RangeAuto)
	c.Data.Copies = cmp.Or(c.Data.Copies, TellCopies)
	c.Data.Normalise = cmp.Or(c.Data.Normalise, "auto")
	c.Solver = c.Solver.defaults()
	c.Schedule = c.Schedule.defaults(c.Steps)
	return c
}

const defaultLoss = "triplet"

func (s SolverConfig) defaults() SolverConfig {
	s.Name = cmp.Or(s.Name, "adam")
	s.LossLR = cmp.Or(s.LossLR, 1)
	switch s.Name {
	case "sgd":
		s.LR = cmp.Or(s.LR, 0.05)
		return s
	case "adam", "adamw":
		s.Beta1 = cmp.Or(s.Beta1, 0.9)
		s.Beta2 = cmp.Or(s.Beta2, 0.999)
	case "rmsprop":
		s.Alpha = cmp.Or(s.Alpha, 0.99)
	}
	s.LR = cmp.Or(s.LR, 1e-3)
	s.Eps = cmp.Or(s.Eps, 1e-8)
	return s
}

func (s ScheduleConfig) defaults(steps int) ScheduleConfig {
	s.Name = cmp.Or(s.Name, "constant")
	switch s.Name {
	case "step":
		s.Gamma = cmp.Or(s.Gamma, 0.1)
		if steps > 0 {
			s.Every = cmp.Or(s.Every, max(steps/3, 1))
		}
	case "plateau":
		s.Gamma = cmp.Or(s.Gamma, 0.1)
		s.Wait = cmp.Or(s.Wait, 3)
	}
	return s
}

// Validate lists everything that is wrong with c in one error.
func (c Config) Validate() error {
	c = c.Defaults()
	var f faults
	f.add(c.Steps < 0, "steps is %d, want at least 1", c.Steps)
	f.add(c.Epochs < 0, "epochs is %d, want at least 1", c.Epochs)
	f.add(c.Steps > 0 && c.Epochs > 0, "steps is %d and epochs %d: give one of them", c.Steps, c.Epochs)
	f.add(!finite(c.Clip) || c.Clip < 0, "clip is %v, want a positive norm, or 0 for none", c.Clip)
	f.add(c.EvalEvery < -1, "eval_every is %d, want a number of steps, 0 for the default or -1 for never", c.EvalEvery)
	f.add(c.EvalBatch < 0 || c.EvalBatch > most, "eval_batch is %d, want 1 … %d", c.EvalBatch, most)
	f.add(c.Net.Embedding > most, "net.embedding is %d, want at most %d", c.Net.Embedding, most)
	f.add(c.Patience < 0, "patience is %d, want a number of evaluations, or 0 for none", c.Patience)
	f.add(c.Patience > 0 && c.EvalEvery < 0, "patience is %d, but eval_every says never to evaluate", c.Patience)
	f.add(c.CheckpointEvery < -1, "checkpoint_every is %d, want a number of steps, 0 for the default or -1 for never", c.CheckpointEvery)
	f.add(c.LogEvery < 0, "log_every is %d, want a number of steps", c.LogEvery)
	f.add(c.Threads < 0, "threads is %d, want a number, or 0 for all processors", c.Threads)
	f.add(!metricName.MatchString(c.Metric), "metric is %q, want recall_at_K, precision_at_1, r_precision, map_at_r, map, mrr, nmi, ami, ari or pairwise_f1", c.Metric)
	f.oneOf("keep", string(c.Keep), string(Best), string(Last))
	f.add(!deviceName.MatchString(c.Device), "device is %q, want cpu, cuda, cuda:N with the number of a GPU, or auto", c.Device)
	net := c.Net
	if net.Backbone == "" && len(net.Hidden) > 0 {
		net.Backbone = "mlp" // if the data are vectors; with pictures New says what hidden layers need
	}
	if err := net.Validate(); err != nil {
		f.add(true, "net: %v", err)
	}
	if len(c.Loss) > maxLossBytes {
		f.add(true, "loss has %d characters, want at most %d", len(c.Loss), maxLossBytes)
	} else if _, err := losses.Parse(c.Loss, losses.Setting{Classes: 2, EmbeddingSize: 2, TrunkSize: 2}); err != nil {
		f.add(true, "loss: %v", err)
	}
	c.Data.validate(&f)
	c.Solver.validate(&f)
	c.Schedule.validate(&f)
	if n := c.Sampler.Name; n != "" {
		f.oneOf("sampler.name", n, samplers.Names()...)
	}
	f.add(c.Sampler.P < 0 || c.Sampler.K < 0 || c.Sampler.Batch < 0, "sampler has p %d, k %d, batch %d, want none below 0",
		c.Sampler.P, c.Sampler.K, c.Sampler.Batch)
	return f.err()
}

// maxLossBytes bounds the text of a loss: each term of a sum is a graph of its own.
const maxLossBytes = 1 << 13

// most bounds what nobody means and no memory holds.
const most = 1 << 16

// suits lists what data leave without a meaning in c.
func (c Config) suits(data runData) error {
	var f faults
	if data.Val == nil {
		f.add(c.Patience > 0, "patience is %d, but there are no validation classes to lose it over: give data.val, or no patience", c.Patience)
		f.add(c.Schedule.Name == "plateau", "schedule.name is plateau, but there are no validation classes to see one on: give data.val, or another schedule")
	}
	shift := c.Data.Augment.RandomCrop
	f.add(shift > 0 && shift >= min(c.Net.Height, c.Net.Width), "data.augment.random_crop is %d, which shifts pictures of %d×%d out of sight: want less",
		shift, c.Net.Height, c.Net.Width)
	return f.err()
}

var metricName = regexp.MustCompile(`^(recall_at_[1-9][0-9]{0,5}|precision_at_1|r_precision|map_at_r|map|mrr|nmi|ami|ari|pairwise_f1)$`)

func (d DataConfig) validate(f *faults) {
	f.oneOf("data.copies", string(d.Copies), string(TellCopies), string(LeaveOutCopies), string(IgnoreCopies))
	f.oneOf("data.resize", string(d.Resize), string(datasets.Squeeze), string(datasets.Crop), string(datasets.Pad))
	f.add(!datasets.ValidRange(d.Range), "data.range is %q, want auto, full, or LOW/HIGH such as 0/4095", d.Range)
	f.oneOf("data.layout", string(cmp.Or(d.Layout, datasets.LayoutAuto)), string(datasets.LayoutAuto), string(datasets.LayoutFolders))
	f.oneOf("data.normalise", d.Normalise, "auto", "none", "given")
	f.add(d.Normalise == "given" && (len(d.Mean) == 0 || len(d.Std) == 0), "data.normalise is given, but mean and std are not")
	f.add(d.Normalise != "given" && len(d.Mean)+len(d.Std) > 0, "data.mean and data.std are given, but data.normalise is %s, want given", d.Normalise)
	f.add(d.Height < 0 || d.Width < 0, "data.height and data.width are %d and %d, want none below 0", d.Height, d.Width)
	f.add(!slices.Contains([]int{0, 1, 3}, d.Channels), "data.channels is %d, want 1 (grey) or 3 (colour)", d.Channels)
	f.add(d.Workers < 0, "data.workers is %d, want a number, or 0 for all processors", d.Workers)
	f.add(d.Ahead < 0, "data.ahead is %d, want a number of batches, or 0 for the default", d.Ahead)
	f.add(d.MaxPixels < 0, "data.max_pixels is %d, want a number of pixels, or 0 for the default", d.MaxPixels)
	f.add(d.CacheBytes < 0, "data.cache_bytes is %d, want a number of bytes, or 0 for the default", d.CacheBytes)
	for _, part := range []struct{ name, from string }{{"data.val", d.Val}, {"data.test", d.Test}} {
		if x, ok := fraction(part.from); ok {
			f.add(!(x > 0 && x < 1), "%s is %s, want a fraction of the classes between 0 and 1, a path, or none", part.name, part.from)
		}
	}
	if err := d.Augment.Validate(); err != nil {
		f.add(true, "data.augment: %v", err)
	}
}

func (s SolverConfig) validate(f *faults) {
	f.oneOf("solver.name", s.Name, "sgd", "adam", "adamw", "rmsprop")
	used := map[string][]string{
		"sgd": {"momentum", "nesterov"}, "adam": {"beta1", "beta2", "eps"}, "adamw": {"beta1", "beta2", "eps"},
		"rmsprop": {"momentum", "alpha", "eps"},
	}[s.Name]
	for _, o := range []struct {
		name string
		set  bool
	}{{"momentum", s.Momentum != 0}, {"nesterov", s.Nesterov}, {"beta1", s.Beta1 != 0}, {"beta2", s.Beta2 != 0}, {"alpha", s.Alpha != 0}, {"eps", s.Eps != 0}} {
		f.add(used != nil && o.set && !slices.Contains(used, o.name), "solver.%s means nothing to %s", o.name, s.Name)
	}
	f.add(!finite(s.LR) || s.LR <= 0, "solver.lr is %v, want a positive learning rate", s.LR)
	f.add(!finite(s.LossLR) || s.LossLR < 0, "solver.loss_lr is %v, want a positive factor", s.LossLR)
	f.share("solver.momentum", s.Momentum)
	f.share("solver.beta1", s.Beta1)
	f.share("solver.beta2", s.Beta2)
	f.share("solver.alpha", s.Alpha)
	f.add(!finite(s.Eps) || s.Eps < 0, "solver.eps is %v, want a small positive number", s.Eps)
	f.add(!finite(s.WeightDecay) || s.WeightDecay < 0, "solver.weight_decay is %v, want a positive number, or 0 for none", s.WeightDecay)
	f.add(s.Name == "sgd" && s.Nesterov && s.Momentum == 0, "solver.nesterov needs a solver.momentum, such as 0.9")
}

func (s ScheduleConfig) validate(f *faults) {
	f.oneOf("schedule.name", s.Name, "constant", "step", "cosine", "plateau")
	drops := s.Name == "step" || s.Name == "plateau"
	f.add(s.Warmup < 0, "schedule.warmup is %d, want a number of steps", s.Warmup)
	f.add(s.Every < 0, "schedule.every is %d, want a number of steps", s.Every)
	f.add(s.Wait < 0, "schedule.wait is %d, want a number of evaluations", s.Wait)
	f.add(drops && !(s.Gamma > 0 && s.Gamma < 1), "schedule.gamma is %v, want a factor between 0 and 1", s.Gamma)
	f.add(!(s.Floor >= 0 && s.Floor < 1), "schedule.floor is %v, want a share of the learning rate from 0 to below 1", s.Floor)
	f.add(s.Every != 0 && s.Name != "step", "schedule.every means nothing to %s", s.Name)
	f.add(s.Gamma != 0 && !drops, "schedule.gamma means nothing to %s", s.Name)
	f.add(s.Wait != 0 && s.Name != "plateau", "schedule.wait means nothing to %s", s.Name)
	f.add(s.Floor != 0 && s.Name != "cosine" && s.Name != "plateau", "schedule.floor means nothing to %s", s.Name)
}

// faults collects what is wrong.
type faults []string

func (f *faults) add(wrong bool, format string, args ...any) {
	if wrong {
		*f = append(*f, fmt.Sprintf(format, args...))
	}
}

func (f *faults) oneOf(name, value string, known ...string) {
	f.add(!slices.Contains(known, value), "%s is %q, want one of %s", name, value, strings.Join(known, ", "))
}

// share checks a decay of a running mean.
func (f *faults) share(name string, v float64) {
	f.add(!(v >= 0 && v < 1), "%s is %v, want a share from 0 to below 1", name, v)
}

func (f faults) err() error {
	if len(f) == 0 {
		return nil
	}
	noun := "faults"
	if len(f) == 1 {
		noun = "fault"
	}
	return errors.Errorf("trainer: the configuration has %d %s:\n  %s", len(f), noun, strings.Join(f, "\n  "))
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
