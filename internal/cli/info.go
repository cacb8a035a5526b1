package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"

	"medusa/embeddings"
	"medusa/index"
	"medusa/internal/plain"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/trainer"
)

// informing is the command info.
var informing = command{
	name:  "info",
	takes: "FILE",
	about: "say what a run, a model, a checkpoint, an index or a file of embeddings holds",
	intro: "says what FILE holds: a run folder, a model, a checkpoint, an index, embeddings (.npy, .csv, .jsonl, .parquet, .safetensors), or any other safetensors file. What Medusa wrote is checked to be whole.",
	examples: []example{
		{[]string{"runs/NAME"}, "settings, state and figures of a run"},
		{[]string{"runs/NAME/model.safetensors"}, "network and preprocessing of a model"},
	},
	begin: func(c *invocation) job { return &infoFlags{newFlagSet(c, infoSchema, &struct{}{}, &struct{}{}, nil)} },
}

var infoSchema = settings.Of(reflect.TypeFor[struct{}](), nil)

// infoFlags is a call of the command info.
type infoFlags struct{ *flagSet }

func (f *infoFlags) flags() *flagSet { return f.flagSet }

func (f *infoFlags) do(_ context.Context, args []string) error {
	if err := f.oneArgument(args, "FILE", "a run folder, a model, a checkpoint, an index or embeddings"); err != nil {
		return err
	}
	p := portrait{call: f.call, screen: f.call.screen(f.call.Out, f.call.Live)}
	info, err := os.Stat(args[0])
	switch {
	case errors.Is(err, os.ErrNotExist):
		return errors.Errorf("there is no file or folder %s", args[0])
	case err != nil:
		return err
	case info.IsDir():
		return p.run(args[0])
	case index.IsIndex(args[0]):
		return p.index(args[0])
	}
	if format := embeddings.FormatOf(args[0]); format != "" && format != "safetensors" {
		return p.vectors(args[0], format)
	}
	return p.file(args[0])
}

// portrait shows what a file holds.
type portrait struct {
	call   *invocation
	screen *terminal.Screen
}

// fact is something that is known, by its name.
type fact struct{ name, text string }

// tell shows a title and facts; those without text are left out.
func (p portrait) tell(title string, facts []fact) {
	p.screen.Say(title + "\n")
	columns, column := min(p.screen.Width(), widestHelp), 0
	facts = slices.DeleteFunc(slices.Clone(facts), func(f fact) bool { return f.text == "" })
	for _, f := range facts {
		column = max(column, len(f.name)+4)
	}
	var b strings.Builder
	for _, f := range facts {
		lines := strings.Split(terminal.Wrap(plain.Text(f.text), columns-column), "\n")
		for i, line := range lines {
			if i > 0 {
				f.name = ""
			}
			fmt.Fprintf(&b, "  %-*s%s\n", column-2, f.name, line)
		}
	}
	if len(facts) > 0 {
		p.screen.Page(b.String())
	}
}

// run shows a run folder.
func (p portrait) run(dir string) error {
	cfg, err := trainer.Stored(dir)
	if err != nil {
		if runs := runsIn(dir); len(runs) > 0 {
			return errors.Errorf("%s is no run, but holds some; name one of them, such as\n  %s", dir, p.call.toType(runs[len(runs)-1]))
		}
		if errors.Is(err, os.ErrNotExist) {
			return errors.Errorf("%s holds no run: it has no %s", dir, trainer.StoredFile)
		}
		return err
	}
	result, err := trainer.StoredResult(dir)
	if err != nil {
		return err
	}
	state, again := "", ""
	switch s, err := stateOf(filepath.Join(dir, filepath.FromSlash(trainer.LastFile))); {
	case result != nil:
		state = "finished after " + wording.Number(result.Steps, "steps")
	case err != nil:
		state = "not finished, without a readable last checkpoint"
	default:
		state = fmt.Sprintf("not finished, at step %d", s.Step)
	}
	if result == nil {
		again = p.call.root().of(training.name).toType("-resume", dir)
	}
	facts := append(p.settings(cfg), fact{"seed", strconv.FormatUint(cfg.Seed, 10)})
	if result != nil {
		facts = append(facts, fact{"parameters", wording.Thousands(result.Parameters)}, fact{"model", fmt.Sprintf("of step %d", result.ModelStep)})
	}
	p.tell(dir+": a run, "+state, append(facts, fact{"files", filesIn(dir)}))
	if result != nil && len(result.Figures()) > 0 {
		p.screen.Say("")
		if result.Protocol != "" { // not told by earlier versions
			p.screen.Say(result.Protocol + "\n")
		}
		p.screen.Table(figuresTable(result.Figures(), result.Pixels != nil, result.Items))
	}
	if again != "" {
		p.screen.Say("\nit goes on with\n  " + again)
	}
	return nil
}

// settings are those of a configuration that people ask for first.
func (p portrait) settings(cfg trainer.Config) []fact {
	cfg = cfg.Defaults()
	o := &options{Config: cfg}
	length := wording.Number(cfg.Steps, "steps")
	if cfg.Steps == 0 {
		length = fmt.Sprintf("%g epochs", float64(cfg.Epochs))
	}
	data := cfg.Data.Path
	if data == "" {
		data = "the embedded part of Omniglot"
	}
	for _, part := range []struct{ flag, value string }{{"-test", cfg.Data.Test}, {"-val", cfg.Data.Val}} {
		if part.value != "" {
			data += ", " + part.flag + " " + part.value
		}
	}
	return []fact{
		{"data", data},
		{"input", inputOf(cfg.Net.InChannels, cfg.Net.Height, cfg.Net.Width)},
		{"views", cfg.EvalViews},
		{"net", kindText(o, "Net")},
		{"begun with", o.Weights},
		{"loss", cfg.Loss},
		{"batches", kindText(o, "Sampler")},
		{"solver", kindText(o, "Solver")},
		{"schedule", kindText(o, "Schedule")},
		{"length", length},
	}
}

// kindText is a kind, such as a solver, with its parameters. A parameter of 0 is told only if the kind has
// another default.
func kindText(o *options, section string) string {
	kind := map[string]string{"Net": cmp.Or(o.Net.Backbone, "cnn"), "Sampler": cmp.Or(o.Sampler.Name, "pk"), "Solver": o.Solver.Name, "Schedule": o.Schedule.Name}[section]
	elsewhere := []string{"Name", "Backbone", "InChannels", "Height", "Width", "Seed"}
	written := writtenKeys(o)
	out := []string{kind}
	for _, opt := range schema.Options {
		in, name, _ := strings.Cut(opt.Field, ".")
		if in != section || slices.Contains(elsewhere, name) || !written[opt.Key] || opt.For != nil && !slices.Contains(opt.For, kind) {
			continue
		}
		out = append(out, strings.TrimSuffix(strings.ReplaceAll(opt.Name, "_", "-")+" "+opt.Text(o), " true"))
	}
	return strings.Join(out, ", ")
}

// writtenKeys are the keys of settings, such as solver.lr, that a file must have to mean o.
func writtenKeys(o *options) map[string]bool {
	keys := map[string]bool{}
	text, err := schema.Write(o, false)
	var sections map[string]any
	if err == nil {
		err = yaml.Unmarshal(text, &sections)
	}
	if err != nil { // our own writer
		return keys
	}
	for section, values := range sections {
		parameters, _ := values.(map[string]any)
		for key := range parameters {
			keys[section+"."+key] = true
		}
	}
	return keys
}

// inputOf says what a network sees.
func inputOf(channels, height, width int) string {
	if height*width == 1 {
		return fmt.Sprintf("vectors of %s", wording.Number(channels, "numbers"))
	}
	return fmt.Sprintf("%s pictures of %d×%d", wording.Channels(channels), height, width)
}

// runsIn are the folders in dir that hold runs.
func runsIn(dir string) (runs []string) {
	found, _ := filepath.Glob(filepath.Join(dir, "*", filepath.FromSlash(trainer.StoredFile)))
	for _, path := range found {
		runs = append(runs, filepath.Dir(filepath.Dir(path)))
	}
	return runs
}

// filesIn are the files of a run that are there.
func filesIn(dir string) string {
	var there []string
	for _, name := range []string{trainer.ModelFile, trainer.EmbeddingsFile, trainer.ReportFile, trainer.ResultFile, trainer.MetricsFile, trainer.LeftOutFile, trainer.LastFile, trainer.BestFile} {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil && info.Mode().IsRegular() {
			there = append(there, name)
		}
	}
	return strings.Join(there, ", ")
}

// trainingState is what a checkpoint says of itself, as far as it is shown.
type trainingState struct {
	Step      int     `json:"step"`
	Loss      float64 `json:"loss"`
	HasBest   bool    `json:"has_best"`
	BestValue float64 `json:"best_value"`
	BestStep  int     `json:"best_step"`
}

// stateOf is the state in a checkpoint, whose tensors are not read.
func stateOf(path string) (s trainingState, err error) {
	metadata, _, err := header(path)
	if err != nil {
		return s, err
	}
	return s, errors.Wrap(json.Unmarshal([]byte(metadata["state"]), &s), path)
}
