package cli

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/pkg/errors"

	"medusa/internal/field"
	"medusa/internal/filewrite"
	"medusa/internal/settings"
	"medusa/internal/terminal"
	"medusa/internal/wording"
	"medusa/model"
	"medusa/trainer"
)

// exporting is the command export.
var exporting = command{
	name:  "export",
	takes: "MODEL",
	about: "write a trained network for other programs: ONNX, PyTorch, TensorBoard",
	intro: "writes a trained network, or what it embedded, for other programs. MODEL is a run folder, or but for -format projector also a model file.",
	examples: []example{
		{[]string{"runs/NAME", "-out", "net.onnx", "-onnx-input", "pixels"}, "for ONNX Runtime and its like"},
		{[]string{"runs/NAME", "-out", "net.safetensors"}, "the weights under PyTorch's names"},
		{[]string{"runs/NAME", "-format", "projector", "-out", "map"}, "for tensorboard --logdir map"},
	},
	notes: "What comes out, and how other programs use it, is told in docs/export.md.",
	begin: func(c *invocation) job { return newExportFlags(c) },
}

// exportOptions are what the flags of export set.
type exportOptions struct {
	Out       string `yaml:"out" flag:"out" arg:"FILE" doc:"what to write: a file whose ending says the format, .onnx or .safetensors; for -format projector a folder" group:"Output"`
	Format    string `yaml:"format" flag:"format" arg:"NAME" doc:"onnx; safetensors, the weights under PyTorch's names; or projector, the embeddings that the run left, with pictures, for TensorBoard" unset:"as the ending of -out says" choices:"onnx,safetensors,projector" group:"Output"`
	Overwrite bool   `yaml:"overwrite" flag:"overwrite" doc:"let files that are there give way, once the new ones are whole" group:"Output"`

	ONNXInput  string `yaml:"onnx_input" flag:"onnx-input" arg:"NAME" doc:"what the file takes of a picture that was resized: normalised, as the network learned; pixels, bytes from 0 to 255; or floats, from 0 to 1, of vectors the numbers as they are. The file does the rest" unset:"normalised" choices:"normalised,pixels,floats" group:"For onnx"`
	NoViews    bool   `yaml:"no_views" flag:"no-views" doc:"leave out the views over which a model of a run with -eval-views takes the mean: the file embeds the picture as it is, in less time, and not as the model does" group:"For onnx"`
	NoPictures bool   `yaml:"no_pictures" flag:"no-pictures" doc:"points only, for which the pictures of the run need not be there" group:"For projector"`
}

var exportSchema = settings.Of(reflect.TypeFor[exportOptions](), nil)

// exportFlags are the command export, called.
type exportFlags struct {
	*flagSet
	options *exportOptions
}

func newExportFlags(c *invocation) *exportFlags {
	o := &exportOptions{}
	return &exportFlags{options: o, flagSet: newFlagSet(c, exportSchema, o, &exportOptions{}, nil, "Output", "For onnx", "For projector")}
}

func (f *exportFlags) flags() *flagSet { return f.flagSet }

func (f *exportFlags) do(ctx context.Context, args []string) error {
	if err := f.oneArgument(args, "MODEL", "the run folder, or its model file"); err != nil {
		return err
	}
	format, err := f.validate()
	if err != nil {
		return usageError{err}
	}
	info, err := os.Stat(args[0])
	if err != nil {
		return errors.Errorf("there is no run folder or model file %s", args[0])
	}
	w := f.call.screen(f.call.Out, f.call.Live)
	if format == formatProjector {
		if !info.IsDir() {
			return errors.Errorf("%s is a file, and -format projector wants the folder of the run, which has the embeddings", args[0])
		}
		return f.projector(ctx, w, args[0])
	}
	path := args[0]
	if info.IsDir() {
		path = filepath.Join(path, trainer.ModelFile)
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return errors.Errorf("%s has no %s, which a finished run leaves", args[0], trainer.ModelFile)
		}
	}
	return f.model(w, path, format)
}

// The formats.
const (
	formatONNX        = "onnx"
	formatSafetensors = "safetensors"
	formatProjector   = "projector"
)

// validate refuses what nobody means, and returns the format.
func (f *exportFlags) validate() (format string, err error) {
	given, o := f.given(), f.options
	for _, opt := range f.Options {
		if given[opt.Flag] && opt.Choices != nil {
			if err := opt.CheckTyped(o); err != nil {
				return "", wrong("%s %v; without it: %s", field.Name("-"+opt.Flag), err, opt.Unset)
			}
		}
	}
	if o.Out == "" {
		return "", wrong("%s names nothing to write: give a file such as -out net.onnx", field.Name("-out"))
	}
	if format = o.Format; format == "" {
		switch ending := strings.ToLower(filepath.Ext(o.Out)); ending {
		case ".onnx", ".safetensors":
			format = ending[1:]
		default:
			return "", wrong("%s %s: the ending says no format, want .onnx or .safetensors, or a %s", field.Name("-out"), o.Out, field.Name("-format"))
		}
	}
	for flag, of := range map[string]string{"onnx-input": formatONNX, "no-views": formatONNX, "no-pictures": formatProjector} {
		if given[flag] && format != of {
			return "", wrong("%s says nothing to the format %s: leave it out", field.Name("-"+flag), format)
		}
	}
	return format, nil
}

// model writes a file of the model.
func (f *exportFlags) model(w *terminal.Screen, path, format string) error {
	o := f.options
	switch info, err := os.Stat(o.Out); {
	case err == nil && info.IsDir():
		return wrong("%s %s is a folder, want a file to write", field.Name("-out"), o.Out)
	case err == nil && !o.Overwrite:
		return f.exists(o.Out)
	}
	if err := refuseOtherFile(path); err != nil {
		return err
	}
	m, err := model.Load(path, model.Options{})
	if err != nil {
		return err
	}
	defer m.Close()
	write := m.ExportSafetensors
	if format == formatONNX {
		write = func(to io.Writer) error {
			return m.ExportONNX(to, model.ONNXOptions{Input: model.ONNXInput(o.ONNXInput), NoViews: o.NoViews})
		}
		switch info := m.Info(); {
		case o.ONNXInput == string(model.InputPixels) && info.Resize == "":
			return wrong("%s is pixels, and the model of %s did not learn from picture files: take floats, its numbers as they are", field.Name("-onnx-input"), path)
		case o.NoViews && info.Views == "":
			return wrong("%s: the model of %s takes no views: leave it out", field.Name("-no-views"), path)
		}
	}
	task := w.Begin("writing " + o.Out)
	err = filewrite.Whole(o.Out, write)
	task.End()
	var failed *os.PathError
	if errors.As(err, &failed) {
		return wrong("%s %s: %v", field.Name("-out"), o.Out, failed.Err)
	}
	if err != nil {
		return err
	}
	f.tell(w, m, format)
	return nil
}

// exists refuses to write over a file.
func (f *exportFlags) exists(path string) error {
	return wrong("%s: %s is there already: name another one, or add %s", field.Name("-out"), path, field.Name("-overwrite"))
}

// tell says what was written, and what of the model is not in it.
func (f *exportFlags) tell(w *terminal.Screen, m *model.Model, format string) {
	info, size := m.Info(), m.EmbeddingSize()
	if format == formatSafetensors || f.options.NoViews {
		size = info.Net.Embedding
	}
	w.Sayf("%s  %s: %s in, %s out", format, f.options.Out, inputOf(info.Net.InChannels, info.Net.Height, info.Net.Width), wording.Number(size, "numbers"))
	switch {
	case info.Views == "":
	case format == formatSafetensors:
		w.Sayf("the views %s, over which the model takes the mean, are no weights and not in it: PyTorch embeds pictures as they are", info.Views)
	case f.options.NoViews:
		w.Sayf("the views %s, over which the model takes the mean, are left out", info.Views)
	default:
		w.Sayf("the views %s are taken in it", info.Views)
	}
}

// projector writes a folder for TensorBoard.
func (f *exportFlags) projector(ctx context.Context, w *terminal.Screen, dir string) error {
	out := f.options.Out
	if info, err := os.Stat(out); err == nil && !info.IsDir() {
		return wrong("%s %s is a file, want a folder to write into", field.Name("-out"), out)
	}
	for _, name := range trainer.ProjectorFiles() { // before pictures are read
		if path := filepath.Join(out, name); !f.options.Overwrite {
			if _, err := os.Lstat(path); err == nil {
				return f.exists(path)
			}
		}
	}
	set, _, err := trainer.StoredEmbeddings(dir)
	if errors.Is(err, os.ErrNotExist) {
		return errors.Errorf("%s has no %s, which a finished run leaves", dir, trainer.EmbeddingsFile)
	}
	if err != nil {
		return err
	}
	o := trainer.ProjectorOptions{Overwrite: f.options.Overwrite}
	if !f.options.NoPictures {
		if o.Data, err = f.pictures(ctx, w, dir); err != nil {
			return err
		}
		defer o.Data.Close()
	}
	task := w.Begin("writing " + out)
	err = trainer.ExportProjector(dir, out, o)
	task.End()
	switch {
	case err != nil && !f.options.NoPictures:
		return wrong("%v; %s leaves pictures out", err, field.Name("-no-pictures"))
	case err != nil:
		return err
	}
	w.Sayf("projector  %s: %s of %s", out, wording.Number(len(set.Labels), "points"), wording.Number(set.Dim, "numbers"))
	w.Sayf("it is shown by\n  tensorboard --logdir %s", shellWord(out))
	return nil
}

// pictures are those that the run was measured on.
func (f *exportFlags) pictures(ctx context.Context, w *terminal.Screen, dir string) (trainer.Data, error) {
	cfg, err := trainer.Stored(dir)
	if err != nil {
		return trainer.Data{}, err
	}
	data, err := loadUntil(ctx, cfg, w)
	switch {
	case err != nil && ctx.Err() != nil:
		w.Say("stopped while pictures were read; nothing was written")
		return data, errStopped
	case err != nil:
		return data, wrong("the pictures of the run: %v; %s leaves pictures out", err, field.Name("-no-pictures"))
	}
	return data, nil
}
