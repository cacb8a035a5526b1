package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"os"
	"reflect"
	"strconv"

	"github.com/pkg/errors"

	"medusa/datasets"
	"medusa/internal/field"
	"medusa/internal/nearest"
	"medusa/internal/settings"
	"medusa/model"
)

// verifying is the command verify.
var verifying = command{
	name:  "verify",
	takes: "MODEL A B",
	about: "say whether two pictures show the same",
	intro: "says whether two pictures show the same: whether their embeddings are nearer than a threshold. MODEL is a run folder or a model file, A and B are pictures.",
	examples: []example{
		{[]string{"runs/NAME", "a.jpg", "b.jpg"}, "by the thresholds beside the model"},
		{[]string{"runs/NAME", "a.jpg", "b.jpg", "-far", "0.05"}, "by that of another rate"},
		{[]string{"runs/NAME", "a.jpg", "b.jpg", "-threshold", "0.8"}, "by a threshold of one's own"},
	},
	notes: "Thresholds come from calibrate; without it, from those of the run that made the model, on its validation or test classes. The exit code is 0 if the pictures show the same, 4 if they do not, and another one if that could not be found out.",
	begin: func(c *invocation) job { return newVerifyFlags(c) },
}

// verifyOptions are what the flags of verify set.
type verifyOptions struct {
	FAR         float64 `yaml:"far" flag:"far" arg:"RATE" doc:"false accept rate whose threshold is taken, one of those that calibrate found" unset:"0.001, or the least above it that there is" above:"0" max:"1" group:"Threshold"`
	Threshold   float64 `yaml:"threshold" flag:"threshold" arg:"DISTANCE" doc:"distance below which two pictures count as the same, in place of a rate" unset:"that of the rate" group:"Threshold"`
	Calibration string  `yaml:"calibration" flag:"calibration" arg:"FILE" doc:"thresholds that calibrate saved" unset:"those beside the model" group:"Threshold"`
	JSON        bool    `yaml:"json" flag:"json" doc:"answer in JSON, on a line" group:"Output"`
	Device      string  `yaml:"device" flag:"device" arg:"cpu|cuda|cuda:N|auto" doc:"computes the network: cpu, cuda (the first GPU), cuda:N, or auto, which takes a GPU where there is one" group:"This run" unset:"cpu"`
	Threads     int     `yaml:"threads" flag:"threads" arg:"N" doc:"for the computation; no result depends on it" unset:"all processors" group:"This run" min:"1"`
}

var verifySchema = settings.Of(reflect.TypeFor[verifyOptions](), nil)

// verifyFlags are the command verify, called.
type verifyFlags struct {
	*flagSet
	options *verifyOptions
}

func newVerifyFlags(c *invocation) *verifyFlags {
	o := &verifyOptions{}
	return &verifyFlags{options: o, flagSet: newFlagSet(c, verifySchema, o, &verifyOptions{}, nil, "Threshold", "Output", "This run")}
}

func (f *verifyFlags) flags() *flagSet { return f.flagSet }

// comparison is the answer.
type comparison struct {
	Same      bool    `json:"same"`
	Distance  float64 `json:"distance"`
	Threshold float64 `json:"threshold"`
	FAR       float64 `json:"far,omitempty"` // that the threshold was chosen for
	A         string  `json:"a"`
	B         string  `json:"b"`
}

func (f *verifyFlags) do(ctx context.Context, args []string) error {
	if err := f.validate(args); err != nil {
		return usageError{err}
	}
	o := f.options
	m, err := loadForPictures(args[0], "verify", o.Device, o.Threads)
	if err != nil {
		return err
	}
	defer m.Close()
	v := comparison{Threshold: o.Threshold, A: args[1], B: args[2]}
	from := ""
	if !f.given()["threshold"] {
		p, source, err := f.calibrated().threshold(args[0], m.Fingerprint())
		if err != nil {
			return err
		}
		v.Threshold, v.FAR, from = p.Threshold, p.AskedFAR, source
	}
	var x [2][]float32
	for i, path := range args[1:] {
		if x[i], err = embedOne(ctx, m, path); err != nil {
			return err
		}
	}
	v.Distance = math.Sqrt(nearest.SquaredDistance(x[0], x[1]))
	v.Same = v.Distance < v.Threshold
	if err := f.show(v, from); err != nil {
		return err
	}
	if !v.Same {
		return errDifferent
	}
	return nil
}

// embedOne embeds a picture, and says of one that cannot be read why.
func embedOne(ctx context.Context, m *model.Model, path string) ([]float32, error) {
	switch info, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.Errorf("there is no picture %s", path)
	case err == nil && info.IsDir():
		return nil, errors.Errorf("%s is a folder, want a picture", path)
	}
	x, err := m.EmbedFile(ctx, path)
	if bad := new(datasets.PictureError); errors.As(err, &bad) {
		why := bad.Reason
		if bad.Detail != "" {
			why += ": " + bad.Detail
		}
		return nil, errors.Errorf("%s: %s", path, why)
	}
	return x, err
}

// calibrated says which threshold is asked for.
func (f *verifyFlags) calibrated() calibrated {
	return calibrated{call: f.call, far: f.options.FAR, farGiven: f.given()["far"], file: f.options.Calibration}
}

// show writes the answer.
func (f *verifyFlags) show(v comparison, from string) error {
	if f.options.JSON {
		return json.NewEncoder(f.call.Out).Encode(v)
	}
	text := "different"
	if v.Same {
		text = "the same"
	}
	why := fmt.Sprintf("%s: a distance of %.3f, want less than %s", text, v.Distance, strconv.FormatFloat(v.Threshold, 'g', 4, 64))
	if v.FAR > 0 {
		why += fmt.Sprintf(", which takes %v %% of the pairs of two classes for one (%s)", strconv.FormatFloat(100*v.FAR, 'g', 3, 64), from)
	}
	f.call.screen(f.call.Out, f.call.Live).Say(why)
	return nil
}

// validate refuses what nobody means.
func (f *verifyFlags) validate(args []string) error {
	if err := modelAndPaths(args, "two pictures", "two pictures", ""); err != nil {
		return err
	}
	switch given := f.given(); {
	case len(args) == 2:
		return errors.Errorf("want two pictures, %s is one", args[1])
	case len(args) > 3:
		return errors.Errorf("want two pictures, %q is another; a name with blanks stands in quotes", args[3])
	case given["threshold"] && (given["far"] || given["calibration"]):
		return wrong("%s says what %s and %s would: leave it out, or them", field.Name("-threshold"), field.Name("-far"), field.Name("-calibration"))
	case given["threshold"] && (math.IsNaN(f.options.Threshold) || math.IsInf(f.options.Threshold, 0)):
		return noDistance(f.options.Threshold)
	case given["threshold"] && !(f.options.Threshold > 0):
		return wrong("%s is %v, want a distance above 0", field.Name("-threshold"), f.options.Threshold)
	case given["calibration"] && f.options.Calibration == "":
		return wrong("%s is empty: name a file, or leave it out", field.Name("-calibration"))
	}
	return f.checkGiven(f.options)
}

// errDifferent says that two pictures do not show the same, which was told.
var errDifferent = errors.New("the pictures show different things")
