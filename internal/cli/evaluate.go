package cli

import (
	"context"
	"os"
	"reflect"
	"slices"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/model"
	"medusa/trainer"
)

// evaluating is the command evaluate.
var evaluating = command{
	name:  "evaluate",
	takes: "MODEL [PATH…]",
	about: "measure a trained network, by retrieval and few-shot tasks",
	intro: "measures a trained network, and trains nothing. MODEL is a run folder or a model file. PATH are pictures of known classes: a folder with a folder for each class, an archive of one, or a table. Without PATH, -few-shot is of the pictures that the run was measured on.",
	examples: []example{
		{[]string{"runs/omniglot", "-few-shot", "20x1,5x5"}, "on the pictures that the run was measured on"},
		{[]string{"runs/omniglot", "-one-shot", "all_runs.zip"}, "on those of another test"},
		{[]string{"runs/NAME", "photos"}, "each of these looked for among all others"},
		{[]string{"runs/NAME", "photos", "-gallery", "shelf", "-rerank", "20,6,0.3"}, "among those of another folder, and re-ranked"},
	},
	begin: func(c *invocation) job { return newEvaluateFlags(c) },
}

// evaluateOptions are what the flags of evaluate set.
type evaluateOptions struct {
	FewShot   string           `yaml:"few-shot" flag:"few-shot" arg:"WAYSxSHOTS,…" doc:"episodes on the pictures of PATH, or the pictures that the run was measured on: 20x1,5x5 is the error among 20 classes of which one picture each is known, and among 5 of which five are; where classes lie in several folders, within one folder besides" group:"What to measure"`
	OneShot   string           `yaml:"one-shot" flag:"one-shot" arg:"PATH" doc:"the fixed tasks of Omniglot's one-shot test, all_runs.zip of github.com/brendenlake/omniglot or the folder that it unpacks to" group:"What to measure"`
	Retrieval retrievalOptions `yaml:"retrieval" group:"Pictures"`
}

var evaluateSchema = settings.Of(reflect.TypeFor[evaluateOptions](), nil)

// evaluateFlags is a call of the command evaluate.
type evaluateFlags struct {
	*flagSet
	options *evaluateOptions
}

func newEvaluateFlags(c *invocation) *evaluateFlags {
	o := &evaluateOptions{}
	return &evaluateFlags{options: o, flagSet: newFlagSet(c, evaluateSchema, o, &evaluateOptions{}, nil, "What to measure", "Pictures")}
}

func (f *evaluateFlags) flags() *flagSet { return f.flagSet }

func (f *evaluateFlags) do(ctx context.Context, args []string) error {
	if len(args) > 1 {
		return f.ofPictures(ctx, args)
	}
	if err := f.oneArgument(args, "MODEL", "the run folder, or its model file"); err != nil {
		return err
	}
	given := f.given()
	for _, o := range f.Options {
		if given[o.Flag] && o.Flag != "few-shot" && o.Flag != "one-shot" {
			return usageError{wrong("%s is about pictures: name some behind the model", field.Name("-"+o.Flag))}
		}
	}
	if !given["few-shot"] && !given["one-shot"] {
		return usageError{wrong("%s wants to know what to measure: pictures of known classes as a PATH behind %s, %s, %s or both", field.Name("evaluate"), args[0], field.Name("-few-shot"), field.Name("-one-shot"))}
	}
	e := evaluation{model: args[0], tasks: f.options.FewShot, oneShot: f.options.OneShot}
	if err := e.validate("evaluate", given); err != nil {
		return usageError{err}
	}
	return e.show(ctx, f.call.screen(f.call.Out, f.call.Live))
}

// ofPictures measures pictures that stand behind the model.
func (f *evaluateFlags) ofPictures(ctx context.Context, args []string) error {
	given, o := f.given(), &f.options.Retrieval
	if err := modelAndPaths(args, "pictures", "pictures", ""); err != nil {
		return usageError{err}
	}
	if given["one-shot"] {
		return usageError{wrong("%s has its own pictures: leave it out, or %s", field.Name("-one-shot"), args[1])}
	}
	for _, name := range []string{"few-shot", "gallery", "rerank", "expand", "whiten", "sizes"} {
		if given[name] && f.TextOf(name) == "" {
			return usageError{wrong("%s is empty: say what it should be, or leave it out", field.Name("-"+name))}
		}
	}
	if _, err := trainer.ParseFewShot(f.options.FewShot); given["few-shot"] && err != nil {
		return usageError{wrong("%s: %v", field.Name("-few-shot"), err)}
	}
	if o.Gallery == "-" && slices.Contains(args[1:], "-") {
		return usageError{wrong("%s - and -: standard input can be read once; give one of the two as a file", field.Name("-gallery"))}
	}
	if err := f.checkGiven(f.options); err != nil {
		return usageError{err}
	}
	r, err := newRetrieval(f.call, o)
	if err != nil {
		return usageError{err}
	}
	return r.show(ctx, f.call.screen(f.call.Out, f.call.Live), args[0], args[1:], f.options.FewShot)
}

// oneArgument refuses command lines with less or more than one argument beside the flags.
func (f *flagSet) oneArgument(args []string, name, what string) error {
	switch {
	case len(args) == 0:
		return usageError{errors.Errorf("want a %s: %s; -h says more", name, what)}
	case len(args) > 1:
		return usageError{errors.Errorf("want one %s, %q is another; a name with blanks stands in quotes", name, args[1])}
	case args[0] == "":
		return usageError{errors.Errorf("%s is empty: give %s", name, what)}
	}
	return nil
}

// validateEvaluation rejects flags that mean nothing to -evaluate, and an evaluation of nothing.
func (f *flags) validateEvaluation(given map[string]bool) error {
	if !given["evaluate"] {
		return wrong("%s measures a trained network: give the run folder as %s", field.Name("-one-shot"), field.Name("-evaluate"))
	}
	free := []string{"evaluate", "one-shot", "few-shot"}
	for name := range given {
		if !slices.Contains(free, name) {
			return wrong("%s says nothing to %s, which trains nothing: leave it out", field.Name("-"+name), field.Name("-evaluate"))
		}
	}
	return f.evaluation().validate("-evaluate", given)
}

// evaluation is what -evaluate asks for.
func (f *flags) evaluation() evaluation {
	return evaluation{model: f.options.Evaluate, tasks: f.options.FewShot, oneShot: f.options.OneShot, called: "-evaluate"}
}

// evaluation measures a trained network.
type evaluation struct {
	model   string // a run folder, or a model file
	tasks   string // of -few-shot
	oneShot string // path
	called  string // what messages about the model call it; empty if they name its path alone
}

// validate rejects an evaluation that cannot be meant. asked is the command or the flag that asks for it.
func (e evaluation) validate(asked string, given map[string]bool) error {
	for _, name := range []string{"few-shot", "one-shot"} {
		if value := map[string]string{"few-shot": e.tasks, "one-shot": e.oneShot}[name]; given[name] && value == "" {
			return wrong("%s is empty: say what to measure, or leave it out", field.Name("-"+name))
		}
	}
	if e.tasks == "" && e.oneShot == "" {
		return wrong("%s wants to know what to measure: %s, %s or both", field.Name(asked), field.Name("-few-shot"), field.Name("-one-shot"))
	}
	_, err := trainer.ParseFewShot(e.tasks)
	if err != nil {
		return wrong("%s: %v", field.Name("-few-shot"), err)
	}
	return nil
}

// show measures what is asked for, and shows it.
func (e evaluation) show(ctx context.Context, w *terminal.Screen) error {
	info, err := os.Stat(e.model)
	switch {
	case err != nil && e.called == "":
		return errors.Errorf("there is no run folder or model file %s", e.model)
	case err != nil:
		return e.ofModel(errors.Errorf("there is no run folder %s", e.model))
	case !info.IsDir() && e.tasks != "":
		return e.ofModel(wrong("%s measures the embeddings that a run left: give the run folder in place of the file %s", field.Name("-few-shot"), e.model))
	}
	var tables []trainer.Table
	for _, measure := range []struct {
		asked string
		of    func(context.Context) (trainer.Table, error)
	}{{e.tasks, e.fewShot}, {e.oneShot, e.oneShotRuns}} {
		if measure.asked == "" {
			continue
		}
		t, err := measure.of(ctx)
		if err != nil {
			return err
		}
		tables = append(tables, t)
	}
	for i, t := range tables {
		if i > 0 {
			w.Say("")
		}
		printTable(w, t)
	}
	return nil
}

// fewShot measures the embeddings that the run left, with the run's seed: the figures are those
// that the run itself would have told.
func (e evaluation) fewShot(ctx context.Context) (trainer.Table, error) {
	tasks, err := trainer.ParseFewShot(e.tasks)
	if err != nil {
		return trainer.Table{}, wrong("%s: %v", field.Name("-few-shot"), err)
	}
	cfg, err := trainer.Stored(e.model)
	if err != nil {
		return trainer.Table{}, e.ofModel(err)
	}
	s, classes, err := trainer.StoredEmbeddings(e.model)
	if err != nil {
		return trainer.Table{}, e.ofModel(err)
	}
	items := "pictures"
	if cfg.Net.Height*cfg.Net.Width == 1 {
		items = "vectors"
	}
	figures, err := trainer.MeasureFewShot(ctx, s, classes, tasks, cfg.Seed)
	if err != nil {
		return trainer.Table{}, wrong("%s: %v", field.Name("-few-shot"), err)
	}
	return trainer.FewShotTable(figures, items), nil
}

// oneShotRuns measures the model by the tasks of a folder or an archive.
func (e evaluation) oneShotRuns(ctx context.Context) (trainer.Table, error) {
	m, err := model.Load(e.model, model.Options{})
	if err != nil {
		return trainer.Table{}, e.ofModel(err)
	}
	defer m.Close()
	r, err := m.OneShot(ctx, e.oneShot)
	if err != nil {
		return trainer.Table{}, wrong("%s: %v", field.Name("-one-shot"), err)
	}
	return trainer.OneShotTable(r), nil
}

// ofModel is an error of what is measured.
func (e evaluation) ofModel(err error) error {
	if e.called == "" {
		return err
	}
	return errors.WithMessage(err, e.called)
}
