package readme

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorgonia.org/gorgonia"

	"medusa/graph"
	"medusa/internal/safetensors"
	"medusa/nets"
)

// elsewhere are the commands that this test does not run, and why.
var elsewhere = map[string]string{
	"go test ./...":       "this test is part of it",
	"go mod init example": "TestLibraryAsREADMESays", "go mod edit -require medusa@v0.0.0 -replace medusa=../medusa": "TestLibraryAsREADMESays",
	"go mod tidy": "TestLibraryAsREADMESays", "go run .": "TestLibraryAsREADMESays",
	"go install ./cmd/medusa":                          "puts the program elsewhere",
	"go build":                                         "part of go test ./...",
	"go generate":                                      "needs clang; a test holds what it makes and its sources together by a hash",
	"go generate ./internal/gpu/kernels":               "needs clang; a test holds what it makes and its sources together by a hash",
	"go -C push build -o ../ ./medusa-push":            "tested in the module push",
	"go run ./bench/gpusuite -o gpu-suite":             "packs the tests that use a GPU; tested in bench/gpusuite",
	"pip install nvidia-cublas-cu12 nvidia-cudnn-cu12": "needs Python",
}

// elsewhereBegins are beginnings of further ones.
var elsewhereBegins = map[string]string{
	"go test ":                  "benchmarks and tests of packages, which run by themselves",
	"go run ./bench/finetune":   "learns with weights that it does not have, beside PyTorch; tested in bench/finetune",
	"go run ./bench/catalogue":  "trains every loss, beside PyTorch; tested in bench/catalogue",
	"go run ./bench/search":     "compares with faiss and hnswlib; tested in bench/search",
	"go run ./bench/serve":      "puts a server under load; tested in bench/serve",
	"go run ./bench/decode":     "compares decoders with Python's; measured when asked for",
	"./medusa-push ":            "tested in the module push",
	"./gpu-suite":               "needs a GPU",
	"MESSY_ARCHIVE=":            "needs an archive that is not part of the repository",
	"go run internal/embed.go ": "makes the embedded pictures of the whole Omniglot",
	"MEDUSA_":                   "tests that need a GPU, or NVIDIA's assembler",
	"CGO_ENABLED=":              "builds; the build without cgo is what go test ./... uses without a C compiler",
	"go run ./bench/compare":    "compares with PyTorch; tested in bench/compare",
	"./compare":                 "compares with PyTorch; tested in bench/compare",
	"go run honnef.co/":         "a tool",
}

// all lists the commands of README, docs, package comments and help, in that order.
func all(t *testing.T, help string) []command {
	t.Helper()
	out := inMarkdown("README.md", readme(t))
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	require.NotEmpty(t, docs)
	for _, path := range docs {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		out = append(out, inMarkdown("docs/"+filepath.Base(path), string(text))...)
	}
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		out = append(out, inGo(path, string(text))...)
		return err
	}))
	return append(out, inHelp(help)...)
}

// build makes the programs once, as go run would; the path of one is dir with its name.
func build(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	cmd := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./cmd/...")
	cmd.Dir = root
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	return dir
}

// help is what the programs' help pages say, as if go run had called them.
func help(t *testing.T, programs string) string {
	t.Helper()
	var pages strings.Builder
	for _, args := range [][]string{{"train", "-h"}, {"medusa", "help"}, {"medusa", "help", "train"}, {"medusa", "help", "evaluate"}, {"medusa", "help", "embed"}, {"medusa", "help", "calibrate"}, {"medusa", "help", "verify"}, {"medusa", "help", "serve"}, {"medusa", "help", "index"}, {"medusa", "help", "search"}, {"medusa", "help", "duplicates"}, {"medusa", "help", "outliers"}, {"medusa", "help", "cluster"}, {"medusa", "help", "export"}, {"medusa", "help", "info"}} {
		path := filepath.Join(programs, args[0])
		page, err := exec.Command(path, args[1:]...).Output()
		require.NoError(t, err)
		require.Contains(t, string(page), path)
		pages.WriteString(strings.ReplaceAll(string(page), path, "go run ./cmd/"+args[0]))
	}
	return pages.String()
}

// ofPrograms finds the name of a program of ours that a line calls, and its arguments.
var ofPrograms = regexp.MustCompile(`^go run \./cmd/(train|medusa)\b(.*)$`)

func TestEveryCommandWorks(t *testing.T) {
	programs := build(t)
	list := all(t, help(t, programs))
	require.Greater(t, len(list), 25)
	dir := t.TempDir()
	workplace(t, programs, dir)
	done, sent := map[string]bool{}, map[string]bool{}
	for i, c := range list {
		ours := ofPrograms.FindStringSubmatch(c.line)
		if done[c.line] {
			continue
		}
		done[c.line] = true
		if strings.HasPrefix(c.line, "curl ") {
			assert.True(t, sent[c.line], "%s says `%s`, and no server before it", c.where, c.line)
			continue
		}
		if ours != nil && strings.HasPrefix(ours[2], " serve ") {
			asks := curls(list[i+1:], c.where)
			for _, ask := range asks {
				sent[ask] = true
			}
			t.Run(c.line, func(t *testing.T) { serveAndAsk(t, filepath.Join(programs, ours[1]), dir, words(ours[2]), asks) })
			continue
		}
		if strings.HasPrefix(c.line, "go doc ") {
			cmd := exec.Command("go", words(c.line)[1:]...)
			cmd.Dir = root
			text, err := cmd.CombinedOutput()
			assert.NoError(t, err, "%s: %s\n%s", c.where, c.line, text)
			continue
		}
		if ours == nil {
			assert.True(t, isElsewhere(c.line), "%s says `%s`: run it here, or say in elsewhere why not", c.where, c.line)
			continue
		}
		t.Run(c.line, func(t *testing.T) {
			name, args := ours[1], ours[2]
			cmd := exec.Command(filepath.Join(programs, name), short(words(args))...)
			cmd.Dir = dir
			cmd.Stdin = strings.NewReader("a.jpg\nb.jpg\n") // for a command that reads a list
			text, err := cmd.CombinedOutput()
			if err != nil && strings.Contains(args, "-device cuda") && strings.Contains(string(text), "which is not to be had") {
				return // what such a machine has to say
			}
			require.NoError(t, err, "%s: %s\n%s", c.where, c.line, text)
		})
	}
	for line := range elsewhere {
		assert.True(t, done[line], "no text says `%s` any more: take it out of elsewhere", line)
	}
}

func isElsewhere(line string) bool {
	if elsewhere[line] != "" {
		return true
	}
	for beginning := range elsewhereBegins {
		if strings.HasPrefix(line, beginning) {
			return true
		}
	}
	return false
}

var (
	configurations = regexp.MustCompile("(?s)```yaml\n(.*?)```")
	word           = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"])+`)
	quotes         = strings.NewReplacer("'", "", `"`, "")
)

// words cuts a line at the blanks outside of quotes, as a shell does.
func words(line string) (out []string) {
	for _, w := range word.FindAllString(line, -1) {
		out = append(out, quotes.Replace(w))
	}
	return out
}

// short makes a run take two steps and write no report, and one on the embedded pictures take
// smaller ones: a flag that is given twice has its last value.
func short(args []string) []string {
	line := " " + strings.Join(args, " ") + " "
	for _, flag := range []string{" -h ", " -device-info ", " -resume ", " -evaluate ", " help ", " info ", " evaluate ", " embed ", " calibrate ", " verify ", " serve ", " index ", " search ", " duplicates ", " outliers ", " cluster ", " export ", " completion "} {
		if strings.Contains(line, flag) {
			return args
		}
	}
	embedded := !strings.Contains(line, " -data ") && !strings.Contains(line, " -config ")
	if strings.Contains(line, " -weights ") { // which want larger ones
		args = append(args, "-size", "32")
	}
	variant := embedded && !strings.Contains(line, " -out ")
	args = append(args, "-no-report")
	if !strings.Contains(line, " -epochs ") { // which are few steps of few pictures
		args = append(args, "-steps", "2")
	}
	if embedded {
		args = append(args, "-size", "8", "-copies", "ignore")
	}
	if variant { // to measure the embedded pictures takes most of the time, and is done where the run has a name
		args = append(args, "-val", "none", "-test", "none")
	}
	return args
}

// workplace makes what the texts take for granted: folders of pictures, runs, a configuration.
func workplace(t *testing.T, programs, dir string) {
	t.Helper()
	classes(t, filepath.Join(dir, "photos"), 24, 6, true)
	classes(t, filepath.Join(dir, "others"), 10, 6, true)
	require.NoError(t, os.Symlink("photos", filepath.Join(dir, "shelf"))) // other pictures of the same classes
	require.NoError(t, os.WriteFile(filepath.Join(dir, "token.txt"), []byte("that-nobody-guesses\n"), 0o600))
	one, err := os.ReadFile(filepath.Join(dir, "others", "others-00", "0.png"))
	require.NoError(t, err)
	for _, name := range []string{"a.jpg", "b.jpg"} { // what a picture is called says nothing
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), one, 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b.csv"), []byte("path,label\na.jpg,things\n"), 0o644))
	archive(t, filepath.Join(dir, "a.tar.gz"), filepath.Join(dir, "others"))
	classes(t, filepath.Join(dir, "DIR"), 24, 6, false)
	classes(t, filepath.Join(dir, "omniglot"), 24, 6, false)
	classes(t, filepath.Join(dir, "grocery", "train"), 14, 6, true)
	classes(t, filepath.Join(dir, "grocery", "test"), 4, 6, true)
	idx(t, filepath.Join(dir, "fashion-mnist"))
	onnx, err := os.ReadFile(filepath.Join(root, "internal", "onnxgraph", "testdata", "mixed-fixed.onnx"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "trunk.onnx"), onnx, 0o600))
	weights(t, filepath.Join(dir, "resnet18-f37072fd.pth"))
	require.NoError(t, os.Symlink("resnet18-f37072fd.pth", filepath.Join(dir, "backbone.pth")))
	faces(t, filepath.Join(dir, "faces.csv"), "photos", 24, 6)
	lake(t, dir)
	files := configurations.FindAllStringSubmatch(readme(t), -1)
	require.Len(t, files, 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "run.yaml"), []byte(files[0][1]), 0o644))
	for _, name := range []string{"NAME", "first"} {
		cmd := exec.Command(filepath.Join(programs, "train"), "-data", "photos", "-steps", "2", "-no-report", "-out", "runs/"+name)
		cmd.Dir = dir
		text, err := cmd.CombinedOutput()
		require.NoError(t, err, string(text))
	}
	require.NoError(t, os.Symlink(filepath.Join("runs", "first"), filepath.Join(dir, "RUN")))
}

// faces makes a table of pictures that classes made, each with landmarks.
func faces(t *testing.T, path, folder string, n, pictures int) {
	t.Helper()
	text := "path,label,landmarks\n"
	for c := range n {
		for i := range pictures {
			text += fmt.Sprintf("%s/%[1]s-%02[2]d/%[3]d.png,%[2]d,5.5 7.4 10.5 7.4 8 10.2 5.9 13.2 10.1 13.2\n", folder, c, i)
		}
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

// archive makes a .tar.gz of a folder.
func archive(t *testing.T, path, dir string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	require.NoError(t, w.AddFS(os.DirFS(dir)))
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
}

// classes makes folders of small pictures.
func classes(t *testing.T, dir string, n, pictures int, colour bool) {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 4))
	for c := range n {
		class := filepath.Join(dir, fmt.Sprintf("%s-%02d", filepath.Base(dir), c))
		require.NoError(t, os.MkdirAll(class, 0o755))
		for i := range pictures {
			img := image.NewRGBA(image.Rect(0, 0, 16, 16))
			for y := range 16 {
				for x := range 16 {
					v := uint8((x*(c%5+1)+y*(c/5+1))*9 + rng.IntN(30))
					p := color.RGBA{v, v, v, 255}
					if colour {
						p.G, p.B = uint8(c*10), 255-v
					}
					img.SetRGBA(x, y, p)
				}
			}
			var b bytes.Buffer
			require.NoError(t, png.Encode(&b, img))
			require.NoError(t, os.WriteFile(filepath.Join(class, fmt.Sprintf("%d.png", i)), b.Bytes(), 0o644))
		}
	}
}

// weights makes a file as others publish them: a ResNet with a classifier.
func weights(t *testing.T, path string) {
	t.Helper()
	params := graph.NewParams(1)
	x, _ := graph.Input(gorgonia.NewGraph(), "pictures", 1, 3, 64, 64)
	_, err := nets.Build(nets.Config{Backbone: "resnet18"}, params, x, nets.Eval)
	require.NoError(t, err)
	f := &safetensors.File{Tensors: []safetensors.Tensor{{Name: "fc.weight", Shape: []int{1000, 512}, F32: make([]float32, 512000)}}}
	for _, item := range params.Under(nets.BackbonePrefix) {
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: strings.TrimPrefix(params.NameOf(item), nets.BackbonePrefix), Shape: item.Shape(), F32: item.Value.Float32s()})
	}
	w, err := os.Create(path)
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, safetensors.Write(w, f))
}

// lake makes archives of the form of Omniglot's: alphabets of characters, and one-shot runs.
func lake(t *testing.T, dir string) {
	t.Helper()
	background, evaluation, runs := t.TempDir(), t.TempDir(), t.TempDir()
	classes(t, filepath.Join(background, "images_background", "Latin"), 24, 6, false)
	tested := filepath.Join(evaluation, "images_evaluation", "Avesta")
	classes(t, tested, 24, 6, false)
	var labels strings.Builder
	for part, picture := range map[string]string{"test": "0.png", "training": "1.png"} {
		require.NoError(t, os.MkdirAll(filepath.Join(runs, "run01", part), 0o755))
		for c := range 3 {
			data, err := os.ReadFile(filepath.Join(tested, fmt.Sprintf("Avesta-%02d", c), picture))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(runs, "run01", part, fmt.Sprintf("%d.png", c)), data, 0o644))
		}
	}
	for c := range 3 {
		fmt.Fprintf(&labels, "run01/test/%d.png run01/training/%d.png\n", c, c)
	}
	require.NoError(t, os.WriteFile(filepath.Join(runs, "run01", "class_labels.txt"), []byte(labels.String()), 0o644))
	for name, from := range map[string]string{"images_background.zip": background, "images_evaluation.zip": evaluation, "all_runs.zip": runs} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		require.NoError(t, w.AddFS(os.DirFS(from)))
		require.NoError(t, w.Close())
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644))
	}
}

// idx makes the four files of an MNIST-like set, ten classes of twenty.
func idx(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	rng := rand.New(rand.NewPCG(5, 6))
	write := func(name string, magic uint32, dims []uint32, content []byte) {
		f, err := os.Create(filepath.Join(dir, name+".gz"))
		require.NoError(t, err)
		z := gzip.NewWriter(f)
		require.NoError(t, binary.Write(z, binary.BigEndian, append([]uint32{magic}, dims...)))
		_, err = z.Write(content)
		require.NoError(t, err)
		require.NoError(t, z.Close())
		require.NoError(t, f.Close())
	}
	for _, part := range []string{"train", "t10k"} {
		const n = 200
		pixels, labels := make([]byte, n*28*28), make([]byte, n)
		for i := range labels {
			labels[i] = byte(i % 10)
			for k := range 28 * 28 {
				pixels[i*28*28+k] = byte((k*(i%10+1))%200 + rng.IntN(50))
			}
		}
		write(part+"-images-idx3-ubyte", 0x803, []uint32{n, 28, 28}, pixels)
		write(part+"-labels-idx1-ubyte", 0x801, []uint32{n}, labels)
	}
}

// TestNoCommandIsWrittenByHand holds messages to one function that makes commands, which
// knows how the program was called; what it makes is obeyed in a test of internal/cli.
func TestNoCommandIsWrittenByHand(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(root, "internal", "cli", "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		assert.NotContains(t, string(text), "go run ./cmd/", path)
	}
}

// TestTimesAreTheSame: README, help and the package's comment say alike how long the
// embedded set takes, and what that includes.
func TestTimesAreTheSame(t *testing.T) {
	const said = "half a minute once compiled"
	assert.Contains(t, readme(t), said)
	for _, name := range []string{"internal/cli/train.go", "cmd/train/main.go"} {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		require.NoError(t, err)
		assert.Contains(t, string(text), said, name)
	}
}

func TestCommandsAreFound(t *testing.T) {
	got := inMarkdown("x", "Say `go run ./cmd/train -h` or `x`.\n\n```sh\ngo run a -b c \\\n  -d e   # why\n# nothing\n./x\n```\n\n    go test ./y        # or else\n    MEDUSA=1 go test\n")
	var lines []string
	for _, c := range got {
		lines = append(lines, c.line)
	}
	assert.Equal(t, []string{"go run a -b c -d e", "./x", "go test ./y", "MEDUSA=1 go test", "go run ./cmd/train -h"}, lines)
	assert.Equal(t, "go run ./cmd/train -data photos", inHelp("x\n  go run ./cmd/train -data photos          one folder\n")[0].line)
	assert.Equal(t, "go run ./cmd/train", inGo("x", "//\tgo run ./cmd/train                 the embedded part\n")[0].line)
}
