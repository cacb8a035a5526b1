package cli

import (
	"reflect"

	"medusa/internal/settings"
	"medusa/optim"
	"medusa/trainer"
)

// options is what the flags and the configuration file say: a trainer.Config, and what
// concerns this program alone. Each field has its flag, key and line of help in its tags.
type options struct {
	Out        string `yaml:"out" file:"-" flag:"out" arg:"DIR" doc:"run folder, new or empty" unset:"runs/DATE-TIME" group:"This run"`
	Resume     string `yaml:"resume" file:"-" flag:"resume" arg:"DIR" doc:"go on with the run in DIR, bit for bit as if it had not stopped" group:"This run"`
	ConfigFile string `yaml:"config" file:"never" flag:"config" arg:"FILE" doc:"YAML file, such as config.yaml of a run: with these flags' names as keys, or with those that a run writes; flags on the command line win" group:"This run"`

	Evaluate string `yaml:"evaluate" file:"never" flag:"evaluate" arg:"DIR" doc:"train nothing, measure the model of the run in DIR, as the command evaluate of medusa does: by -few-shot on the pictures that the run was measured on, by -one-shot on other ones" group:"This run"`
	OneShot  string `yaml:"one-shot" file:"never" flag:"one-shot" arg:"PATH" doc:"with -evaluate: the fixed tasks of Omniglot's one-shot test, all_runs.zip of github.com/brendenlake/omniglot or the folder that it unpacks to" group:"This run"`

	trainer.Config `yaml:",inline"`

	DeviceInfo bool   `yaml:"device-info" file:"never" flag:"device-info" doc:"say which GPUs and CUDA libraries there are, or where they were looked for and what to install; then where this machine trains. Nothing else; the exit code is 0 whatever there is" group:"This run"`
	List       string `yaml:"list" file:"never" flag:"list" arg:"losses|solvers|…" doc:"print the losses, miners, distances, reducers, regularizers, samplers, backbones, solvers or schedules that there are, with their parameters: each name at the start of a line, all about it below. Nothing else; -loss help and the like do the same" group:"This run"`
	NoReport   bool   `yaml:"no_report" flag:"no-report" doc:"write no report.html" group:"This run"`
}

// schema is what can be set of options.
var schema = settings.Of(reflect.TypeFor[options](), trainer.Prototypes())

// prototype is what holds where nothing is said. Solver and schedule have their numbers when
// it is known which they are.
func prototype() options {
	c := trainer.Default()
	c.Solver = optim.Config{Name: c.Solver.Name}
	c.Schedule = optim.ScheduleConfig{Name: c.Schedule.Name}
	return options{Config: c}
}

// trainerConfig is the configuration that the options stand for.
func (f *flags) trainerConfig() (trainer.Config, error) {
	if err := f.checkPositive(); err != nil {
		return trainer.Config{}, err
	}
	f.Finish(true)
	c := f.options.Config
	for _, unread := range schema.Unused(f.options, "Sampler") { // a file's sizes of another sampler, see used
		switch unread {
		case "Sampler.P":
			c.Sampler.P = 0
		case "Sampler.K":
			c.Sampler.K = 0
		case "Sampler.Batch":
			c.Sampler.Batch = 0
		}
	}
	return c, nil
}
