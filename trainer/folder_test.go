package trainer

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"medusa/internal/runfolder"
	"medusa/internal/safetensors"
	"medusa/model"
	"medusa/optim"
)

func TestFolderMustBeNewOrEmpty(t *testing.T) {
	cfg := small(pictures(t))
	data := load(t, cfg)
	dir := t.TempDir()
	theirs := filepath.Join(dir, "thesis.txt")
	require.NoError(t, os.WriteFile(theirs, []byte("years of work"), 0o644))
	_, err := New(cfg, data, Options{Dir: dir})
	require.ErrorContains(t, err, "is not empty (it holds thesis.txt)")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing was added")
	_, err = Resume(data, Options{Dir: dir})
	require.ErrorContains(t, err, "holds no run")
	_, err = New(cfg, data, Options{})
	require.ErrorContains(t, err, "no run folder")
	_, err = New(cfg, data, Options{Dir: filepath.Join(theirs, "run")})
	require.ErrorContains(t, err, "trainer: run folder")
}

func TestUnwritableFolder(t *testing.T) {
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root may write everywhere, and modes keep nobody out of a folder of Windows")
	}
	cfg := small(pictures(t))
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o555))
	_, err := New(cfg, load(t, cfg), Options{Dir: filepath.Join(dir, "run")})
	require.ErrorContains(t, err, "cannot be written to; choose another one")
}

// A faulty configuration leaves no folder behind.
func TestFaultyRunMakesNoFolder(t *testing.T) {
	cfg := small(pictures(t))
	dir := filepath.Join(t.TempDir(), "run")
	data := load(t, cfg)
	cfg.Sampler.P = 100
	_, err := New(cfg, data, Options{Dir: dir})
	require.Error(t, err)
	cfg = small(cfg.Data.Path)
	cfg.Net.InChannels = 3
	_, err = New(cfg, data, Options{Dir: dir})
	require.ErrorContains(t, err, "the pictures are 1×8×8")
	require.NoDirExists(t, dir)
}

func finished(t *testing.T) (*Trainer, Config) {
	cfg := small(pictures(t))
	cfg.Steps = 20
	tr, _ := run(t, cfg, Options{})
	return tr, cfg
}

// rewrite changes what a checkpoint says, with a right checksum.
func rewrite(t *testing.T, path string, change func(f *safetensors.File)) {
	f, err := safetensors.Open(path)
	require.NoError(t, err)
	change(f)
	out, err := os.Create(path)
	require.NoError(t, err)
	defer out.Close()
	require.NoError(t, safetensors.Write(out, f))
}

func TestForeignCheckpoint(t *testing.T) {
	tr, cfg := finished(t)
	path := tr.dir.Path(LastFile)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		change func(f *safetensors.File)
		want   []string
	}{
		"of another network": {func(f *safetensors.File) {
			other := cfg.Defaults()
			other.Net.Embedding, other.Net.Channels = 6, []int{4, 8, 8}
			b, err := configText(other)
			require.NoError(t, err)
			f.Metadata["config"] = string(b)
		}, []string{"of another network", "embedding.fc.weight has shape [8 128], want [6 32]", "is missing"}},
		"of a later version": {func(f *safetensors.File) { f.Metadata[runfolder.VersionKey] = "3" }, []string{"format version 3, this program reads versions 1 and 2"}},
		"a model":            {func(f *safetensors.File) { f.Metadata[runfolder.KindKey] = runfolder.KindModel }, []string{"is a model, want a checkpoint"}},
		"of another program": {func(f *safetensors.File) { delete(f.Metadata, runfolder.KindKey) }, []string{"was not written by Medusa"}},
		"without a state":    {func(f *safetensors.File) { delete(f.Metadata, "state") }, []string{"state"}},
		"of other pictures": {func(f *safetensors.File) {
			f.Metadata["data"] = `{"pictures":5,"classes":2,"labels":"00"}`
		}, []string{"begun on 5 pictures of 2 classes"}},
		"of another solver": {func(f *safetensors.File) {
			other := cfg
			other.Solver = optim.Config{Name: "rmsprop", Alpha: 0.9}
			b, err := configText(other.Defaults())
			require.NoError(t, err)
			f.Metadata["config"] = string(b)
		}, []string{"solver/embedding.fc.weight/first"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, whole, 0o644))
			rewrite(t, path, c.change)
			_, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestJournalCutShort(t *testing.T) {
	cfg := small(pictures(t))
	tr := start(t, cfg, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	tr.o.Hooks = []Hook{{Step: func(_ context.Context, i StepInfo) error { cancel(); return nil }}}
	_, err := tr.Run(ctx)
	require.NoError(t, err)
	goOn := func() ([]string, error) {
		var told []string
		on, err := Resume(tr.data.data(), Options{Dir: string(tr.dir), Notice: func(m string) { told = append(told, m) }})
		require.NoError(t, err)
		defer on.Close()
		_, err = on.Run(context.Background())
		return told, err
	}
	text, err := os.ReadFile(tr.dir.Path(MetricsFile))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(tr.dir.Path(MetricsFile), append(text[:20:20], text[19:]...), 0o644))
	_, err = goOn()
	require.ErrorContains(t, err, "the file was altered or damaged; put it back, or remove it")
	require.NoError(t, os.Truncate(tr.dir.Path(MetricsFile), 5))
	_, err = goOn()
	require.ErrorContains(t, err, "it was cut; put it back, or remove it")
	require.NoError(t, os.Remove(tr.dir.Path(MetricsFile)))
	told, err := goOn()
	require.NoError(t, err)
	require.Contains(t, told[0], "its lines up to step 1 are lost")
	whole, _ := run(t, cfg, Options{})
	x, err := os.ReadFile(whole.dir.Path(ModelFile))
	require.NoError(t, err)
	y, err := os.ReadFile(tr.dir.Path(ModelFile))
	require.NoError(t, err)
	require.Equal(t, x, y)
}

func TestModel(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps, cfg.EvalBatch = 20, 7 // no result depends on it
	tr, _ := run(t, cfg, Options{})
	want, err := tr.Embed(context.Background(), tr.data.Test)
	require.NoError(t, err)
	m, err := model.Load(tr.dir.Path(ModelFile), model.Options{})
	require.NoError(t, err)
	defer m.Close()
	got, err := m.Embed(context.Background(), tr.data.Test)
	require.NoError(t, err)
	require.True(t, slices.Equal(want, got))
	require.Equal(t, 8, m.EmbeddingSize())
	require.Equal(t, side, m.Options().Height)
	require.Equal(t, tr.data.Train.NumClasses(), m.Info().Classes)

	// 48 pictures one by one, whatever the batch.
	pixels := make([]float32, side*side)
	for i := range tr.data.Test.Len() {
		require.NoError(t, tr.data.Test.Fill(pixels, []int{i}, m.Info().Normalisation))
		one, err := m.EmbedPixels(context.Background(), pixels)
		require.NoError(t, err)
		require.Equal(t, want[i*8:(i+1)*8], one)
	}
	_, err = m.EmbedPixels(context.Background(), pixels[:7])
	require.ErrorContains(t, err, "no whole pictures of 64")
	_, err = model.Load(tr.dir.Path(LastFile), model.Options{})
	require.ErrorContains(t, err, "is a checkpoint, want a model")
	_, err = model.Load(filepath.Join(t.TempDir(), "none"), model.Options{})
	require.ErrorIs(t, err, os.ErrNotExist)
	rewrite(t, tr.dir.Path(ModelFile), func(f *safetensors.File) { f.Tensors = f.Tensors[1:] })
	_, err = model.Load(tr.dir.Path(ModelFile), model.Options{})
	require.ErrorContains(t, err, "is missing")
}

func TestEmbedUntrained(t *testing.T) {
	cfg := small(pictures(t))
	cfg.Steps = 5
	tr := start(t, cfg, Options{})
	ctx := context.Background()
	before, err := tr.Embed(ctx, tr.data.Test)
	require.NoError(t, err)
	_, err = tr.Run(ctx)
	require.NoError(t, err)
	after, err := tr.EmbedUntrained(ctx, tr.data.Test)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// A checkpoint that is whole in itself, of another run, is refused before anything of
// this run is touched.
func TestCheckpointOfAnotherRun(t *testing.T) {
	tr, cfg := finished(t)
	cfg.Net.Channels, cfg.Steps = []int{4, 12}, 10
	other, _ := run(t, cfg, Options{})
	theirs, err := os.ReadFile(other.dir.Path(LastFile))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(tr.dir.Path(LastFile), theirs, 0o644))
	before, err := os.ReadFile(tr.dir.Path(MetricsFile))
	require.NoError(t, err)
	_, err = Resume(tr.data.data(), Options{Dir: string(tr.dir)})
	require.ErrorContains(t, err, "is of another run")
	require.ErrorContains(t, err, "Net.Channels, Steps")
	after, err := os.ReadFile(tr.dir.Path(MetricsFile))
	require.NoError(t, err)
	require.Equal(t, before, after)
}

func TestNoCheckpointIsWhole(t *testing.T) {
	tr, _ := finished(t)
	for _, name := range []string{LastFile, PreviousFile, BestFile} {
		require.NoError(t, os.Truncate(tr.dir.Path(name), 100))
	}
	_, err := Resume(tr.data.data(), Options{Dir: string(tr.dir)})
	require.ErrorContains(t, err, "begin a new run with the configuration in "+tr.dir.Path(ConfigFile))
}

func TestDifferences(t *testing.T) {
	a := small("here")
	b := a
	b.Data.Path, b.Data.Workers, b.Threads, b.Net.Height, b.EvalBatch = "there", 7, 3, 28, 5
	require.Empty(t, Differences(a, b))
	require.Empty(t, Differences(a, a.Defaults()))
	b.Solver.LR, b.Data.Augment.FlipH, b.Data.Augment.Rotation, b.Seed = 0.5, 0, 10, 8
	require.Equal(t, []string{"Data.Augment.FlipH", "Data.Augment.Rotation", "Sampler.Seed", "Seed", "Solver.LR"}, Differences(a, b))
	require.Equal(t, Differences(a, b), Differences(b, a))
}

// A run that cannot begin, as on a full disk, leaves nothing that is in the way of the
// next one.
func TestRunThatCannotBeginLeavesNothing(t *testing.T) {
	cfg := small(pictures(t))
	data := load(t, cfg)
	dir := filepath.Join(t.TempDir(), "run")
	cfg.Clip = math.NaN() // no configuration that JSON or a run can have
	_, err := New(cfg, data, Options{Dir: dir})
	require.Error(t, err)
	require.NoDirExists(t, dir)

	f := runfolder.Folder(dir)
	require.NoError(t, f.Create())
	held, err := f.Lock()
	require.NoError(t, err)
	require.NoError(t, held.Close())
	require.NoError(t, writeConfig(f, small(""), nil))
	f.Remove(true)
	require.NoDirExists(t, dir)
}

// Killed at any moment before it began, a run leaves a folder that the next one can take.
func TestFolderOfARunThatNeverBegan(t *testing.T) {
	cfg := small(pictures(t))
	data := load(t, cfg)
	f := runfolder.Folder(t.TempDir())
	require.NoError(t, f.Create())
	require.NoError(t, os.WriteFile(f.Path(MetricsFile), nil, 0o644))
	require.NoError(t, os.WriteFile(f.Path(runfolder.TempPrefix+"1"), []byte("half"), 0o644))
	require.NoError(t, Vacant(string(f)))
	require.NoError(t, f.WriteBytes(StoredFile, []byte("steps: 3")))
	require.NoError(t, Vacant(string(f)))
	tr, err := New(cfg, data, Options{Dir: string(f)})
	require.NoError(t, err)
	require.NoError(t, tr.Close())
	require.NoFileExists(t, f.Path(runfolder.TempPrefix+"1"))
	require.ErrorContains(t, Vacant(string(f)), "is not empty", "it has begun")

	require.NoError(t, os.WriteFile(f.Path(MetricsFile), []byte("x"), 0o644))
	require.NoError(t, os.Remove(f.Path(ConfigFile)))
	require.ErrorContains(t, Vacant(string(f)), MetricsFile)
}
