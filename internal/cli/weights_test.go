package cli

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"medusa/datasets"
	"medusa/graph"
	"medusa/internal/safetensors"
	"medusa/model"
	"medusa/nets"
	"medusa/trainer"
)

// someWeights writes a file of weights of a backbone with names as in timm, with a classifier beside.
func someWeights(t *testing.T, path string, cfg nets.Config) {
	t.Helper()
	params := graph.NewParams(7)
	g := gorgonia.NewGraph()
	x := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithName("pictures"), gorgonia.WithShape(1, 3, 64, 64))
	_, err := nets.Build(cfg, params, x, nets.Eval)
	require.NoError(t, err)
	f := &safetensors.File{Tensors: []safetensors.Tensor{{Name: "fc.weight", Shape: []int{2, 3}, F32: make([]float32, 6)}}}
	for _, item := range params.Under(nets.BackbonePrefix) {
		v := slices.Clone(item.Value.Float32s())
		if strings.HasSuffix(item.Name, "running_mean") {
			v[0] = 0.01 // as after training
		}
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: strings.TrimPrefix(params.NameOf(item), nets.BackbonePrefix), Shape: item.Shape(), F32: v})
	}
	w, err := os.Create(path)
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, safetensors.Write(w, f))
}

var thinResNet = nets.Config{Backbone: "resnet18", Channels: []int{4, 6, 8, 8}, Stem: "standard", InChannels: 3}

// thin are the flags of a run with weights of thinResNet.
func thin(weights string, args ...string) []string {
	return append([]string{"-weights", weights, "-backbone", "resnet18", "-channels", "4,6,8,8", "-embedding", "8", "-steps", "2", "-p", "3", "-k", "2", "-no-report"}, args...)
}

// A run begins with the weights of a file: it tells what became of them, models know how pictures are prepared, and every
// way to embed prepares them so; it goes on without the file.
func TestTrainWithWeights(t *testing.T) {
	t.Chdir(t.TempDir())
	folders(t, "data", 12, 4) // grey
	someWeights(t, "w.safetensors", thinResNet)
	code, stdout, stderr := call(thin("w.safetensors", "-data", "data", "-size", "48", "-val", "0.2", "-steps", "3", "-out", "run")...)
	require.Equal(t, exitOK, code, stderr)
	told := strings.Join(strings.Fields(stdout), " ")
	for _, want := range []string{
		"pictures become RGB, grey ones too (-colour rgb)",
		"the weights have the standard stem, which pictures of 48×48 have too then (-stem standard)",
		"-size 48 counts, though these weights were trained with -size 224 (as timm prepares them)",
		"pictures are prepared so: the middle 48×48 of a short side of 50, bicubic, mean 0.485,0.456,0.406, deviation 0.229,0.224,0.225, as timm prepares them but for what stands against it",
		"stored as RGB of 48×48",
		"loaded all 100 tensors of resnet18 from w.safetensors (torchvision's and timm's names) left out fc.weight new: embedding.fc.weight, embedding.fc.bias",
	} {
		assert.Contains(t, told, want)
	}
	var result struct{ Weights *nets.WeightsReport }
	raw, err := os.ReadFile("run/result.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &result))
	require.Len(t, result.Weights.Loaded, 100)
	require.Len(t, result.Weights.Files[0].SHA256, 64)
	require.Equal(t, "resnet18", result.Weights.Backbone)

	m, err := model.Load("run", model.Options{})
	require.NoError(t, err)
	defer m.Close()
	o := m.Options()
	require.Equal(t, datasets.Options{Channels: 3, Height: 48, Width: 48, Resize: datasets.Crop, CropPct: 224. / 235, Filter: datasets.Bicubic, Range: o.Range}, o)
	measured, err := safetensors.Open("run/embeddings.safetensors")
	require.NoError(t, err)
	var paths []string
	require.NoError(t, json.Unmarshal([]byte(measured.Metadata["paths"]), &paths))
	own, err := m.EmbedFile(t.Context(), paths[1])
	require.NoError(t, err)
	for _, x := range measured.Tensors {
		if x.Name == "embeddings" {
			require.InDeltaSlice(t, own, x.F32[8:16], 1e-6)
		}
	}
	code, stdout, stderr = medusa("info", "run/model.safetensors")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, strings.Join(strings.Fields(stdout), " "), "resized by crop bicubic, the middle of 50×50 taken")

	code, stdout, stderr = medusa("info", "run")
	require.Equal(t, exitOK, code, stderr)
	require.Contains(t, strings.Join(strings.Fields(stdout), " "), "begun with w.safetensors")

	// The same again from what the run wrote, also with the file elsewhere, and not with another file.
	require.NoError(t, os.Rename("w.safetensors", "gone.safetensors"))
	code, stdout, stderr = call("-resume", "run")
	require.Equal(t, exitOK, code, stdout+stderr)
	code, _, stderr = call("-config", "run/config.yaml", "-out", "again")
	require.Contains(t, []int{exitFailed, exitUsage}, code)
	require.Contains(t, strings.Join(strings.Fields(stderr), " "), "weights (run/config.yaml, line")
	require.Contains(t, stderr, "there is no file w.safetensors")
	code, stdout, stderr = call("-config", "run/config.yaml", "-weights", "gone.safetensors", "-out", "again")
	require.Equal(t, exitOK, code, stdout+stderr)
	first, err := os.ReadFile("run/model.safetensors")
	require.NoError(t, err)
	second, err := os.ReadFile("again/model.safetensors")
	require.NoError(t, err)
	require.Equal(t, first, second)
	someWeights(t, "w.safetensors", nets.Config{Backbone: "resnet18", Channels: []int{4, 6, 8, 8}, Stem: "standard", InChannels: 3, Init: "he-normal"})
	code, _, stderr = call("-config", "run/config.yaml", "-out", "third")
	require.Contains(t, []int{exitFailed, exitUsage}, code)
	require.Contains(t, strings.Join(strings.Fields(stderr), " "), "it is another file; put back the one that was meant, or leave the checksum out")
	code, _, stderr = call("-resume", "run", "-weights", "w.safetensors")
	require.NotEqual(t, exitOK, code)
	require.Contains(t, stderr, "-weights cannot change a run that is resumed")
}

// Flags that stand against the weights count, and each is told with both values.
func TestFlagsAgainstWeights(t *testing.T) {
	t.Chdir(t.TempDir())
	someWeights(t, "w.safetensors", thinResNet)
	f := trainFlags()
	for _, given := range [][2]string{
		{"weights", "w.safetensors"}, {"backbone", "resnet18"}, {"channels", "4,6,8,8"}, {"size", "64x48"}, {"colour", "grey"}, {"resize", "squeeze"}, {"filter", "bilinear"}, {"crop-pct", "0.5"}, {"normalise", "none"},
	} {
		require.NoError(t, f.assign(given[0], given[1]))
	}
	cfg, err := f.trainerConfig()
	require.NoError(t, err)
	cfg, p, err := cfg.WithWeights(func(field string) bool { _, given := f.Given(field); return given }, f.asTyped)
	require.NoError(t, err)
	require.Equal(t, []string{
		"the weights have the standard stem, which pictures of 64×48 have too then (-stem standard)",
		"-colour grey counts, though these weights were trained with -colour rgb (as timm prepares them)",
		"-size 64x48 counts, though these weights were trained with -size 224 (as timm prepares them)",
		"-resize squeeze counts, though these weights were trained with -resize crop (as timm prepares them)",
		"-crop-pct 0.5 counts, though these weights were trained with -crop-pct 0.9532 (as timm prepares them)",
		"-filter bilinear counts, though these weights were trained with -filter bicubic (as timm prepares them)",
		"-normalise none counts, though these weights were trained with -normalise 0.449/0.226 (as timm prepares them)",
		"pictures are prepared so: the middle 64×48 of 128×96, bilinear, as timm prepares them but for what stands against it",
	}, p.Told)
	require.Equal(t, trainer.DataConfig{Height: 64, Width: 48, Channels: 1, Resize: datasets.Squeeze, CropPct: 0.5, Filter: datasets.Bilinear, Normalise: "none"},
		trainer.DataConfig{Height: cfg.Data.Height, Width: cfg.Data.Width, Channels: cfg.Data.Channels, Resize: cfg.Data.Resize, CropPct: cfg.Data.CropPct, Filter: cfg.Data.Filter, Normalise: cfg.Data.Normalise})
}

// Whatever people take for weights is told in a sentence, before any picture is read.
func TestBadWeights(t *testing.T) {
	testdata, err := filepath.Abs(filepath.Join("..", "weights", "testdata"))
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	files := map[string][]byte{}
	for _, name := range []string{"whole.pth", "script.pt", "evilroot.pth", "repacked.pth", "quantised.onnx", "outside.onnx", "list.pth", "model.safetensors.index.json"} {
		raw, err := os.ReadFile(filepath.Join(testdata, name))
		require.NoError(t, err)
		files[name] = raw
	}
	views, err := os.ReadFile(filepath.Join(testdata, "views.pth"))
	require.NoError(t, err)
	maps.Copy(files, map[string][]byte{
		"empty.pth": nil, "lfs.pth": []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"), "page.pth": []byte("<!DOCTYPE html><html><body>Sign in</body></html>"),
		"answer.pth": []byte(`{"error":"Repository not found"}`), "model.h5": []byte("\x89HDF\r\n\x1a\n\x00\x00"), "model.tflite": []byte("\x20\x00\x00\x00TFL3\x00"), "text.pth": []byte("conv1.weight 1 2 3"),
		"truncated.pth": views[:1500], "model.tar": append(make([]byte, 257), "ustar\x00"...), "model.gguf": []byte("GGUF\x03\x00"),
	})
	for name, raw := range files {
		require.NoError(t, os.WriteFile(name, raw, 0o644))
	}
	someWeights(t, "thin.safetensors", thinResNet)
	someWeights(t, "nan.safetensors", thinResNet)
	damaged, err := os.ReadFile("nan.safetensors")
	require.NoError(t, err)
	copy(damaged[len(damaged)-4:], binary.LittleEndian.AppendUint32(nil, 0x7fc00000))
	require.NoError(t, os.WriteFile("nan.safetensors", damaged, 0o644))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"empty.pth"}, "it is empty: download or save it again"},
		{[]string{"lfs.pth"}, "it is a pointer of Git LFS, not the file itself: fetch that with git lfs pull"},
		{[]string{"page.pth"}, "it is a page of the web, not a file of weights"},
		{[]string{"answer.pth"}, `an answer of a server, "Repository not found"`},
		{[]string{"model.h5"}, "it is an HDF5 file, as Keras writes"},
		{[]string{"model.tflite"}, "it is a TensorFlow Lite model"},
		{[]string{"model.tar"}, "it is a tar archive"},
		{[]string{"model.gguf"}, "it is a GGUF file"},
		{[]string{"text.pth"}, "none of safetensors, a file of torch.save, and ONNX"},
		{[]string{"truncated.pth"}, "its end is missing"},
		{[]string{"whole.pth"}, "torch.save(model.state_dict()"},
		{[]string{"script.pt"}, "TorchScript"},
		{[]string{"evilroot.pth"}, "whole object (posix.system)"},
		{[]string{"repacked.pth"}, "is compressed, as torch.save does not"},
		{[]string{"quantised.onnx"}, "quantised model (DequantizeLinear)"},
		{[]string{"outside.onnx"}, "the file outside.data, which is not beside the model"},
		{[]string{"model.safetensors.index.json"}, "does not lie beside the list"},
		{[]string{"list.pth"}, "holds the whole of no backbone that is known, so say by -backbone which one it is of"},
		{[]string{"absent.pth"}, "-weights: there is no file absent.pth"},
		{[]string{"."}, "it is a folder, want a file of it"},
		{[]string{""}, "-weights is empty: give a path, or leave it out to begin with random ones"},
		{[]string{"thin.safetensors"}, "holds the whole of no backbone that is known"},
		{[]string{"thin.safetensors", "-backbone", "resnet50"}, "the file is of another network than resnet50"},
		{[]string{"thin.safetensors", "-backbone", "resnet18"}, "of another shape: "},
		{[]string{"thin.safetensors", "-backbone", "resnet18", "-channels", "4,6,8,8", "-stem", "small"}, "-stem is small, but the weights in thin.safetensors have the standard one (filters of 7×7): leave it out"},
		{[]string{"nan.safetensors", "-backbone", "resnet18", "-channels", "4,6,8,8"}, "holds NaN at place"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			code, stdout, stderr := call(append([]string{"-data", "nowhere", "-weights"}, c.args...)...)
			require.Contains(t, []int{exitFailed, exitUsage}, code)
			require.Contains(t, strings.Join(strings.Fields(stderr), " "), c.want)
			require.NotContains(t, stdout+stderr, "nowhere")
			require.NoDirExists(t, "runs")
		})
	}
}
