package cli

import (
	"cmp"
	"context"
	"reflect"
	"strings"

	"medusa/internal/field"
	"medusa/internal/settings"
	"medusa/internal/wording"
	"medusa/metrics"
	"medusa/model"
	"medusa/trainer"
)

// calibrating is the command calibrate.
var calibrating = command{
	name:  "calibrate",
	takes: "MODEL PATH…",
	about: "find the distances below which two pictures are the same",
	intro: "finds below which distance two pictures count as the same, by pictures of known classes that the network did not learn from, and saves that beside the model, for verify. MODEL is a run folder or a model file. PATH is a folder with a folder for each class, an archive of one, or a table with a label for each picture.",
	examples: []example{
		{[]string{"runs/NAME", "others"}, "the thresholds for false accept rates of 10 % to 0.01 %"},
		{[]string{"runs/NAME", "others", "-far", "0.05,0.002"}, "for these rates"},
	},
	notes: "How far to trust a figure depends on the number of classes, not of pairs: the intervals say so.",
	begin: func(c *invocation) job { return newCalibrateFlags(c) },
}

// calibrateOptions are what the flags of calibrate set.
type calibrateOptions struct {
	FAR       []float64 `yaml:"far" flag:"far" arg:"RATE,…" doc:"false accept rates that thresholds are sought for: which share of the pairs of two classes may be taken for one" unset:"0.1, 0.01, 0.001, 0.0001" group:"Thresholds"`
	Resamples int       `yaml:"resamples" flag:"resamples" arg:"N" doc:"draws of the classes, by which the intervals are made; 0 makes none" min:"0" max:"1000000" group:"Thresholds"`
	Seed      uint64    `yaml:"seed" flag:"seed" arg:"N" doc:"of all that is drawn" group:"Thresholds"`
	Out       string    `yaml:"out" flag:"out" arg:"FILE" doc:"where to save the thresholds" unset:"calibration.json beside the model" group:"Thresholds"`
	Data      embedData `yaml:"data" group:"Pictures"`
	Device    string    `yaml:"device" flag:"device" arg:"cpu|cuda|cuda:N|auto" doc:"computes the network: cpu, cuda (the first GPU), cuda:N, or auto, which takes a GPU where there is one" group:"This run" unset:"cpu"`
	Threads   int       `yaml:"threads" flag:"threads" arg:"N" doc:"for the computation; no result depends on it" unset:"all processors" group:"This run" min:"1"`
}

var calibrateSchema = settings.Of(reflect.TypeFor[calibrateOptions](), nil)

// calibrateFlags are the command calibrate, called.
type calibrateFlags struct {
	*flagSet
	options *calibrateOptions
}

func newCalibrateFlags(c *invocation) *calibrateFlags {
	o, unset := &calibrateOptions{Resamples: 1000}, &calibrateOptions{Resamples: 1000}
	return &calibrateFlags{options: o, flagSet: newFlagSet(c, calibrateSchema, o, unset, nil, "Thresholds", "Pictures", "This run")}
}

func (f *calibrateFlags) flags() *flagSet { return f.flagSet }

func (f *calibrateFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(args); err != nil {
		return usageError{err}
	}
	o := f.options
	path := cmp.Or(o.Out, model.CalibrationPath(args[0]))
	if o.Out != "" {
		if err := canReplace(path, "-out", "calibration.json", true); err != nil {
			return err
		}
	}
	m, err := loadForPictures(args[0], "calibrate", o.Device, o.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	if o.Out == "" {
		if err := canWriteBeside(path); err != nil {
			return err
		}
	}
	w := f.call.screen(f.call.Out, f.call.Live)
	f.call.warnOfKnown(w, args[0], args[1:])
	set, err := embedLabelled(ctx, f.call, w, m, args[1:], o.Data)
	if err != nil {
		return err
	}
	task := w.Begin("measuring thresholds")
	v, err := metrics.Verify(ctx, set.Set, metrics.VerifyOptions{FAR: o.FAR, Resamples: o.Resamples, Seed: o.Seed})
	task.End()
	if err != nil {
		return err
	}
	c := model.Calibration{Model: m.Fingerprint(), Data: strings.Join(args[1:], ", "), Pictures: set.Len(), Verification: v}
	if err := c.Write(path); err != nil {
		return err
	}
	w.Sayf("%s of %s\n", wording.Number(set.Len(), "pictures"), wording.Number(len(set.classes), "classes"))
	printTable(w, trainer.ThresholdTable(v, "measured", "pictures"))
	w.Say("\nthresholds  " + path)
	if set.leftOut.any() {
		return errLeftOut
	}
	return nil
}

// canWriteBeside is canWrite of the file beside the model, which no flag names.
func canWriteBeside(path string) error {
	why, err := whyNotWritable(path)
	if err == nil && why != "" {
		err = wrong("%s: %s: name another file with %s", path, why, field.Name("-out"))
	}
	return err
}

// validate refuses what nobody means.
func (f *calibrateFlags) validate(args []string) error {
	if err := modelAndPaths(args, "pictures of known classes", "pictures of known classes", ""); err != nil {
		return err
	}
	given := f.given()
	for _, rate := range f.options.FAR {
		if !(rate > 0 && rate < 1) {
			return wrong("%s: %v is no rate: want numbers between 0 and 1, such as 0.001", field.Name("-far"), rate)
		}
	}
	if given["far"] && len(f.options.FAR) == 0 {
		return wrong("%s is empty: want rates such as 0.001, or leave it out", field.Name("-far"))
	}
	if given["out"] && f.options.Out == "" {
		return wrong("%s is empty: name a file, or leave it out", field.Name("-out"))
	}
	return f.checkGiven(f.options)
}
