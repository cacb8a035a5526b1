package trainer

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/device/cpu"
	"medusa/internal/flatnames"
	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
	"medusa/model"
)

// testdata/earlier holds run folders that earlier versions wrote: begun (broken off before
// the first step), broken-off (at step 1), finished (without a report), and two of the
// library with everything that has state, broken off at step 23 of 40. Versions to come
// add to it; nothing is ever taken away.
const earlier = "testdata/earlier"

// earlierRun copies a run folder of an earlier version, since tests go on with it.
func earlierRun(t *testing.T, name string) runfolder.Folder {
	t.Helper()
	return copyRun(t, filepath.Join(earlier, name))
}

// Runs of earlier versions go on from where they stood to their end, and leave what runs
// leave today.
func TestEarlierRunsGoOn(t *testing.T) {
	for _, name := range []string{"begun", "broken-off", "library-pk", "library-pk-hard"} {
		t.Run(name, func(t *testing.T) {
			f := earlierRun(t, name)
			before, err := os.ReadFile(f.Path(MetricsFile))
			require.NoError(t, err)
			cfg, err := Stored(string(f))
			require.NoError(t, err)
			var told []string
			tr, err := Resume(load(t, cfg), Options{Dir: string(f), Notice: func(m string) { told = append(told, m) }})
			require.NoError(t, err)
			defer tr.Close()
			require.Contains(t, strings.Join(told, "\n"), "did not remember the pixels")
			at := tr.state.Step
			require.Equal(t, map[string]int{"begun": 0, "broken-off": 1, "library-pk": 23, "library-pk-hard": 23}[name], at)
			r, err := tr.Run(context.Background())
			require.NoError(t, err)
			require.Equal(t, cfg.Steps, r.Steps)
			for _, file := range leftBehind {
				require.FileExists(t, f.Path(file))
			}
			after, err := os.ReadFile(f.Path(MetricsFile))
			require.NoError(t, err)
			require.True(t, bytes.HasPrefix(after, before), "the lines before it was broken off stand as they are")
			missing, err := Missing(string(f), Options{})
			require.NoError(t, err)
			require.Empty(t, missing)
			c, err := readCheckpoint(f.Path(LastFile))
			require.NoError(t, err)
			require.True(t, c.data.knowsPixels(), "from now on")
		})
	}
}

// A run that an earlier version finished is finished, and gets the report that it lacks;
// its result stands as it is.
func TestEarlierRunIsFinished(t *testing.T) {
	f := earlierRun(t, "finished")
	missing, err := Missing(string(f), Options{NoReport: true})
	require.NoError(t, err)
	require.Empty(t, missing)
	missing, err = Missing(string(f), Options{})
	require.NoError(t, err)
	require.Equal(t, []string{ReportFile}, missing)

	result := func() map[string]any {
		b, err := os.ReadFile(f.Path(ResultFile))
		require.NoError(t, err)
		m := map[string]any{}
		require.NoError(t, json.Unmarshal(b, &m))
		for _, added := range []string{"files", "checkpoint", "sha256"} {
			delete(m, added)
		}
		return m
	}
	before := result()
	cfg, err := Stored(string(f))
	require.NoError(t, err)
	for _, lost := range []string{ReportFile, EmbeddingsFile, ModelFile} {
		require.NoError(t, os.RemoveAll(f.Path(lost)))
		tr, err := Resume(load(t, cfg), Options{Dir: string(f)})
		require.NoError(t, err)
		_, err = tr.Run(context.Background())
		require.NoError(t, err)
		require.NoError(t, tr.Close())
		require.FileExists(t, f.Path(lost))
		if lost == ModelFile { // says more about itself than that of the earlier version, so that all was measured again
			require.Equal(t, before["after"], result()["after"])
			continue
		}
		require.Equal(t, before, result())
	}
}

// A model of an earlier version gives the embeddings that the run wrote beside it. Kernels
// for other instruction sets, and later ones, round otherwise: 1e-5 of a length of 1.
func TestEarlierModelEmbeds(t *testing.T) {
	m, err := model.Load(filepath.Join(earlier, "finished", ModelFile), model.Options{})
	require.NoError(t, err)
	defer m.Close()
	cfg, err := Stored(filepath.Join(earlier, "finished"))
	require.NoError(t, err)
	got, err := m.Embed(context.Background(), load(t, cfg).Test)
	require.NoError(t, err)
	file, err := safetensors.Open(filepath.Join(earlier, "finished", EmbeddingsFile))
	require.NoError(t, err)
	want, _ := file.Lookup("embeddings")
	require.InDeltaSlice(t, want.F32, got, 1e-5)
}

// Runs whose files have flat names, as those of format version 1, in testdata/earlier; each also
// has the last checkpoint and the model of the same run unbroken, as that version wrote them.
// All are of MEDUSA_CPU=generic on linux/amd64.
var flatRuns = []string{"flat-mlp", "flat-cnn", "flat-resnet", "flat-joint", "flat-two-heads"}

const (
	expectedLast  = "expected-last.safetensors"
	expectedModel = "expected-model.safetensors"
)

// A run with flat names goes on and becomes, to the bit, what the unbroken run of that version
// was; so does a run that is begun anew: initial weights do not depend on the names' form.
func TestFlatRunsGoOn(t *testing.T) {
	if set, _ := cpu.Instructions(); set != "generic" || runtime.GOARCH != "amd64" {
		anewWith(t, cpu.Variable+"=generic")
		return // of another processor the bits are others
	}
	for _, name := range flatRuns {
		t.Run(name, func(t *testing.T) {
			f := earlierRun(t, name)
			var told []string
			cfg, err := Stored(string(f))
			require.NoError(t, err)
			o := Options{NoReport: true, NoEmbeddings: true, Notice: func(m string) { told = append(told, m) }}
			o.Dir = string(f)
			broken, err := Resume(load(t, cfg), o)
			require.NoError(t, err)
			require.Equal(t, 11, broken.state.Step)
			finishes(t, broken)
			require.Empty(t, told)
			sameAsFlat(t, filepath.Join(earlier, name), f)

			o.Dir = filepath.Join(t.TempDir(), "anew")
			finishes(t, start(t, cfg, o))
			sameAsFlat(t, filepath.Join(earlier, name), runfolder.Folder(o.Dir))
		})
	}
}

func finishes(t *testing.T, tr *Trainer) {
	t.Helper()
	_, err := tr.Run(context.Background())
	require.NoError(t, err)
	require.NoError(t, tr.Close())
}

// sameAsFlat compares a run's end, bit by bit, with that which an earlier version wrote.
func sameAsFlat(t *testing.T, expected string, f runfolder.Folder) {
	t.Helper()
	want, err := readCheckpoint(filepath.Join(expected, expectedLast))
	require.NoError(t, err)
	require.True(t, want.flat)
	got, err := readCheckpoint(f.Path(LastFile))
	require.NoError(t, err)
	require.False(t, got.flat)
	require.Equal(t, want.tensors, got.tensors)
	sum, err := want.sum()
	require.NoError(t, err)
	same, err := got.hasSum(sum)
	require.NoError(t, err)
	require.True(t, same)

	old, err := safetensors.Open(filepath.Join(expected, expectedModel))
	require.NoError(t, err)
	made, err := safetensors.Open(f.Path(ModelFile))
	require.NoError(t, err)
	require.Equal(t, "1", old.Metadata[runfolder.VersionKey])
	require.Equal(t, "2", made.Metadata[runfolder.VersionKey])
	require.Equal(t, renamed(old.Tensors, flatnames.OfModel), made.Tensors)
}

// Models with flat names are loaded, and embed as those that have today's.
func TestFlatModelsEmbed(t *testing.T) {
	for _, name := range flatRuns {
		t.Run(name, func(t *testing.T) {
			cfg, err := Stored(filepath.Join(earlier, name))
			require.NoError(t, err)
			old, err := model.Load(filepath.Join(earlier, name, expectedModel), model.Options{})
			require.NoError(t, err)
			defer old.Close()
			file, err := safetensors.Open(filepath.Join(earlier, name, expectedModel))
			require.NoError(t, err)
			file.Metadata[runfolder.VersionKey], file.Tensors = runfolder.Version, renamed(file.Tensors, flatnames.OfModel)
			path := filepath.Join(t.TempDir(), ModelFile)
			var b bytes.Buffer
			require.NoError(t, safetensors.Write(&b, file))
			require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
			today, err := model.Load(path, model.Options{})
			require.NoError(t, err)
			defer today.Close()
			data := load(t, cfg)
			x, err := old.Embed(context.Background(), data.Test)
			require.NoError(t, err)
			y, err := today.Embed(context.Background(), data.Test)
			require.NoError(t, err)
			require.Equal(t, x, y)
			require.NotEmpty(t, x)
		})
	}
}

// The best checkpoint of a run with flat names is found to be the run's, also after the run went
// on; and where a process was killed before it wrote it, it is written anew, to be found again.
func TestFlatBestIsFound(t *testing.T) {
	f := earlierRun(t, "flat-cnn")
	cfg, err := Stored(string(f))
	require.NoError(t, err)
	last, err := readCheckpoint(f.Path(LastFile))
	require.NoError(t, err)
	require.True(t, last.flat)
	best, err := readCheckpoint(f.Path(BestFile))
	require.NoError(t, err)
	same, err := best.hasSum(last.state.BestSum)
	require.NoError(t, err)
	require.True(t, same)
	same, err = best.hasSum("0" + last.state.BestSum[1:])
	require.NoError(t, err)
	require.False(t, same)

	// The state is the best: begin again at the best step, without the best file.
	text, err := os.ReadFile(f.Path(BestFile))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(f.Path(LastFile), text, 0o644))
	require.NoError(t, os.Remove(f.Path(PreviousFile)))
	require.NoError(t, os.Remove(f.Path(BestFile)))
	for range 2 {
		tr, err := Resume(load(t, cfg), Options{Dir: string(f), NoReport: true, NoEmbeddings: true})
		require.NoError(t, err)
		require.NoError(t, tr.checkBest())
		finishes(t, tr)
	}
}

// anewWith runs the test in a process of its own with one more variable in the environment.
func anewWith(t *testing.T, variable string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	if runtime.GOARCH != "amd64" {
		t.Skip("the bits are those of linux/amd64")
	}
	cmd := exec.Command(exe, "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), variable)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "PASS")
}
